"""
One check: asked by many, run once.

Owns its single flight, its time and the answer that is kept for a second. How the function is called is in
`running.py`; what an answer leads to is told to whoever listens.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from otel_kit.context import quiet_context
from otel_kit.faults import fault
from otel_kit.health.allowance import HELD_UP_SECONDS
from otel_kit.health.running import Execution, Judge, Outcome, judged
from otel_kit.health_layout import CheckReport

__all__ = ["Check"]

FRESH_SECONDS = 1.0


class Check:
    """
    A declared check and its last answer.

    Args:
        listen: Called with each new answer, on the loop of whoever asked.
        type: What is asked, as people write it.
        judge: What the value that the function returns means.
    """

    def __init__(
        self,
        name: str,
        function: Callable[[], Any],
        *,
        critical: bool,
        timeout_seconds: float,
        listen: Callable[[CheckReport], None],
        type: str | None = None,
        judge: Judge = judged,
    ) -> None:
        self.name = name
        self.type = type
        self.critical = critical
        self.timeout_seconds = timeout_seconds
        self.latest: CheckReport | None = None
        self.is_unsure = False
        """Whether it may have failed last because others held up the loop."""
        self._listen = listen
        self._execution = Execution(name, function, timeout_seconds, judge)
        self._fresh_until = -1.0
        self._flights: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}

    def begin(self) -> asyncio.Task[None] | None:
        """
        The run in flight on this loop, started where there is none; None while `latest` is fresh.

        Who waits for it must do so by `asyncio.wait`, so that one who goes away takes it from nobody else.
        """
        if time.monotonic() < self._fresh_until:
            return None
        loop = asyncio.get_running_loop()
        flight = self._flights.get(loop)
        if flight is None or flight.done():
            self._forget_closed_loops()
            flight = _QUIET.copy().run(loop.create_task, self._fly())
            self._flights[loop] = flight
        return flight

    def report(self) -> CheckReport:
        """
        The last answer; a check that never came to one is not healthy.
        """
        return self.latest or self._report(Outcome(False, "it has not run yet"), 0.0)

    @property
    def word(self) -> str:
        """
        What was last known, for people.
        """
        if self.latest is None:
            return "not run yet"
        return "healthy" if self.latest.healthy else "unhealthy"

    def stop(self) -> list[asyncio.Task[Any]]:
        """
        Cancel what runs on this loop; returns what has to end, the run of the function last.
        """
        loop = asyncio.get_running_loop()
        tasks = [self._flights.pop(loop, None), self._execution.task_on(loop)]
        running = [task for task in tasks if task is not None and not task.done()]
        for task in running:
            task.cancel()
        return running

    async def _fly(self) -> None:
        begun = time.perf_counter()
        outcome = await self._execution.run()
        seconds = time.perf_counter() - begun
        if outcome.timed_out:  # what is still running began before, and nobody waits for it again
            seconds = max(seconds, self.timeout_seconds)
        self._settle(outcome, round(seconds * 1000, 2))

    def _settle(self, outcome: Outcome, latency_ms: float) -> None:
        self.latest = self._report(outcome, latency_ms)
        self.is_unsure = not outcome.healthy and outcome.held_up_seconds >= HELD_UP_SECONDS
        self._fresh_until = time.monotonic() + FRESH_SECONDS
        try:
            self._listen(self.latest)
        except Exception as error:
            fault("health", error)

    def _report(self, outcome: Outcome, latency_ms: float) -> CheckReport:
        return CheckReport(self.name, outcome.healthy, self.critical, latency_ms, outcome.error, self.type)

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in list(self._flights) if loop.is_closed()]:
            self._flights.pop(loop, None)


_QUIET = quiet_context()
