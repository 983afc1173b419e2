"""
Start and stop of the measurements, for any number of applications in one process.

Owns what these share: the hooks into the ledger and the garbage collector are there once, from the
first start to the last stop, and an event loop is watched once, whomever it serves.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from otel_kit.ledger import Gauge, ledger
from otel_kit.saturation.garbage import Garbage
from otel_kit.saturation.limits import Limits
from otel_kit.saturation.loops import LoopWatch, running_loop
from otel_kit.saturation.process import ProcessFigures

__all__ = ["Saturation"]

requests_in_flight = Gauge("otel_kit_requests_in_flight", "Requests and open websockets, of all kinds.")
threads_in_use = Gauge("otel_kit_threads_in_use", "Threads at work for plain functions (AnyIO's default limiter).")
threads_limit = Gauge("otel_kit_threads_limit", "Threads that there may be for plain functions.")
threads_waiting = Gauge("otel_kit_threads_waiting", "Plain functions that wait for a thread.")


class Saturation:
    """
    The measurements of one application.

    Args:
        in_flight: How many requests there are; asked in any thread.
    """

    def __init__(self, in_flight: Callable[[], int]) -> None:
        self.in_flight = in_flight

    def start(self) -> None:
        """
        Begin to measure, in the event loop that runs now. Once more in another loop: that one from now on.
        """
        _shared.join(self)

    def stop(self) -> None:
        """
        Measure no more; counters keep what they have. May be started again.
        """
        _shared.leave(self)


class _Shared:
    """
    What is measured once in a process.
    """

    def __init__(self) -> None:
        self._garbage = Garbage()
        self._begin()

    def _begin(self) -> None:
        self._figures = ProcessFigures()
        self._limits = Limits()
        self._lock = threading.Lock()
        # replaced, never changed, since a refresh may look at it in another thread
        self._members: dict[Saturation, LoopWatch | None] = {}

    def join(self, member: Saturation) -> None:
        with self._lock:
            before = self._members
            self._members = {**before, member: self._watch_of_this_loop()}
            self._follow(before)
        self.refresh()

    def leave(self, member: Saturation) -> None:
        with self._lock:
            before = self._members
            self._members = {known: watch for known, watch in before.items() if known is not member}
            self._follow(before)
        if before:
            self.refresh()

    def _watch_of_this_loop(self) -> LoopWatch | None:
        loop = running_loop()
        watches = (watch for watch in self._members.values() if watch is not None and watch.loop is loop)
        return next(watches, None) or (None if loop is None else LoopWatch(loop))

    def _follow(self, before: dict[Saturation, LoopWatch | None]) -> None:
        for watch in set(before.values()) - set(self._members.values()):
            if watch is not None:
                watch.stop()
        if self._members and not before:
            self._garbage.start()
            ledger.on_refresh(self.refresh)
        elif before and not self._members:
            ledger.off_refresh(self.refresh)
            self._garbage.stop()

    def refresh(self) -> None:
        """
        Bring the metrics up to date.
        """
        self._look(self._members)
        self._garbage.refresh()
        self._figures.refresh()
        self._limits.refresh()

    @staticmethod
    def _look(members: dict[Saturation, LoopWatch | None]) -> None:
        watches = {watch for watch in members.values() if watch is not None}
        requests_in_flight.set(float(sum(member.in_flight() for member in members)))
        for gauge, place in ((threads_in_use, 0), (threads_limit, 1), (threads_waiting, 2)):
            gauge.set(sum(watch.threads()[place] for watch in watches))

    def begin_in_child(self) -> None:
        """
        A forked child serves nobody yet, and counts from zero.
        """
        if self._members:
            ledger.off_refresh(self.refresh)
            self._garbage.stop()
            self._look({})
        self._garbage.zero()
        self._begin()


_shared = _Shared()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_shared.begin_in_child)
