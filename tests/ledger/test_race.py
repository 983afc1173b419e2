"""
Hundreds of workers killed at any moment, with two scrapers looking on.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from . import race

SECONDS = 4.0


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """
    What one run has seen.
    """
    command = [sys.executable, race.__file__, str(SECONDS), str(tmp_path_factory.mktemp("race"))]
    root = str(Path(__file__).parents[2])
    done = subprocess.run(command, capture_output=True, timeout=60, check=True, cwd=root, env={"PYTHONPATH": root})
    result: dict[str, float] = json.loads(done.stdout)
    return result


def test_kills_lose_nothing_that_was_counted(outcome: dict[str, float]) -> None:
    """
    A kill between ledger and truth may leave one event more in the ledger, never less.
    """
    assert outcome["deaths"] > 20
    assert outcome["truth"] > 1000
    assert outcome["truth"] <= outcome["counted"] <= outcome["truth"] + outcome["deaths"]


def test_histogram_agrees_with_the_counter(outcome: dict[str, float]) -> None:
    """
    A kill leaves one event in some of its cells only.
    """
    assert abs(outcome["counted"] - outcome["observed"]) <= outcome["deaths"]
    assert abs(1.5 * outcome["observed"] - outcome["sum"]) <= 1.5 * outcome["deaths"]


def test_no_scrape_sees_a_counter_fall(outcome: dict[str, float]) -> None:
    """
    Nor one that is below what had been counted before it began.
    """
    assert outcome["scrapes"] > 50
    assert (0.0, 0.0) == (outcome["falls"], outcome["too_low"])


def test_seats_do_not_grow_with_deaths(outcome: dict[str, float]) -> None:
    """
    As many as workers at once, and at times a spare one.
    """
    assert outcome["seats"] <= race.WORKERS + race.SCRAPERS + 3
