"""
Histograms that also keep their smallest and largest observation.

Owns these two numbers in a process and in its seat. They are merged by size, never added; other histograms know
nothing of them.
"""

from __future__ import annotations

from otel_kit.ledger.cells import Child, ExemplarIds, guard
from otel_kit.ledger.children import INFINITY, HistogramChild

__all__ = ["ExtremesChild"]


class ExtremesChild(HistogramChild):
    """
    A histogram that also keeps the smallest and the largest finite observation.

    This process's own are in `own`. A seat has two more cells for them, which hold those of all who sat there: there
    is no telling them apart by a difference.
    """

    __slots__ = ("own", "seated")

    def __init__(self, width: int, bounds: tuple[float, ...]) -> None:
        super().__init__(width, bounds)
        self.own = [INFINITY, -INFINITY]
        self.seated = False

    def observe(self, value: float, exemplar: ExemplarIds | None = None) -> None:
        """
        Count one observation, as any histogram does; an infinite one is no extreme.
        """
        if value.__class__ is not float:
            value = float(value)
        low, high = self.own
        if not low <= value <= high:
            self._widen(value)
        # last: whoever sees the count sees extremes that it is within
        HistogramChild.observe(self, value, exemplar)

    def _widen(self, value: float) -> None:
        # true of NaN and of both infinities alone
        if value - value != 0.0:
            return
        self.own[:] = min(self.own[0], value), max(self.own[1], value)
        if self.seated:
            self._show()

    def _show(self) -> None:
        m, low = self.m, self.i + self.width
        m[low] = min(m[low], self.own[0])
        m[low + 1] = max(m[low + 1], self.own[1])

    def extremes(self) -> tuple[float, float] | None:
        """
        Of what this process has observed; None if that is nothing finite.
        """
        low, high = self.own
        return (low, high) if low <= high else None

    def cells(self) -> tuple[float, ...]:
        """
        What adds up, then the extremes; those of nothing are +Inf and -Inf.
        """
        return (*self.values(), *self.own)

    def arrive(self) -> None:
        """
        A seat: its extremes are now those of all before and of this process.
        """
        self.seated = True
        self._show()

    def leave(self) -> None:
        """
        The extremes stay in the seat, and stay one's own.
        """
        self.seated = False
        super().leave()

    def take_in(self, other: Child) -> None:
        """
        Have another series count here.
        """
        super().take_in(other)
        if isinstance(other, ExtremesChild):
            for value in other.own:
                self._widen(value)
            other.own = self.own

    def forget(self, keep_gauge: bool = False) -> None:
        """
        Start without extremes.
        """
        self.seated = False
        self.own = [INFINITY, -INFINITY]
        super().forget(keep_gauge)

    def zero(self) -> None:
        """
        Empty the cells, in a seat too.
        """
        super().zero()
        self.own[:] = INFINITY, -INFINITY
        if self.seated:
            self.m[self.i + self.width], self.m[self.i + self.width + 1] = self.own


# always: finding new extremes takes calls, and is rare
guard(ExtremesChild, "_widen", "leave", "forget", "zero")
