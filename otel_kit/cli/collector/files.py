"""
The Collector's files: where they lie, and what is in them.

Owns reading and merging as the Collector does it: maps are merged key by key, anything else is
replaced by the later file. Expands no `${env:X}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from otel_kit.cli.collector.problems import Problem, ProblemsFound

__all__ = ["Tree", "collector_directory", "merged", "parsed", "read_file", "strings_in", "variables_of_files"]

Tree: TypeAlias = dict[str, Any]
"""
A configuration, or a part of one.
"""

MOST_LEVELS = 100

PACKAGE = Path(__file__).resolve().parents[2]

# many times as fast; wheels of PyYAML have it, a build without libyaml has not
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_REFERENCE = re.compile(r"\$\{env:(\w+)")


def collector_directory() -> Path:
    """
    Inside of an installed package, else in the checkout.
    """
    inside = PACKAGE / "_collector"
    return inside if inside.is_dir() else PACKAGE.parent / "collector"


def checkout() -> Path | None:
    """
    The checkout that this package is part of; None where it was installed.
    """
    root = PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "collector").is_dir() else None


def parsed(text: str | bytes) -> Any:
    """
    YAML as data.
    """
    return yaml.load(text, _LOADER)


def read_file(path: Path) -> Tree:
    """
    One file as data.

    Raises:
        ProblemsFound: It can't be read, or is no map.
    """
    try:
        found = parsed(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise ProblemsFound(Problem(str(path), f"can't be read ({reason})", "name a file that is there")) from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        # the first of them: a date or number that is none
        where = getattr(error, "problem_mark", None)
        line = f" (line {where.line + 1})" if where else ""
        raise ProblemsFound(Problem(str(path), f"is no YAML{line}", "correct the file")) from error
    if _is_bottomless(found):
        text = f"is nested more than {MOST_LEVELS} levels deep, or holds itself"
        raise ProblemsFound(Problem(str(path), text, "correct the file"))
    if not isinstance(found, dict):
        raise ProblemsFound(Problem(str(path), "holds no map", "write `receivers:`, `service:` and so on at its top"))
    return found


def _is_bottomless(value: object, level: int = 0) -> bool:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return level > MOST_LEVELS or any(_is_bottomless(one, level + 1) for one in inner)


def merged(trees: Iterable[Mapping[str, Any]]) -> Tree:
    """
    All of them as one, later ones first in rank.
    """
    result: Tree = {}
    for tree in trees:
        _merge_into(result, tree)
    return result


def _merge_into(target: Tree, tree: Mapping[str, Any]) -> None:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            under = target.get(key)
            target[key] = under if isinstance(under, dict) else {}
            _merge_into(target[key], value)
        else:
            target[key] = value


def strings_in(value: object) -> Iterator[str]:
    """
    Every text of a tree that is a value.
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from strings_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_in(inner)


def variables_of_files(directory: Path) -> frozenset[str]:
    """
    The variables that the files of the Collector refer to.
    """
    paths = (path for part in (".", "backends", "overlays", "gateway") for path in (directory / part).glob("*.yaml"))
    return frozenset(name for path in paths for name in _REFERENCE.findall(path.read_text(encoding="utf-8")))
