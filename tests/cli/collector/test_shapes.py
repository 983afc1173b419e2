"""
Hand-written files of odd shapes: a clear refusal or a configuration, never an error of ours.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from otel_kit.cli.collector.binary import SECTIONS, Binary, missing_components
from otel_kit.cli.collector.checks import port_problems
from otel_kit.cli.collector.compose import compose, one_line
from otel_kit.cli.collector.files import Tree
from otel_kit.cli.collector.listeners import circles, flawed, listeners
from otel_kit.cli.collector.masks import masked
from otel_kit.cli.collector.problems import ProblemsFound
from otel_kit.cli.collector.redirect import Redirected
from otel_kit.cli.collector.selection import select

NOTHING = Binary(Path("nothing"), "0.159.0", dict.fromkeys(SECTIONS, frozenset()))
VARIABLES = {"ENDLESS": "a${env:ENDLESS}"}
BASE: Tree = {
    "receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}},
    "processors": {"memory_limiter": {"limit_mib": 400}},
    "exporters": {"nop": {}},
    "extensions": {"health_check": {"endpoint": "127.0.0.1:0"}},
    "service": {"extensions": ["health_check"], "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["nop"]}}},
}
ODD: list[Any] = [None, 5, True, "x", "", "${env:ENDLESS}", "${file:x}", [], [5], [None], [{}], [[1]], {}]
ODD += [{5: 6}, {None: None}, {"x": 5}, {"x": []}, {"x": None}, {"nop": []}, {"traces": 5}, {"endpoint": 5}]
ODD += [
    {"endpoint": "²:²"},
    {"endpoint": "127.0.0.1:99999"},
    {"endpoint": "http://[::1"},
    {"endpoint": "ü" * 80 + ":4"},
]
ODD += [{"protocols": [{"http": 5}]}, {"prometheus": 5}, {"limit_mib": 10**30}, b"x"]
COMPONENTS = {
    "receivers": ("otlp", "otlp/x", "file_log/x"),
    "processors": ("memory_limiter", "resource_detection"),
    "exporters": ("nop", "otlp_http/x", "file/x", "load_balancing", "kafka"),
    "connectors": ("forward/x",),
    "extensions": ("health_check", "zpages", "file_storage/x"),
}
SETTINGS = ("endpoint", "protocols", "protocols.http", "protocols.http.endpoint", "include", "path", "resolver", "auth")
SERVICE = ("extensions", "pipelines", "pipelines.traces", "pipelines.traces.receivers", "pipelines.traces.exporters")
TELEMETRY = ("", ".metrics", ".metrics.readers", ".logs", ".logs.processors", ".traces", ".traces.processors")
PLACES = [
    *SECTIONS,
    "service",
    "unknown",
    *(f"{section}.{name}" for section, names in COMPONENTS.items() for name in names),
    *(f"{section}.{name}.{key}" for section, names in COMPONENTS.items() for name in names for key in SETTINGS),
    *(f"service.{key}" for key in SERVICE),
    *(f"service.telemetry{key}" for key in TELEMETRY),
]


def file_of(path: Path, tree: Any) -> Path:
    """
    A tree as a file.
    """
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """
    A base and nothing else.
    """
    (tmp_path / "base.yaml").write_text(json.dumps(BASE), encoding="utf-8")
    (tmp_path / "redaction.yaml").write_text("{}", encoding="utf-8")
    return tmp_path


def all_of_it(directory: Path, own: Path) -> None:
    """
    Everything that is done with a configuration before a program is asked.
    """
    tree = compose(directory, select({}), [own]).tree
    circles(tree, VARIABLES)
    flawed(tree, VARIABLES)
    port_problems(listeners(tree, VARIABLES), {})
    missing_components(NOTHING, tree)
    one_line(Redirected(tree, directory, "127.0.0.1:9").overlay)
    yaml.safe_dump(masked(tree))


def refusals(directory: Path, own: Path) -> list[str]:
    """
    What is said against a file; nothing where it is taken.
    """
    try:
        all_of_it(directory, own)
    except ProblemsFound as refused:
        return [str(problem) for problem in refused.problems]
    return []


@pytest.mark.parametrize("place", PLACES)
def test_an_odd_value_anywhere_is_refused_by_name_or_taken(directory: Path, place: str) -> None:
    """
    Whatever is said names the file; nothing else is raised.
    """
    for value in ODD:
        tree = value
        for key in reversed(place.split(".")):
            tree = {key: tree}
        own = file_of(directory / "own.yaml", tree)

        assert [] == [said for said in refusals(directory, own) if not said.startswith(f"{own}: ")]


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"service": 5}, "its service is no map: "),
        ({"exporters": None}, "its exporters has nothing below it, which takes away what the other files say there: "),
        ({"service": None}, "its service has nothing below it, which takes away what the other files say there: "),
        ({"exporters": {"nop": 5}}, "its exporters.nop is no map: "),
        ({"exporters": "${file:x.yaml}"}, "its exporters is no map: "),
        ({5: {}}, "has the name 5 at the top, which is no text: "),
        ({"receivers": {5: {}}}, "has the name 5 at receivers, which is no text: "),
        ({"service": {"extensions": "zpages"}}, "its service.extensions is no list of names: "),
        ({"service": {"pipelines": ["traces"]}}, "its service.pipelines is no map: "),
        ({"service": {"pipelines": {"traces/x": None}}}, "its service.pipelines.traces/x has nothing below it, "),
        (
            {"service": {"pipelines": {"traces/x": {"receivers": "otlp"}}}},
            "its service.pipelines.traces/x.receivers is",
        ),
        ({"service": {"telemetry": {"logs": 5}}}, "its service.telemetry.logs is no map: "),
    ],
)
def test_a_shape_that_cannot_be_read_is_named_by_its_place(directory: Path, tree: Tree, said: str) -> None:
    """
    With file, place and remedy.
    """
    own = file_of(directory / "own.yaml", tree)

    (line,) = refusals(directory, own)

    assert line.startswith(f"{own}: {said}")


@pytest.mark.parametrize(
    "tree",
    [
        {"exporters": {"otlp_http/x": "${file:x.yaml}"}},
        {"exporters": {"debug": None}},
        {"processors": {"attributes": {"actions": [{"key": "a", "value": {5: "x"}}]}}},
        {"service": {"extensions": None, "telemetry": None}},
    ],
)
def test_what_the_collector_takes_is_taken(directory: Path, tree: Tree) -> None:
    """
    Settings from elsewhere, components without settings, and any key further down.
    """
    assert [] == refusals(directory, file_of(directory / "own.yaml", tree))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 2020-13-45", "is no YAML"),
        (f"a: {'9' * 5000}", "is no YAML"),
        ("a: " + "[" * 5000, "is no YAML"),
        ("a: &a [*a]", "is nested more than 100 levels deep, or holds itself"),
        ("a: &a {b: *a}", "is nested more than 100 levels deep, or holds itself"),
        ("{[a]: b}", "is no YAML"),
    ],
    ids=["date", "number", "depth", "list in itself", "map in itself", "list as key"],
)
def test_yaml_that_cannot_be_built_is_named(directory: Path, text: str, said: str) -> None:
    """
    A date that is none, a number beyond all bounds, depth without end.
    """
    own = directory / "own.yaml"
    own.write_text(text, encoding="utf-8")

    (line,) = refusals(directory, own)

    assert line.startswith(f"{own}: {said}")


def test_settings_from_elsewhere_are_left_out_of_the_trial(directory: Path) -> None:
    """
    Nobody knows where they would listen or send.
    """
    own = file_of(directory / "own.yaml", {"receivers": {"otlp/x": "${file:x.yaml}"}})
    trial = Redirected(compose(directory, select({}), [own]).tree, directory, "127.0.0.1:9")

    assert ["otlp/x"] == trial.left_out


def said_of(exporter: Tree) -> Sequence[str]:
    """
    What is said of an exporter of a user's own.
    """
    return list(map(str, flawed({"exporters": {"otlp_http/x": exporter}}, {"HOST": "h%zz"})))


def test_an_exporter_with_a_url_that_is_none_is_named() -> None:
    """
    The trial gives it another one, and would not notice.
    """
    (line,) = said_of({"endpoint": "http://${env:HOST}:1"})

    assert line.startswith("exporter otlp_http/x: its endpoint has a host with characters that no host has: ")
    assert [] == said_of({"endpoint": "http://store.example:4318", "traces_endpoint": "${env:NOT_SET}"})
