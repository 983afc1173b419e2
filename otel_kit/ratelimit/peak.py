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
    `most` is the largest of the running slice, which lasts until `slice_ends`.

    Where nanoseconds count it is written without a call, after a look at `slice_ends`; elsewhere by `see`.
    """

    __slots__ = ("_before", "most", "slice_ends")

    def __init__(self, now: float) -> None:
        self.slice_ends = now + SLICE_SECONDS
        self.forget_numbers()

    def forget_numbers(self) -> None:
        """
        Forget all numbers.
        """
        self.most = 0.0
        self._before = (0.0,) * SLICES

    def see(self, number: float, now: float) -> None:
        """
        Take a number into account.
        """
        if now >= self.slice_ends:
            self.begin_slice(now)
        if number > self.most:
            self.most = number

    def begin_slice(self, now: float) -> None:
        """
        Begin the slice of this moment.
        """
        over = self._over(now)
        # cleared last: a reader finds the number in one of the two places, or in both
        self._before = (*self._before, self.most, *(0.0,) * (min(over, SLICES + 1) - 1))[-SLICES:]
        self.most = 0.0
        self.slice_ends += over * SLICE_SECONDS

    def within_minute(self, now: float) -> float:
        """
        The largest number of the last minute; 0 where there was none.
        """
        over, most = self._over(now), self.most
        return max((*self._before, most)[over:], default=0.0)

    def _over(self, now: float) -> int:
        """
        How many slices are over since the last turn.
        """
        return int((now - self.slice_ends) // SLICE_SECONDS) + 1 if now >= self.slice_ends else 0
