"""
The shape of a hand-written file, as far as this launcher reads it.

Owns what a section, a component and a pipeline have to be. What stands below a component is the Collector's to judge.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from otel_kit.cli.collector.files import Tree
from otel_kit.cli.collector.problems import Problem

__all__ = ["shape_problems"]

SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions")
OF_A_PIPELINE = ("receivers", "processors", "exporters")
OF_TELEMETRY = ("logs", "metrics", "traces")

_EMPTY = "has nothing below it, which takes away what the other files say there"


def shape_problems(path: Path, tree: Tree) -> list[Problem]:
    """
    What in a file can't be read as sections, components and pipelines.
    """
    found = [*_names(tree, "the top")]
    for section in SECTIONS:
        if section in tree:
            found += _section(tree[section], section)
    if "service" in tree:
        found += _service(tree["service"])
    return [Problem(str(path), problem, remedy) for problem, remedy in found]


def _section(section: Any, place: str) -> Iterator[tuple[str, str]]:
    yield from _map(section, place)
    if isinstance(section, dict):
        yield from _names(section, place)
        for name, settings in section.items():
            # the settings alone may stand elsewhere: ${file:…}
            if settings is not None and not isinstance(settings, dict) and not _is_reference(settings):
                yield _no_map(f"{place}.{name}")


def _service(service: Any) -> Iterator[tuple[str, str]]:
    yield from _map(service, "service")
    if not isinstance(service, dict):
        return
    yield from _texts(service, "extensions", "service")
    if "pipelines" in service:
        yield from _pipelines(service["pipelines"])
    telemetry = service.get("telemetry")
    if telemetry is not None:
        yield from _map(telemetry, "service.telemetry")
        for signal in OF_TELEMETRY if isinstance(telemetry, dict) else ():
            if telemetry.get(signal) is not None:
                yield from _map(telemetry[signal], f"service.telemetry.{signal}")


def _pipelines(pipelines: Any) -> Iterator[tuple[str, str]]:
    place = "service.pipelines"
    yield from _map(pipelines, place)
    if isinstance(pipelines, dict):
        yield from _names(pipelines, place)
        for name, pipeline in pipelines.items():
            yield from _map(pipeline, f"{place}.{name}")
            for part in OF_A_PIPELINE if isinstance(pipeline, dict) else ():
                yield from _texts(pipeline, part, f"{place}.{name}")


def _map(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if value is None:
        yield f"its {place} {_EMPTY}", "leave the line out"
    elif not isinstance(value, dict):
        yield _no_map(place)


def _no_map(place: str) -> tuple[str, str]:
    return f"its {place} is no map", "write `name:` with its settings below, or leave it out"


def _names(tree: Tree, place: str) -> Iterator[tuple[str, str]]:
    for name in tree:
        if not isinstance(name, str):
            yield f"has the name {name!r} at {place}, which is no text", "put it in quotes, or leave it out"


def _texts(tree: Tree, key: str, place: str) -> Iterator[tuple[str, str]]:
    value = tree.get(key)
    if value is not None and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        yield f"its {place}.{key} is no list of names", "write [one, another]"


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("${")
