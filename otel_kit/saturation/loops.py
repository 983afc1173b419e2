"""
One event loop: how late it is, and the threads that it hands plain functions to.

Owns the timer. It asks to be called at fixed moments, and each of them is late by its own time: a
loop that stands still for two seconds makes eight observations, from two seconds down, as if
somebody had asked all along. An average over time is right then, and a long standstill is not
drowned by thousands of quick moments.
"""

from __future__ import annotations

import asyncio
import contextvars

import anyio.to_thread

from otel_kit.faults import fault
from otel_kit.ledger import Histogram
from otel_kit.security import write_suppressed

__all__ = ["LoopWatch", "running_loop"]

EVERY_SECONDS = 0.25
BEATS_OF_FLOODS = 40
"""Ten seconds, as long as the window of events."""

MOST_AT_ONCE = 240
"""Observations after one standstill; a process that was stopped for an hour need not make up for it."""

event_loop_lag = Histogram(
    "otel_kit_event_loop_lag_seconds",
    "How late the event loop called back, at four moments a second.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """
    The loop in which this is called; None outside of one, and under trio.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class LoopWatch:
    """
    Watches a loop from now on; made inside of it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._limiter = anyio.to_thread.current_default_thread_limiter()
        self._due = loop.time()
        self._beats = 0
        self._wait()

    def _wait(self) -> None:
        self._due += EVERY_SECONDS
        # an empty context, so that no request which happens to start this is kept alive by it
        self._timer = self.loop.call_at(self._due, self._look, context=contextvars.Context())

    def _look(self) -> None:
        now = self.loop.time()
        self._due = max(self._due, now - MOST_AT_ONCE * EVERY_SECONDS)
        event_loop_lag.observe(max(0.0, now - self._due))
        while self._due + EVERY_SECONDS <= now:
            self._due += EVERY_SECONDS
            event_loop_lag.observe(now - self._due)
        self._beats = (self._beats + 1) % BEATS_OF_FLOODS
        if not self._beats:
            self._end_floods()
        self._wait()

    @staticmethod
    def _end_floods() -> None:
        """
        What a flood of security events left over is written also where nobody reads metrics.
        """
        try:
            write_suppressed()
        except Exception as error:
            fault("security", error)

    def threads(self) -> tuple[float, float, float]:
        """
        In use, at most, and how many functions wait for one. Safe in any thread.
        """
        limiter = self._limiter
        return limiter.borrowed_tokens, limiter.total_tokens, limiter.statistics().tasks_waiting

    def stop(self) -> None:
        """
        Watch no more.
        """
        self._timer.cancel()
