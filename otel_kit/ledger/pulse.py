"""
The one thread of the ledger: something to do four times a second, and something each second.

Owns the thread. Runs only in workers that share their numbers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Pulse"]

BEAT_SECONDS = 0.25
BEATS_PER_CHECK = 4
JOIN_SECONDS = 0.5


class Pulse:
    """
    A started daemon thread.

    Args:
        refresh: Called at each beat, and must not raise.
        check: Called after each fourth one, and must not raise.
    """

    def __init__(self, refresh: Callable[[], None], check: Callable[[], None]) -> None:
        self._refresh, self._check = refresh, check
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otel_kit-ledger", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        beats = 0
        while not self._stopped.wait(BEAT_SECONDS):
            self._refresh()
            beats += 1
            if beats % BEATS_PER_CHECK == 0:
                self._check()

    def stop(self) -> None:
        """
        End the thread; returns when it is gone, or after half a second.
        """
        self._stopped.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(JOIN_SECONDS)
