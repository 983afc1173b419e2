"""
The one thread of the ledger: something to do four times a second.

Owns the thread. Runs only in workers that share their numbers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["BEAT_SECONDS", "Pulse"]

BEAT_SECONDS = 0.25
"""How old a sibling's gauges may be, and how long it takes to notice that files were removed."""

JOIN_SECONDS = 0.5


class Pulse:
    """
    A started daemon thread.

    Args:
        tasks: Called in turn at each beat; they must be quick, and must not raise.
    """

    def __init__(self, *tasks: Callable[[], None]) -> None:
        self._tasks = tasks
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otel_kit-ledger", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS):
            for task in self._tasks:
                task()

    def stop(self) -> None:
        """
        End the thread; returns when it is gone, or after half a second.
        """
        self._stopped.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(JOIN_SECONDS)
