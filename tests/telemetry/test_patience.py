"""
When the next attempt is due, on a clock of the test's own.
"""

from __future__ import annotations

from typing import Any

import pytest

from otel_kit.telemetry import patience as module
from otel_kit.telemetry.patience import Patience


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    class Clock:
        now = 1000.0

        def monotonic(self) -> float:
            return self.now

    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def test_backoff_grows_to_its_bound(clock: Any) -> None:
    """
    Each failure doubles the wait, give or take a fifth, up to ten seconds.
    """
    patience = Patience(1.0)
    waits = []
    for _ in range(8):
        patience.fail(None, silent=False)
        waits.append(patience.before_attempt())

    expected = [0.5, 1, 2, 4, 8, 10, 10, 10]
    assert [True] * 8 == [0.79 * right <= wait <= 1.21 * right for right, wait in zip(expected, waits, strict=True)]


def test_silent_default_endpoint_is_tried_seldom(clock: Any) -> None:
    """
    Where nothing has ever answered the wait grows to half a minute.
    """
    patience = Patience(1.0)
    for _ in range(12):
        patience.fail(None, silent=True)

    assert 24.0 <= patience.before_attempt() <= 36.0


def test_retry_after_is_bounded(clock: Any) -> None:
    """
    A collector that asks for an hour gets a minute.
    """
    patience = Patience(1.0)
    patience.fail(3600.0, silent=False)

    assert 60.0 == patience.before_attempt()


def test_hurry_cuts_backoff_but_not_what_was_asked_for(clock: Any) -> None:
    """
    The kit's own wait ends when somebody waits; the collector's wish does not.
    """
    own, asked = Patience(1.0), Patience(1.0)
    for _ in range(4):
        own.fail(None, silent=False)
    asked.fail(2.0, silent=False)

    own.hurry(clock.now + 5)
    asked.hurry(clock.now + 5)

    assert (True, 2.0) == (own.before_attempt() <= 0.0, asked.before_attempt())


def test_futile_is_what_comes_too_late(clock: Any) -> None:
    """
    A wish beyond the deadline makes waiting useless.
    """
    patience = Patience(1.0)
    patience.fail(30.0, silent=False)
    patience.hurry(clock.now + 5)

    assert patience.is_futile()


def test_attempts_fit_into_what_is_left(clock: Any) -> None:
    """
    The time for an attempt is the usual one, and less when somebody waits.
    """
    patience = Patience(1.0)
    usual = patience.limit(10.0)
    patience.hurry(clock.now + 3)
    hurried = patience.limit(10.0)
    clock.now += 5

    assert (10.0, 3.0, 10.0) == (usual, hurried, patience.limit(10.0))


def test_success_starts_afresh(clock: Any) -> None:
    """
    After a delivery nothing is left of failures and wishes, and company is waited for again.
    """
    patience = Patience(1.0)
    patience.fail(30.0, silent=False)
    patience.succeed()

    assert (True, clock.now + 1.0) == (patience.before_attempt() <= 0.0, patience.due_at)


def test_only_who_hurried_calms_down(clock: Any) -> None:
    """
    The end of a flush leaves the hurry of a longer one alone, and that of a later one with the same deadline.
    """
    patience = Patience(1.0)
    for asker, seconds in (("short", 2), ("long", 5), ("late", 5)):
        patience.hurry(clock.now + seconds, asker)
    patience.calm_down("short")
    patience.calm_down("long")
    still = patience.is_hurried()
    patience.calm_down("late")

    assert (True, False) == (still, patience.is_hurried())
