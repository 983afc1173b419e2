"""
How late an event loop is.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable

import pytest

from otel_kit.saturation import loops
from otel_kit.saturation.loops import LoopWatch, event_loop_lag
from tests.counting import value_of


class Timer:
    """
    What a loop gives for a callback.
    """

    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        """
        It will not be called.
        """
        self.cancelled = True


class Clock:
    """
    An event loop whose time is made by the test.
    """

    def __init__(self) -> None:
        self.now = 100.0
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.contexts: list[contextvars.Context] = []
        self.timer = Timer()

    def time(self) -> float:
        """
        In seconds.
        """
        return self.now

    def call_at(self, when: float, callback: Callable[[], None], *, context: contextvars.Context) -> Timer:
        """
        Remember the callback.
        """
        self.due.append((when, callback))
        self.contexts.append(context)
        return self.timer

    def call_late(self, late: float) -> None:
        """
        Call the last callback, later than it wanted.
        """
        when, callback = self.due.pop()
        self.now = when + late
        callback()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """
    A loop that nothing else runs in.
    """
    monkeypatch.setattr(loops.anyio.to_thread, "current_default_thread_limiter", object)
    return Clock()


def seen() -> tuple[float, float]:
    """
    Sum of all observations so far, and their number.
    """
    total, *counts = event_loop_lag.unlabelled.values()
    return total, sum(counts)


def grown(before: tuple[float, float]) -> tuple[float, float]:
    """
    What came since.
    """
    total, count = seen()
    return round(total - before[0], 6), count - before[1]


def test_each_moment_is_an_observation(clock: Clock) -> None:
    """
    Four a second, each with its own lateness.
    """
    before = seen()
    LoopWatch(clock)
    for late in (0.0, 0.01, 0.02, 0.0):
        clock.call_late(late)

    assert (0.03, 4) == grown(before)
    assert 101.0 == pytest.approx(clock.now)


def test_a_standstill_is_seen_from_every_moment_in_it(clock: Clock) -> None:
    """
    One second late: somebody who had asked at each of the moments would have waited 1, 0.75, 0.5, 0.25 and 0 seconds.
    """
    before = seen()
    LoopWatch(clock)
    clock.call_late(1.0)

    assert (2.5, 5) == grown(before)
    assert clock.now + loops.EVERY_SECONDS == clock.due[0][0]


def test_an_hour_asleep_is_not_made_up_for(clock: Clock) -> None:
    """
    The number of observations has a bound.
    """
    before = seen()
    LoopWatch(clock)
    clock.call_late(3600.0)

    assert loops.MOST_AT_ONCE + 1 == grown(before)[1]


def test_a_clock_that_is_early_counts_as_punctual(clock: Clock) -> None:
    """
    Loops round their timers.
    """
    before = seen()
    LoopWatch(clock)
    clock.call_late(-0.0001)

    assert (0.0, 1) == grown(before)


def test_no_request_is_kept_alive(clock: Clock) -> None:
    """
    The timer runs in a context of its own, whoever has started it.
    """
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)
    variable.set(1)
    LoopWatch(clock)

    assert 0 == clock.contexts[0].run(variable.get)


def test_the_end(clock: Clock) -> None:
    """
    The timer is called off.
    """
    LoopWatch(clock).stop()

    assert clock.timer.cancelled


def test_what_floods_left_over_is_written_every_ten_seconds(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A service that nobody scrapes has the whole count in its log, too.
    """
    written: list[float] = []
    monkeypatch.setattr(loops, "write_suppressed", lambda: written.append(round(clock.now, 2)))
    LoopWatch(clock)
    for _ in range(85):
        clock.call_late(0.0)

    assert [110.0, 120.0] == written


def test_a_failure_there_is_a_counted_fault(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The loop is watched as before.
    """
    monkeypatch.setattr(loops, "write_suppressed", lambda: 1 / 0)
    before = value_of("otel_kit_internal_errors_total", component="security")
    LoopWatch(clock)
    for _ in range(45):
        clock.call_late(0.0)

    assert 1 == value_of("otel_kit_internal_errors_total", component="security") - before
