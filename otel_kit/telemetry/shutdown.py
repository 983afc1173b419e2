"""
The last net: what still has to be done when the process ends without a lifespan's end.

Owns the `atexit` handler and the signal handler. A server runs its own shutdown and the
lifespan's end closes everything in order; uvicorn then raises the signal again with the
handlers it found, so that `atexit` never runs. Scripts, servers with their lifespan off, and
processes that are told to end before they serve are caught here.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from otel_kit.faults import fault

__all__ = ["Closing"]

SIGNALS = (signal.SIGTERM,)
"""
SIGINT is not among them: Python turns it into KeyboardInterrupt, and `atexit` runs.
"""


class Closing:
    """
    Calls `close` once at the process's end, whichever way it comes.

    Args:
        close: Does everything within its own deadline.
        hurry: Called when a signal goes on to a server's handler, which ends the process in its
            own time: what comes from here on should leave without waiting.
    """

    def __init__(self, close: Callable[[], object], hurry: Callable[[], object] | None = None) -> None:
        self._close = close
        self._hurry = hurry
        self._layers: list[tuple[int, Any, Any]] = []
        self._registered = False

    def install(self) -> None:
        """
        Put the net under this process; again, it takes in handlers that came in between.
        """
        if not self._registered:
            self._registered = True
            atexit.register(self._run)
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            current = signal.getsignal(number)
            # None: a handler that was not set from Python can't be chained
            if current is None or any(current is handler for _, handler, _ in self._layers):
                continue
            handler = self._handler(current)
            signal.signal(number, handler)
            self._layers.append((number, handler, current))

    def undo(self) -> None:
        """
        Take the net away, as far as nobody has put another one above it.
        """
        atexit.unregister(self._run)
        self._registered = False
        if threading.current_thread() is not threading.main_thread():
            return
        for number, handler, previous in reversed(self._layers):
            if signal.getsignal(number) is handler:
                signal.signal(number, previous)
        self._layers.clear()

    def _handler(self, previous: Any) -> Callable[[int, FrameType | None], Any]:
        def handle(number: int, frame: FrameType | None) -> Any:
            if callable(previous):
                self._guard(self._hurry)
                return previous(number, frame)
            if previous == signal.SIG_IGN:
                return None
            self._run()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return None

        return handle

    def _run(self) -> None:
        self._guard(self._close)

    @staticmethod
    def _guard(step: Callable[[], object] | None) -> None:
        try:
            if step is not None:
                step()
        except Exception as error:  # the process is ending: nothing may stand in its way
            fault("shutdown", error)
