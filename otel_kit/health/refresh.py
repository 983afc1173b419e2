"""
Checks that run while nobody asks.

Owns one task on the serving loop. So a metric, and the alert on it, are true without a prober.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from otel_kit.faults import fault

__all__ = ["Refresh"]

JITTER_RATIO = 0.1
"""So that the workers of a service, and its copies, don't ask a database all at the same moment."""

AGAIN_SECONDS = 1.0
"""After this an answer that is not sure is asked for again."""

# of its own: an application that seeds the module's generator gets its numbers undisturbed
_jitter = random.SystemRandom()


class Refresh:
    """
    Calls `run` at once, and then again and again.

    Args:
        is_unsure: Whether a check may have failed because the loop was held up: that is worth a second look, soon.
    """

    def __init__(
        self,
        run: Callable[[], Awaitable[object]],
        interval_seconds: float,
        is_unsure: Callable[[], bool] = lambda: False,
    ) -> None:
        self._run = run
        self._is_unsure = is_unsure
        self._interval_seconds = interval_seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """
        Begin on this loop, unless it is running already.
        """
        task = self._task
        if task is None or task.done() or not task.get_loop().is_running():
            # in an empty context: it belongs to no request
            self._task = contextvars.Context().run(asyncio.get_running_loop().create_task, self._forever())

    def stop(self) -> list[asyncio.Task[None]]:
        """
        Cancel it; returns what has to end on this loop.
        """
        task = self._task
        if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
            self.cancel()
            return []
        self._task = None
        task.cancel()
        return [task]

    def cancel(self) -> None:
        """
        As `stop`, from any thread, and waiting for nothing.
        """
        task, self._task = self._task, None
        if task is not None and not task.done():
            with suppress(RuntimeError):  # that loop has ended, and its tasks with it
                task.get_loop().call_soon_threadsafe(task.cancel)

    async def _forever(self) -> None:
        while True:
            try:
                await self._run()
            except Exception as error:
                fault("health", error)
            await self._pause(self._interval_seconds * _jitter.uniform(1 - JITTER_RATIO, 1 + JITTER_RATIO))

    async def _pause(self, seconds: float) -> None:
        # in short sleeps: a probe, on whichever loop, may have had the answer that is not sure
        until = time.monotonic() + seconds
        while True:
            await asyncio.sleep(max(min(until - time.monotonic(), AGAIN_SECONDS), 0.0))
            if time.monotonic() >= until or self._is_unsure():
                return
