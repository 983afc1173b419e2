"""
What stands above the picked files: the one list of extensions, and which backend may lose data.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from otel_kit.cli.collector.compose import compose
from otel_kit.cli.collector.durability import is_of_record
from otel_kit.cli.collector.files import collector_directory, merged, read_file
from otel_kit.cli.collector.problems import ProblemsFound
from otel_kit.cli.collector.rows import BACKENDS, BASE_FILES, OPTIONAL_BY_DEFAULT, OVERLAYS
from otel_kit.cli.collector.selection import select

FILES = collector_directory()
STORE = "http://store.example:4318"
BASE = {
    "exporters": {"nop": {}},
    "extensions": {"health_check": {}, "file_storage/queue": {}},
    "service": {"extensions": ["health_check", "file_storage/queue"], "pipelines": {}},
}


def write(path: Path, tree: dict[str, Any]) -> Path:
    """
    A tree as a file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """
    A base, a token's overlay with a list of its own, and nothing else.
    """
    write(tmp_path / "base.yaml", BASE)
    write(tmp_path / "redaction.yaml", {"processors": {"redaction": {}}})
    token = {"extensions": {"bearertokenauth": {}}, "service": {"extensions": ["health_check", "bearertokenauth"]}}
    write(tmp_path / "overlays" / "token.yaml", token)
    return tmp_path


def extensions(tree: dict[str, Any]) -> list[str]:
    """
    The list that counts in the end.
    """
    found: list[str] = tree["service"]["extensions"]
    return found


def test_the_list_of_extensions_has_what_any_file_needs(directory: Path) -> None:
    """
    The base's, those that picked files configure, and those of the user's own files, whatever lists stand there.
    """
    own = write(directory / "own.yaml", {"extensions": {"zpages": {}}})
    composition = compose(directory, select({"OTEL_KIT_COLLECTOR_TOKEN": "sesame"}), [own])

    assert ["health_check", "file_storage/queue", "bearertokenauth", "zpages"] == extensions(composition.tree)


def test_a_list_that_drops_an_extension_is_refused(directory: Path) -> None:
    """
    Both files are named, the one with the list and the one that needs what is missing in it.
    """
    own = write(directory / "own.yaml", {"service": {"extensions": ["health_check", "file_storage/queue"]}})

    with pytest.raises(ProblemsFound) as refused:
        compose(directory, select({"OTEL_KIT_COLLECTOR_TOKEN": "sesame"}), [own])

    (line,) = map(str, refused.value.problems)
    assert line.startswith(f"{own}: its service.extensions leaves out bearertokenauth, which token.yaml needs: ")


def test_two_own_lists_that_exclude_each_other_are_refused(directory: Path) -> None:
    """
    Each has what the other one lacks.
    """
    needed = ["health_check", "file_storage/queue"]
    own = [
        write(directory / f"{name}.yaml", {"extensions": {name: {}}, "service": {"extensions": [*needed, name]}})
        for name in ("zpages", "pprof")
    ]

    with pytest.raises(ProblemsFound) as refused:
        compose(directory, select({}), own)

    said = [str(problem).split(": ")[1] for problem in refused.value.problems]
    assert [
        "its service.extensions leaves out pprof, which pprof.yaml needs",
        "its service.extensions leaves out zpages, which zpages.yaml needs",
    ] == said


def test_own_files_come_after_those_that_are_picked(directory: Path) -> None:
    """
    Only what is composed stands above them.
    """
    own = write(directory / "own.yaml", {"processors": {"redaction": {"summary": "info"}}})
    composition = compose(directory, select({}), [own])

    assert ["base.yaml", "redaction.yaml", "own.yaml"] == [path.name for path in composition.files]
    assert "info" == composition.tree["processors"]["redaction"]["summary"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: c: d", "is no YAML (line 2)"),
        ("- a", "holds no map"),
        (None, "can't be read (no such file or directory)"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(directory: Path, text: str | None, said: str) -> None:
    """
    With the line, where there is one.
    """
    own = directory / "own.yaml"
    if text is not None:
        own.write_text(text, encoding="utf-8")

    with pytest.raises(ProblemsFound, match=f"^{own}: ") as refused:
        compose(directory, select({}), [own])

    assert said in str(refused.value)


def test_the_command_line_has_no_value_of_a_variable() -> None:
    """
    What is composed refers to variables, as the files do.
    """
    variables = {row.variable: STORE for row in BACKENDS if row.variable.endswith("_ENDPOINT")}
    secret = {"DD_API_KEY": "hush", "OTEL_KIT_COLLECTOR_TOKEN": "hush", "OTLP_FORWARD_HEADERS": "a=hush"}
    arguments = compose(FILES, select({**variables, **secret})).arguments()

    assert "hush" not in " ".join(arguments)
    assert STORE not in " ".join(arguments)


def test_files_merge_as_the_collector_merges_them() -> None:
    """
    Maps by key, lists as a whole, and a key with nothing after it deletes.
    """
    trees = [{"a": {"b": 1, "c": [1, 2]}, "d": {"e": 1}}, {"a": {"c": [3]}, "d": None}, {"d": {"f": 2}}]

    assert {"a": {"b": 1, "c": [3]}, "d": {"f": 2}} == merged(trees)


@pytest.mark.parametrize("row", BACKENDS, ids=lambda row: row.name)
def test_each_backend_is_by_itself_what_the_default_says(row: Any) -> None:
    """
    The files alone, without this launcher, have the documented form.
    """
    assert (row.name not in OPTIONAL_BY_DEFAULT) == is_of_record(read_file(FILES / "backends" / f"{row.name}.yaml"))


@pytest.mark.parametrize("name", [row.name for row in BACKENDS])
def test_every_backend_can_be_optional(name: str) -> None:
    """
    A batch processor is first in each of its pipelines, no queue is on disk, and retries end.
    """
    exporters, pipelines = composed(name, optional=name)

    assert pipelines
    assert {f"batch/{name}"} == {pipeline["processors"][0] for pipeline in pipelines}
    assert {None} >= {one["sending_queue"].get("storage") for one in exporters}
    assert {"60s"} >= {one["retry_on_failure"]["max_elapsed_time"] for one in exporters}
    assert all(one["sending_queue"]["queue_size"] <= 16 * 2**20 for one in exporters)


@pytest.mark.parametrize("name", [row.name for row in BACKENDS])
def test_every_backend_can_be_of_record(name: str) -> None:
    """
    No batch processor, the queue on disk, and no end of retries.
    """
    exporters, pipelines = composed(name, optional="none")

    assert pipelines
    assert [] == [one for pipeline in pipelines for one in pipeline.get("processors", ()) if one.startswith("batch/")]
    assert {"file_storage/queue"} >= {one["sending_queue"]["storage"] for one in exporters}
    assert {0} >= {one["retry_on_failure"]["max_elapsed_time"] for one in exporters}


def composed(name: str, optional: str) -> tuple[list[Any], list[Any]]:
    """
    A backend's exporters that have a queue, and the pipelines that end in its exporters, after composition.
    """
    row = next(row for row in BACKENDS if row.name == name)
    needed = {"AWS_REGION": "eu-west-1", "ELASTICSEARCH_API_KEY": "x"}
    chosen = {row.variable: STORE, "OTEL_KIT_COLLECTOR_OPTIONAL": optional, **needed}
    tree = compose(FILES, select(chosen)).tree
    own = read_file(FILES / "backends" / f"{name}.yaml")["exporters"]
    exporters = [tree["exporters"][one] for one in own if "sending_queue" in tree["exporters"][one]]
    pipelines = tree["service"]["pipelines"].values()
    return exporters, [pipeline for pipeline in pipelines if set(own) & set(pipeline["exporters"])]


def test_every_file_of_the_tables_is_there_and_no_other() -> None:
    """
    A file without a row would never be picked.
    """
    wanted = {f"{name}.yaml" for name in BASE_FILES}
    wanted |= {f"backends/{row.name}.yaml" for row in BACKENDS} | {f"overlays/{row.name}.yaml" for row in OVERLAYS}
    there = {
        str(path.relative_to(FILES))
        for pattern in ("backends/*.yaml", "overlays/*.yaml", "base.yaml", "redaction.yaml")
        for path in FILES.glob(pattern)
    }

    assert wanted == there


@pytest.mark.parametrize(
    "file",
    sorted(path for folder in ("backends", "overlays", "gateway") for path in (FILES / folder).glob("*.yaml")),
    ids=lambda path: str(path.relative_to(FILES)),
)
def test_no_file_has_a_key_twice(file: Path) -> None:
    """
    The second would replace the first in silence.
    """
    assert [] == [key for node in _maps(yaml.compose(file.read_text(encoding="utf-8"))) for key in _twice(node)]


def _maps(node: Any) -> list[Any]:
    inner = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else []
    inner = node.value if isinstance(node, yaml.SequenceNode) else inner
    own = [node] if isinstance(node, yaml.MappingNode) else []
    return own + [found for part in inner for found in _maps(part)]


def _twice(node: Any) -> list[str]:
    keys = [key.value for key, _ in node.value]
    return sorted({key for key in keys if keys.count(key) > 1})
