"""
The time between SIGTERM and the server's own end, in which readiness is refused and requests are answered.

Owns the signal handler and its timer. A load balancer goes on sending until it has seen that readiness is gone; the
server's handler, which stops accepting, hears of the signal only then. It was installed before the application's
start-up (uvicorn, gunicorn's uvicorn workers), so it is found when serving begins, and is called like any handler.

A server that takes signals by `loop.add_signal_handler` hears of them at once: readiness is refused then, too, but
nothing is put off. A second SIGTERM goes through at once, and SIGINT always does.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from otel_kit.faults import fault

__all__ = ["Draining"]

_logger = logging.getLogger("otel_kit.health")
_hooked: list[Draining] = []
"""Of all applications of the process: one signal ends them all, and they drain at the same time."""


class Draining:
    """
    Puts SIGTERM off.

    Args:
        seconds: How long; with 0 the server's handler is called at once, and only readiness knows first.
        begin: Called within the signal handler: may only set a flag.
    """

    def __init__(self, seconds: float, begin: Callable[[], None]) -> None:
        self._seconds = seconds
        self._begin = begin
        self._handler: Callable[[int, FrameType | None], None] = self._handle
        self._previous: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._begun = False

    def hook(self) -> None:
        """
        Take SIGTERM over, on the serving loop. Does nothing outside of the main thread, which alone has signals.
        """
        if threading.current_thread() is not threading.main_thread() or self in _hooked:
            return
        current = signal.getsignal(signal.SIGTERM)
        # None: a handler that was not set from Python can't be called
        if current is None or current == signal.SIG_IGN:
            return
        try:
            signal.signal(signal.SIGTERM, self._handler)
        except ValueError as error:  # a subinterpreter has no signals
            fault("health", error)
            return
        self._previous, self._loop, self._begun = current, asyncio.get_running_loop(), False
        _hooked.append(self)

    def unhook(self) -> None:
        """
        Give SIGTERM back. A handler that somebody has put above this one since finds it passing signals on.
        """
        if self not in _hooked:
            return
        _hooked.remove(self)
        self._begun = True
        self._stop_timer()
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and signal.getsignal(signal.SIGTERM) is self._handler:
            signal.signal(signal.SIGTERM, self._previous)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._begun or self._loop is None:
            self._pass_on(number, frame)
            return
        for one in _hooked:
            one._begun = True
            one._begin()
        if self._seconds <= 0:
            self._pass_on(number, frame)
            return
        try:
            self._loop.call_soon_threadsafe(self._start_timer, number)
        except RuntimeError:  # the loop has ended without a word
            self._pass_on(number, frame)

    def _start_timer(self, number: int) -> None:
        if self._loop is None or self not in _hooked:
            return
        self._timer = self._loop.call_later(self._seconds, self._pass_on, number, None)
        _logger.info("otel_kit.draining", extra={"drain_seconds": self._seconds})

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self._stop_timer()
        if callable(self._previous):
            self._previous(number, frame)
        elif self._previous == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
