"""
The one thread of the ledger: something to do again and again.

Owns the thread. It runs in workers that share their numbers, and in a process alone where somebody asked for beats.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["BEAT_SECONDS", "LONE_BEAT_SECONDS", "Pulse"]

BEAT_SECONDS = 0.25
"""How old a sibling's gauges may be, and how long it takes to notice that files were removed."""

LONE_BEAT_SECONDS = 1.0
"""Where nobody waits for anything of this process."""

JOIN_SECONDS = 0.5


class Pulse:
    """
    A started daemon thread.

    Args:
        tasks: Called in turn at each beat; they must be quick, and must not raise.
        seconds: From one beat to the next.
    """

    def __init__(self, *tasks: Callable[[], None], seconds: float = BEAT_SECONDS) -> None:
        self._tasks = tasks
        self._seconds = seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otel_kit-ledger", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            for task in self._tasks:
                task()

    def stop(self) -> None:
        """
        End the thread; returns when it is gone, or after half a second.
        """
        self._stopped.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(JOIN_SECONDS)
