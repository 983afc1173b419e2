"""
Which check reads which lines of the contract.

A check is a function that gets one place of a contract and the live system of that name. It names the places that it
reads by patterns; whatever lies in such a place counts as checked by it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.conformance.lines import SYSTEMS, Node, select
from tests.conformance.mutants import Mutants, other_words

if TYPE_CHECKING:
    from tests.conformance.system import System

__all__ = ["CHECKS", "Check", "Claim", "Reads", "check", "claims", "under", "words"]

Reads = Callable[[Node, "System"], None]
"""Raises where the system is not as the line says."""


@dataclass(frozen=True)
class Check:
    """
    One function and the places it reads.
    """

    name: str
    reads: Reads
    patterns: tuple[str, ...]
    mutants: Mutants


@dataclass(frozen=True)
class Claim:
    """
    One place of a contract, and the check that reads it.
    """

    check: Check
    node: Node

    def __str__(self) -> str:
        return f"{self.node.path} {self.check.name}"


CHECKS: list[Check] = []


def check(*patterns: str, mutants: Mutants = other_words) -> Callable[[Reads], Reads]:
    """
    Decorator: the function checks each place that one of the patterns names.

    Args:
        mutants: Values that it must not take in place of the documented one.
    """

    def declare(function: Reads) -> Reads:
        CHECKS.append(Check(function.__name__, function, patterns, mutants))
        return function

    return declare


def under(place: str, *keys: str) -> tuple[str, ...]:
    """
    The places of these keys in one mapping.
    """
    return tuple(f"{place}.{key}" for key in keys)


def claims() -> Iterator[Claim]:
    """
    Every check with every place that it reads.
    """
    for each in CHECKS:
        for pattern in each.patterns:
            for system in SYSTEMS:
                for node in select(system, pattern):
                    yield Claim(each, node)


def words(said: object, form: str) -> tuple[str, ...]:
    """
    What the groups of a form took from the words of a line. All its other words stand in the form.

    Raises:
        AssertionError: The line says something else by now.
    """
    found = re.fullmatch(form, str(said))
    assert found is not None, f"this check can't read {said!r}"
    return found.groups()
