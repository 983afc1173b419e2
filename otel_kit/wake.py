"""
A flag that one thread waits for and any code may raise, also a signal handler.

`threading.Event` takes a lock of its own on both sides: raised from a signal handler that
interrupted another raise, it would wait for itself. A bare lock that is *held* while the flag is
down needs none: releasing it raises the flag.
"""

from __future__ import annotations

import threading

__all__ = ["Wake"]


class Wake:
    """
    A sticky flag: raised often, it is still seen once.
    """

    def __init__(self) -> None:
        self._down = threading.Lock()
        self._down.acquire()

    def set(self) -> None:
        """
        Raise the flag. Costs about 50 ns, never waits.
        """
        try:
            self._down.release()
        except RuntimeError:
            return  # raised already

    def wait(self, timeout_seconds: float | None) -> bool:
        """
        Wait until the flag is up and take it down; False when the time passed first.
        """
        if timeout_seconds is None:
            return self._down.acquire()
        return self._down.acquire(timeout=min(max(timeout_seconds, 0.0), threading.TIMEOUT_MAX))
