"""
The time of one run: what the event loop gave it, and not what somebody else took.

Owns the counting. Knows nothing of checks or of what follows from it.

A check can't go on while a handler, or another check, holds up the loop, and its time-out is noticed late as well. So
time is counted in ticks, and what a tick is late is lost: it counts for nobody but a check that has been running
itself meanwhile. When the time is over by the clock, what was lost is given back, once: nobody waits for longer than
twice the time, apart from how long the loop stands still.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from otel_kit.health.steps import Steps

__all__ = ["HELD_UP_SECONDS", "Allowance"]

TICK_SECONDS = 0.05
LATE_TICK_SECONDS = 0.01
"""What is less is everyday life of a loop, and would add up."""

HELD_UP_SECONDS = 0.25
"""Who lost so much may have failed because of it."""


class Allowance:
    """
    Begins when it is made.

    Args:
        seconds: What the loop shall give.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begun = time.monotonic()
        self._end = self._begun + seconds
        self._is_extended = False
        self.lost_seconds = 0.0
        """For how long others held up the loop."""

    def count_from(self, moment: float) -> None:
        """
        It has begun before, with a call that is joined.
        """
        if moment < self._begun:
            self._begun, self._end = moment, moment + self._seconds

    def covers(self, moment: float) -> bool:
        """
        Whether what was over at a moment (monotonic seconds) was in time.
        """
        return self._left(moment) >= 0

    def is_over(self) -> bool:
        """
        Whether nothing is left, nor of what is given back.
        """
        now = time.monotonic()
        if now >= self._end and not self._is_extended:
            self._is_extended = True
            self._end = now + self._left(now)
        return now >= self._end

    async def wait(self, awaited: asyncio.Future[Any], steps: Steps | None = None) -> None:
        """
        Wait until it is done or the time is over; let it begin in any case.

        Args:
            steps: Of a task that is awaited: the time in which it runs is its own.
        """
        await self._tick(awaited, steps)
        while not awaited.done() and not self.is_over():
            await self._tick(awaited, steps)

    async def _tick(self, awaited: asyncio.Future[Any], steps: Steps | None) -> None:
        begun = time.monotonic()
        seconds = min(TICK_SECONDS, max(self._end - begun, 0.0))
        ran_before = steps.total if steps else 0.0
        await asyncio.wait({awaited}, timeout=seconds)
        ran = steps.total - ran_before if steps else 0.0
        # what happened on the loop after its end is no concern of a task
        ended = steps.ended if steps and awaited.done() else time.monotonic()
        late = ended - begun - seconds - ran
        if late > LATE_TICK_SECONDS:
            self.lost_seconds += late

    def _left(self, moment: float) -> float:
        return self._seconds + self.lost_seconds - (moment - self._begun)
