"""
The page that says what is lost when, against the tests that show it.
"""

from __future__ import annotations

import re

from e2e.binaries import ROOT

PAGE = (ROOT / "docs/explanation/guarantees.md").read_text(encoding="utf-8")


def names_in(pattern: str) -> set[str]:
    """
    The names of the tests in these files of `e2e/`.
    """
    texts = (path.read_text(encoding="utf-8") for path in sorted((ROOT / "e2e").glob(pattern)))
    return {name for text in texts for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}


def test_every_row_names_a_test_that_exists() -> None:
    """
    A row's proof can be looked up and run.
    """
    assert set() == set(re.findall(r"`(test_\w+)`", PAGE)) - names_in("test_*.py")


def test_every_fault_that_is_tested_has_its_row() -> None:
    """
    What is known of a fault is said to the reader.
    """
    assert set() == names_in("test_faults_*.py") - set(re.findall(r"`(test_\w+)`", PAGE))
