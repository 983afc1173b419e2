"""
The last net: what still has to be done when the process ends without a lifespan's end.

Owns the `atexit` handler and the signal handler. A server runs its own shutdown and the
lifespan's end closes everything in order; uvicorn then raises the signal again with the
handlers it found, so that `atexit` never runs. Scripts, servers with their lifespan off, and
processes that are told to end before they serve are caught here.

A child of `multiprocessing` ends without `atexit`, too: there the net is a finalizer of that
module, which is asked for only where somebody has imported it.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

from otel_kit.faults import fault

__all__ = ["Closing"]

SIGNALS = (signal.SIGTERM,)
"""
SIGINT is not among them: Python turns it into KeyboardInterrupt, and `atexit` runs.
"""

AFTER_ALL_OTHERS = -1000
"""
Priority among the finalizers of a child: those of queues and pools hand over results first, and may log.
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
        self._finalizer: Any = None
        self._followed: Any = None
        self._closed_in: int | None = None
        _nets.add(self)

    def install(self) -> None:
        """
        Put the net under this process; again, it takes in handlers that came in between.
        """
        if not self._registered:
            self._registered = True
            atexit.register(self._run)
        self.follow_children()
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
        if self._finalizer is not None:
            self._finalizer.cancel()
        if threading.current_thread() is not threading.main_thread():
            return
        for number, handler, previous in reversed(self._layers):
            if signal.getsignal(number) is handler:
                signal.signal(number, previous)
        self._layers.clear()

    def follow_children(self) -> None:
        """
        Have the net under children of `multiprocessing`, this process included if it is one.
        """
        finalizers, processes = sys.modules.get("multiprocessing.util"), sys.modules.get("multiprocessing.process")
        if finalizers is None or processes is None:
            return
        if self._followed is not finalizers:
            self._followed = finalizers
            # a child forgets the finalizers it was forked with, and asks this list for new ones
            finalizers.register_after_fork(self, Closing._finalize)
        if processes.parent_process() is not None:
            self._finalize()

    def _finalize(self) -> None:
        if self._finalizer is not None:
            self._finalizer.cancel()
        if self._registered:
            finalizers = sys.modules["multiprocessing.util"]
            self._finalizer = finalizers.Finalize(None, self._run, exitpriority=AFTER_ALL_OTHERS)

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
        # a spawned child comes here from its finalizer and from `atexit`
        if self._closed_in != os.getpid():
            self._guard(self._close)
            self._closed_in = os.getpid()

    @staticmethod
    def _guard(step: Callable[[], object] | None) -> None:
        try:
            if step is not None:
                step()
        except Exception as error:  # the process is ending: nothing may stand in its way
            fault("shutdown", error)


_nets: weakref.WeakSet[Closing] = weakref.WeakSet()


def _follow_into_child() -> None:
    for net in list(_nets):
        net.follow_children()


os.register_at_fork(after_in_child=_follow_into_child)
