"""
Line by line: the live systems are as their contracts say, and a contract that said something else would be noticed.
"""

from __future__ import annotations

import pytest

from tests.conformance.checks import CLAIMS
from tests.conformance.claims import Claim
from tests.conformance.lines import covers, leaves, with_value
from tests.conformance.system import System


@pytest.mark.parametrize("claim", CLAIMS, ids=str)
def test_the_system_is_as_documented(claim: Claim, systems: dict[str, System]) -> None:
    """
    Where one does not hold, its id names the line and the check.
    """
    claim.check.reads(claim.node, systems[claim.node.system])


@pytest.mark.parametrize("claim", CLAIMS, ids=str)
def test_another_contract_is_not_fulfilled(claim: Claim, systems: dict[str, System]) -> None:
    """
    Every value that a check claims to read is changed, one at a time: the check fails on each.
    """
    claim.check.reads(claim.node, systems[claim.node.system])
    within = [leaf for leaf in leaves(claim.node.system) if covers(claim.node.path, leaf.path)]
    unnoticed = []
    for leaf in within:
        for other in claim.check.mutants(leaf.value):
            try:
                claim.check.reads(with_value(claim.node, leaf, other), systems[leaf.system])
            except Exception:
                continue
            unnoticed.append((leaf.path, other))
    assert [] == unnoticed
