"""
The four kinds of series, and the few instructions that a count costs.

Owns recording. Read the header of `cells` before changing a line that writes a cell.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable

from otel_kit.faults import fault
from otel_kit.ledger.cells import GLOBAL_LOCK, Child, ExemplarIds, guard
from otel_kit.ledger.timing import ExceptionCount, InProgress, Timer

__all__ = ["CounterChild", "GaugeChild", "HistogramChild", "SummaryChild"]

INFINITY = float("inf")


class CounterChild(Child):
    """
    A number that only rises.
    """

    __slots__ = ()

    def inc(self, amount: float = 1.0, exemplar: ExemplarIds | None = None) -> None:
        """
        Count up.

        Raises:
            ValueError: The amount is negative or not finite; it would spoil the total for good.
        """
        if amount.__class__ is not float:
            amount = float(amount)
        if not 0.0 <= amount < INFINITY:
            raise ValueError(f"a counter can't be increased by {amount}")
        self.m[self.i] += amount
        if exemplar is not None:
            self._keep(0, exemplar, amount)

    def count_exceptions(
        self, exception: type[BaseException] | tuple[type[BaseException], ...] = Exception
    ) -> ExceptionCount:
        """
        Block or decorator that counts the exceptions leaving it.
        """
        return ExceptionCount(self.inc, exception)


class GaugeChild(Child):
    """
    A number that goes up and down, and is gone with its process.
    """

    __slots__ = ("function",)

    additive = False

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.function: Callable[[], float] | None = None

    def inc(self, amount: float = 1.0) -> None:
        """
        Go up.
        """
        if amount.__class__ is not float:
            amount = float(amount)
        self.m[self.i] += amount

    def dec(self, amount: float = 1.0) -> None:
        """
        Go down.
        """
        if amount.__class__ is not float:
            amount = float(amount)
        self.m[self.i] -= amount

    def set(self, value: float) -> None:
        """
        Replace the value.
        """
        if value.__class__ is not float:
            value = float(value)
        self.m[self.i] = value

    def set_to_current_time(self) -> None:
        """
        Set to epoch seconds.
        """
        self.set(time.time())

    def set_function(self, function: Callable[[], float]) -> None:
        """
        Ask the function for the value, before each snapshot and at least each quarter of a second
        where several workers share their numbers. It must be quick, and safe in any thread.
        """
        self.function = function

    def refresh(self) -> None:
        """
        Take the value from the function, if there is one.
        """
        if self.function is None:
            return
        try:
            self.set(self.function())
        except Exception as error:  # the function is the user's: whatever it raises must not stop a scrape
            fault("ledger", error)

    def track_inprogress(self) -> InProgress:
        """
        Block or decorator that is counted while it runs.
        """
        return InProgress(self.inc, self.dec)

    def time(self) -> Timer:
        """
        Block or decorator whose last duration is the value: in seconds, or in milliseconds where the name says so.
        """
        return Timer(self.set, self.per_second)


class HistogramChild(Child):
    """
    Observations by size: their sum, then how many fell into each bucket.
    """

    __slots__ = ("bounds",)

    def __init__(self, width: int, bounds: tuple[float, ...]) -> None:
        super().__init__(width)
        self.bounds = bounds

    def observe(self, value: float, exemplar: ExemplarIds | None = None) -> None:
        """
        Count one observation.

        NaN is refused and counted as a fault; an infinite value goes to its bucket, not into the sum.
        """
        if value.__class__ is not float:
            value = float(value)
        added = value
        # true of NaN and of both infinities alone
        if value - value != 0.0:
            fault("ledger", "observation is not finite")
            if value != value:
                return
            added = 0.0
        bucket = 1 + bisect_left(self.bounds, value)
        m, i = self.m, self.i
        m[i + bucket] += 1.0
        m[i] += added
        if exemplar is not None:
            self._keep(bucket, exemplar, value)

    def time(self) -> Timer:
        """
        Block or decorator whose duration is observed: in seconds, or in milliseconds where the name says so.
        """
        return Timer(self.observe, self.per_second)


class SummaryChild(Child):
    """
    Sum and count of observations.
    """

    __slots__ = ()

    def observe(self, value: float, exemplar: ExemplarIds | None = None) -> None:
        """
        Count one observation; one that is not finite is refused and counted as a fault. Exemplars have no place here.
        """
        if value.__class__ is not float:
            value = float(value)
        if value - value != 0.0:
            fault("ledger", "observation is not finite")
            return
        m, i = self.m, self.i
        m[i] += value
        m[i + 1] += 1.0

    def time(self) -> Timer:
        """
        Block or decorator whose duration is observed: in seconds, or in milliseconds where the name says so.
        """
        return Timer(self.observe, self.per_second)


if not GLOBAL_LOCK:
    guard(CounterChild, "inc", "publish")
    guard(GaugeChild, "inc", "dec", "set", "publish")
    guard(HistogramChild, "observe", "publish")
    guard(SummaryChild, "observe", "publish")
