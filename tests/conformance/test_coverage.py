"""
No line of the contract is forgotten: each is read by one check, shown by another test, explained, or later.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.checks import CLAIMS
from tests.conformance.claims import CHECKS
from tests.conformance.elsewhere import EXPLAINED, TESTED
from tests.conformance.later import LATER
from tests.conformance.lines import SYSTEMS, covers, leaves, select
from tests.trees import parsed

ROOT = Path(__file__).resolve().parents[2]


def covering() -> Iterator[tuple[str, str]]:
    """
    Every place that somebody has taken charge of, and who.
    """
    for claim in CLAIMS:
        yield claim.node.path, claim.check.name
    for pattern in TESTED:
        yield pattern, "tested elsewhere"
    for pattern in EXPLAINED:
        yield pattern, "explained"
    for reason, patterns in LATER.items():
        yield from ((pattern, f"later: {reason}") for pattern in patterns)


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_line_has_one_place(system: str) -> None:
    """
    A line that nobody reads, and one that two claim, are named.
    """
    places = [(place, who) for place, who in covering() if covers(system, place)]
    found = {leaf.path: [who for place, who in places if covers(place, leaf.path)] for leaf in leaves(system)}

    assert {} == {path: who for path, who in found.items() if len(who) != 1}


def test_each_pattern_names_a_line() -> None:
    """
    What was taken out of the contract is taken out of the lists.
    """
    patterns = [pattern for check in CHECKS for pattern in check.patterns] + [place for place, _ in covering()]

    assert [] == [pattern for pattern in patterns if not any(select(system, pattern) for system in SYSTEMS)]


def test_no_check_is_forgotten() -> None:
    """
    Each has a name of its own, a sentence that tells what it sees, and lines to read.
    """
    names = Counter(check.name for check in CHECKS)

    assert [] == [name for name, count in names.items() if count > 1]
    assert names.keys() == {claim.check.name for claim in CLAIMS}


@pytest.mark.parametrize("place", TESTED)
def test_what_is_tested_elsewhere_still_says_the_same(place: str) -> None:
    """
    The words are the contract's, and each of the tests is there.
    """
    words, tests = TESTED[place]

    assert [words] == [node.value for system in SYSTEMS for node in select(system, place)]
    assert [] == [test for test in tests if not exists(test)]


@pytest.mark.parametrize("place", EXPLAINED)
def test_what_is_explained_has_its_outcome_checked(place: str) -> None:
    """
    By checks that are there.
    """
    assert set(EXPLAINED[place]) <= {check.name for check in CHECKS}


def exists(test: str) -> bool:
    """
    Whether `file::function` is a test.
    """
    file, _, name = test.partition("::")
    path = ROOT / file
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    tree = parsed(path) if path.is_file() else ast.Module([], [])
    return name.startswith("test_") and name in {one.name for one in tree.body if isinstance(one, functions)}
