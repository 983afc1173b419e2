"""
The contract's files as lines: every value that stands in them, by its path.

Owns reading, the walk, and the notation of paths: `todo.health[0].body.status`, and
`goblin.metrics[*].labels` for each of several. Knows nothing of checks or of any one system.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

__all__ = ["CONTRACT", "SYSTEMS", "Node", "covers", "document", "leaves", "select", "with_value"]

CONTRACT = Path(__file__).parent / "contract"
SYSTEMS = ("goblin", "todo", "xionimus", "platform")

Document = dict[str, Any]


@dataclass(frozen=True)
class Node:
    """
    One place in a file: a value, or a mapping or list with all that is in it.
    """

    path: str
    value: Any
    parents: tuple[Any, ...]
    """What it stands in, the outermost first: the whole document."""
    key: str | int
    """Its own name or number in the innermost parent."""

    @property
    def system(self) -> str:
        """
        Whose contract it is.
        """
        return re.split(r"[.\[]", self.path)[0]

    @property
    def document(self) -> Document:
        """
        All of that contract.
        """
        document: Document = self.parents[0]
        return document

    def beside(self, name: str) -> Any:
        """
        The value of another key of the same mapping.
        """
        return self.parents[-1][name]

    @property
    def is_leaf(self) -> bool:
        """
        Whether nothing is in it: it is a line of its own.
        """
        return not (isinstance(self.value, dict | list) and self.value)


@cache
def document(system: str) -> Document:
    """
    The contract of a system, as it is in the repository.
    """
    found: Document = yaml.safe_load((CONTRACT / f"{system}.yaml").read_text(encoding="utf-8"))
    return found


@cache
def places(system: str) -> tuple[Node, ...]:
    """
    Every place of a system's contract.
    """
    return tuple(nodes(document(system), system))


def nodes(of: Document, system: str) -> Iterator[Node]:
    """
    Every place of a document, outer ones first.
    """
    return _below(Node(system, of, (), system))


def _below(node: Node) -> Iterator[Node]:
    yield node
    inside = node.value
    pairs = inside.items() if isinstance(inside, dict) else enumerate(inside) if isinstance(inside, list) else ()
    for key, value in pairs:
        yield from _below(Node(node.path + _step(key), value, (*node.parents, inside), key))


def leaves(system: str) -> list[Node]:
    """
    Every line of a system's contract.
    """
    return [node for node in places(system) if node.is_leaf]


def select(system: str, pattern: str) -> list[Node]:
    """
    The places of a system's contract that a pattern names.
    """
    return [node for node in places(system) if _expression(pattern).fullmatch(node.path)]


def covers(pattern: str, path: str) -> bool:
    """
    Whether a path is named by a pattern, or lies in what it names.
    """
    return _expression(pattern).match(path) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    """
    `[*]` is any number or odd name, `.*` and a `*` at the beginning any plain name.
    """
    text = re.escape(pattern).replace(r"\[\*\]", r"\[[^\]]*\]").replace(r"\*", r"\w+")
    return re.compile(rf"{text}(?=$|[.\[])")


def with_value(node: Node, leaf: Node, value: object) -> Node:
    """
    The same place of a contract in which one of the lines has another value.
    """
    changed = _replaced(node.document, node.system, leaf.path, value)
    return next(found for found in nodes(changed, node.system) if found.path == node.path)


def _replaced(inside: Any, here: str, path: str, value: object) -> Any:
    if here == path:
        return value
    if isinstance(inside, dict):
        return {key: _replaced(one, here + _step(key), path, value) for key, one in inside.items()}
    if isinstance(inside, list):
        return [_replaced(one, here + _step(key), path, value) for key, one in enumerate(inside)]
    return inside


def _step(key: object) -> str:
    return f".{key}" if str(key).isidentifier() else f"[{key}]"
