"""
The Collector's program: where it is, and whether it has what the files need.

Owns the order in which it is looked for, and the questions it is asked without being started.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from otel_kit.cli.collector.build import built_binary
from otel_kit.cli.collector.files import Tree, checkout, parsed
from otel_kit.cli.collector.problems import Problem, ProblemsFound, problem_of

__all__ = ["Binary", "NoBinary", "find_binary", "known_gates", "missing_components"]

VARIABLE = "OTEL_KIT_COLLECTOR_BINARY"
OLDEST = (0, 159)
ANSWER_SECONDS = 20.0
SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions")

_GATES = {"file_log": "stanza.synchronousLogEmitter"}
"""
Receiver -> a feature gate for it. Without this one a kill loses the lines of the last tenth of a second: the place
in the file is kept before the lines are taken.
"""

# what comes of reading something else as a list of components
_NO_ANSWER = (ValueError, LookupError, TypeError, AttributeError, RecursionError)

_VERSION = re.compile(r"\bv?(\d+)\.(\d+)\.\d+")


class NoBinary(ProblemsFound):
    """
    There is no program to ask.
    """


@dataclass(frozen=True)
class Binary:
    """
    A program that said what it consists of.
    """

    path: Path
    version: str
    components: Mapping[str, frozenset[str]]
    """Section of a configuration -> types."""


def find_binary(variables: Mapping[str, str], balancing: bool) -> Path:
    """
    The program: by its variable, in `.build`, where a build left it, on the PATH.

    Args:
        balancing: Whether the agent's variant is needed, which can spread traces over gateways.

    Raises:
        NoBinary: It is nowhere.
    """
    given = variables.get(VARIABLE)
    name = "otel-kit-collector-lb" if balancing else "otel-kit-collector"
    if given is not None:
        named = shutil.which(os.path.expanduser(given))
        if named is None:
            remedy = f"name a program that is there, or unset {VARIABLE}"
            raise NoBinary(problem_of(VARIABLE, given, "is no program that can be run", remedy))
        return Path(named).absolute()
    places = [_beside(name), built_binary("lb" if balancing else "collector")]
    places += [Path(one) for one in map(shutil.which, (name, "otelcol-contrib")) if one]
    found = next((place for place in places if place is not None and os.access(place, os.X_OK)), None)
    if found is None:
        text = "is neither in .build nor on the PATH, and otelcol-contrib isn't either"
        raise NoBinary(Problem(name, text, _remedy(balancing)))
    return found.absolute()


def _remedy(balancing: bool = False) -> str:
    target, flavour = ("collector-lb", " --flavour lb") if balancing else ("collector", "")
    made = f"`make {target}`" if checkout() else f"`otel-kit collector build{flavour}`"
    return f"run {made}, or name an OpenTelemetry Collector of 0.{OLDEST[1]} or later with {VARIABLE}"


def _beside(name: str) -> Path:
    return (checkout() or Path.cwd()) / ".build" / name


def inspect(path: Path) -> Binary:
    """
    Ask the program what it consists of.

    Raises:
        ProblemsFound: It gives no answer, or is too old for the files.
    """
    remedy = _remedy()
    try:
        done = subprocess.run(
            [path, "components"], stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER_SECONDS, check=True
        )
        answer = parsed(done.stdout)
        components = {section: _names(answer[section]) for section in SECTIONS}
        build = answer.get("buildinfo") or {}
        told, version = str(build.get("version", "unknown")), _version_of(answer["receivers"] or (), build)
    except (OSError, subprocess.SubprocessError, yaml.YAMLError, *_NO_ANSWER) as error:
        text = f"doesn't answer as a Collector does ({type(error).__name__})"
        raise ProblemsFound(Problem(str(path), text, remedy)) from error
    if version and version < OLDEST:
        text = f"is version {version[0]}.{version[1]}, and the files need 0.{OLDEST[1]}"
        raise ProblemsFound(Problem(str(path), text, remedy))
    return Binary(path, told, components)


def missing_components(binary: Binary, tree: Tree) -> list[Problem]:
    """
    A problem where the configuration names types that the program lacks.
    """
    missing = sorted(
        f"{section.removesuffix('s')} {kind}"
        for section in SECTIONS
        for kind in {str(name).partition("/")[0] for name in tree.get(section) or {}}
        if _plain(section, kind) not in {_plain(section, one) for one in binary.components[section]}
    )
    if not missing:
        return []
    text = f"lacks {', '.join(missing)}"
    return [Problem(str(binary.path), text, _remedy("exporter load_balancing" in missing))]


def known_gates(path: Path, tree: Tree) -> tuple[str, ...]:
    """
    Feature gates that the configuration profits from, as far as the program knows them.
    """
    receivers = {str(name).partition("/")[0] for name in tree.get("receivers") or {}}
    wanted = [gate for kind, gate in _GATES.items() if kind in receivers]
    return tuple(gate for gate in wanted if _knows_gate(path, gate))


def _knows_gate(path: Path, gate: str) -> bool:
    command = [str(path), "featuregate", gate]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _plain(section: str, kind: str) -> str:
    """
    A type by which old and new spellings are the same; a Collector takes both and lists the new one.
    """
    return "otlpgrpc" if (section, kind) == ("exporters", "otlp") else kind.replace("_", "")


def _names(entries: list[dict[str, object]] | None) -> frozenset[str]:
    return frozenset(str(entry["name"]) for entry in entries or ())


def _version_of(receivers: Iterable[Tree], build: Tree) -> tuple[int, int] | None:
    """
    That of the receiver for OTLP, since a distribution may count its own versions; None where neither is said.
    """
    modules = (str(entry.get("module", "")) for entry in receivers if entry.get("name") == "otlp")
    for text in (*modules, str(build.get("version", ""))):
        found = _VERSION.search(text)
        if found:
            return int(found[1]), int(found[2])
    return None
