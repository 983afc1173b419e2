"""
The largest number of the last minute.

Owns how numbers age. Knows nothing of windows, limits and metrics.

Time is cut into slices, and each keeps the largest of its numbers alone. To read changes nothing, so
any number of readers are told the same, in any thread and without a lock.
"""

from __future__ import annotations

__all__ = ["Peak"]

SLICE_SECONDS = 15.0
SLICES = 4
"""Before the running one: a number counts for a minute at least, and for a slice longer at most."""


class Peak:
    """
    `value` is the largest of the running slice, which lasts until `ends`.

    Who is counted in nanoseconds writes `value` himself, after a look at `ends`; all others call `see`.
    """

    __slots__ = ("_before", "ends", "value")

    def __init__(self, now: float) -> None:
        self.ends = now + SLICE_SECONDS
        self.zero()

    def zero(self) -> None:
        """
        Forget all numbers.
        """
        self.value = 0.0
        self._before = (0.0,) * SLICES

    def see(self, number: float, now: float) -> None:
        """
        Take a number into account.
        """
        if now >= self.ends:
            self.turn(now)
        if number > self.value:
            self.value = number

    def turn(self, now: float) -> None:
        """
        Begin the slice of this moment.
        """
        over = self._over(now)
        # the value goes last: a reader finds it in one of the two places, or in both
        self._before = (*self._before, self.value, *(0.0,) * (min(over, SLICES + 1) - 1))[-SLICES:]
        self.value = 0.0
        self.ends += over * SLICE_SECONDS

    def read(self, now: float) -> float:
        """
        The largest number of the last minute; 0 where there was none.
        """
        over, value = self._over(now), self.value
        return max((*self._before, value)[over:], default=0.0)

    def _over(self, now: float) -> int:
        """
        How many slices are over since the last turn.
        """
        return int((now - self.ends) // SLICE_SECONDS) + 1 if now >= self.ends else 0
