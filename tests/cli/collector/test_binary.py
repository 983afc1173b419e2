"""
Where the program is looked for, and what it must have.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_kit.cli.collector import binary as subject
from otel_kit.cli.collector.binary import NoBinary, find_binary, inspect, known_gates, missing_components
from otel_kit.cli.collector.problems import ProblemsFound
from tests.cli.collector.fakes import COMPONENTS, components_text, fake_collector


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    A machine without any Collector; the directory that is its path.
    """
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setattr(subject, "checkout", lambda: tmp_path)
    monkeypatch.setattr(subject, "built_binary", lambda flavour: None)
    return path


def program(path: Path) -> Path:
    """
    A file that may be run.
    """
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o755)
    return path


def test_the_variable_comes_first(nowhere: Path, tmp_path: Path) -> None:
    """
    It names a path, or a program on the PATH.
    """
    program(tmp_path / ".build" / "otel-kit-collector")
    mine = program(nowhere / "mine")

    assert mine == find_binary({"OTEL_KIT_COLLECTOR_BINARY": str(mine)}, False)
    assert mine == find_binary({"OTEL_KIT_COLLECTOR_BINARY": "mine"}, False)


def test_then_the_build_then_the_path_then_upstream(nowhere: Path, tmp_path: Path) -> None:
    """
    Each is found when those before it are gone.
    """
    places = [
        program(tmp_path / ".build" / "otel-kit-collector"),
        program(nowhere / "otel-kit-collector"),
        program(nowhere / "otelcol-contrib"),
    ]
    found = []
    for place in places:
        found.append(find_binary({}, False))
        place.unlink()

    assert places == found


def test_the_agent_of_two_tiers_has_a_program_of_its_own(nowhere: Path, tmp_path: Path) -> None:
    """
    The usual one can't balance.
    """
    program(tmp_path / ".build" / "otel-kit-collector")
    balancing = program(tmp_path / ".build" / "otel-kit-collector-lb")

    assert balancing == find_binary({}, True)


@pytest.mark.parametrize(("balancing", "target"), [(False, "`make collector`"), (True, "`make collector-lb`")])
def test_no_program_names_the_remedies(nowhere: Path, balancing: bool, target: str) -> None:
    """
    What builds one, and the variable for those who have one.
    """
    with pytest.raises(NoBinary) as missing:
        find_binary({}, balancing)

    assert target in str(missing.value)
    assert "OTEL_KIT_COLLECTOR_BINARY" in str(missing.value)


def test_a_program_that_is_named_must_be_there(nowhere: Path) -> None:
    """
    No other one is taken in its place.
    """
    program(nowhere / "otelcol-contrib")

    with pytest.raises(NoBinary, match="OTEL_KIT_COLLECTOR_BINARY=/no/such: is no program that can be run"):
        find_binary({"OTEL_KIT_COLLECTOR_BINARY": "/no/such"}, False)


def test_a_good_program_tells_version_and_components(tmp_path: Path) -> None:
    """
    Both are kept for what is said later.
    """
    found = inspect(fake_collector(tmp_path))

    assert "0.159.0" == found.version
    assert {section: frozenset(names) for section, names in COMPONENTS.items()} == found.components


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (components_text(version="0.158.0"), "is version 0.158, and the files need 0.159"),
        ("hello", "doesn't answer as a Collector does"),
        ("receivers: [", "doesn't answer as a Collector does"),
        ("receivers: []", "doesn't answer as a Collector does"),
    ],
    ids=["old", "other", "no yaml", "half"],
)
def test_an_old_or_other_program_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """
    With its path and the remedy.
    """
    path = fake_collector(tmp_path, text)

    with pytest.raises(ProblemsFound) as refused:
        inspect(path)

    (line,) = map(str, refused.value.problems)
    assert line.startswith(f"{path}: {said}")
    assert "OTEL_KIT_COLLECTOR_BINARY" in line


def test_the_version_is_that_of_the_parts(tmp_path: Path) -> None:
    """
    A distribution may count its own versions; only its parts tell its age.
    """
    own = components_text(version="3.1.0").replace(
        '"name": "otlp", "module": ""', '"name": "otlp", "module": "x/otlpreceiver v0.140.0"'
    )

    with pytest.raises(ProblemsFound, match=r"is version 0\.140"):
        inspect(fake_collector(tmp_path, own))


def test_what_it_lacks_is_named(tmp_path: Path) -> None:
    """
    All of it, with the build that has it.
    """
    found = inspect(fake_collector(tmp_path))
    tree = {"exporters": {"otlp_http/a": {}, "kafka/b": {}}, "processors": {"geoip": {}, "batch": {}}}
    (problem,) = missing_components(found, tree)

    assert f"{found.path}: lacks exporter kafka, processor geoip" == str(problem).rpartition(": ")[0]


def test_old_spellings_are_not_missing(tmp_path: Path) -> None:
    """
    A Collector takes them, with a warning; its list has the new ones.
    """
    found = inspect(fake_collector(tmp_path))
    tree = {
        "exporters": {"otlphttp/a": {}, "otlp/b": {}},
        "receivers": {"filelog": {}},
        "connectors": {"spanmetrics": {}},
    }

    assert [] == missing_components(found, tree)


@pytest.mark.parametrize(("status", "gates"), [(0, ("stanza.synchronousLogEmitter",)), (1, ())])
def test_asks_for_a_gate_that_the_program_knows(tmp_path: Path, status: int, gates: tuple[str, ...]) -> None:
    """
    Lines from files are taken before their place is kept, where the program can; others get no flag that stops them.
    """
    program = tmp_path / "collector"
    program.write_text(f"#!/bin/sh\nexit {status}\n", encoding="utf-8")
    program.chmod(0o755)

    assert gates == known_gates(program, {"receivers": {"file_log/services": {}}})
    assert () == known_gates(program, {"receivers": {"otlp": {}}})


@pytest.mark.parametrize("build", ["x", "[1]", "5", "2020-13-45"])
def test_an_answer_of_another_shape_is_refused(tmp_path: Path, build: str) -> None:
    """
    What stands where the version should be is no map, or no YAML at all.
    """
    sections = "\n".join(f"{section}: []" for section in COMPONENTS)

    with pytest.raises(ProblemsFound, match="doesn't answer as a Collector does"):
        inspect(fake_collector(tmp_path, f"buildinfo: {build}\n{sections}"))
