"""
The copy of the contract is the contract.

Where the original lies beside the checkout it is compared byte by byte; where it does not, the copy is compared with
the digests of the day on which it was made. The ids of these tests say which.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.conformance.lines import CONTRACT

ORIGINAL = Path(__file__).resolve().parents[3] / "shared" / "contract"
DIGESTS = dict(reversed(line.split()) for line in (CONTRACT / "SHA256SUMS").read_text(encoding="utf-8").splitlines())
COMPARED_WITH = "the original" if ORIGINAL.is_dir() else "its digest, for the original is not there"


@pytest.mark.parametrize("name", [pytest.param(name, id=f"{name} with {COMPARED_WITH}") for name in DIGESTS])
def test_the_copy_is_the_original(name: str) -> None:
    """
    Nobody has changed either since.
    """
    copy = (CONTRACT / name).read_bytes()
    original = (ORIGINAL / name).read_bytes() if ORIGINAL.is_dir() else copy

    assert original == copy
    assert DIGESTS[name] == hashlib.sha256(copy).hexdigest()


def test_the_copy_is_complete() -> None:
    """
    No file of the original is missing, and none is here that is not compared.
    """
    there = {path.name for path in ORIGINAL.iterdir()} if ORIGINAL.is_dir() else set(DIGESTS)

    assert there == set(DIGESTS) == {path.name for path in CONTRACT.iterdir()} - {"SHA256SUMS"}
