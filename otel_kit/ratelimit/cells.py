"""
Counts that clients share who have no row of their own.

Owns how a shared count is kept and how it ages. Knows nothing of rows, of limits or of who has to share.

Time is cut into tenths of the window, the same for all cells, and each tenth is one array with a number for each
cell. It goes as a whole. What was counted in eleven of them counts still: a window at least, and a tenth of it
longer at most.

A cell takes 44 bytes however often it is asked for, so there can be more of them than there are rows; and a few
arrays are nothing to the collector of garbage.
"""

from __future__ import annotations

from array import array

__all__ = ["ALL_CELLS", "FEW_CELLS", "MOST_CELLS", "Cells", "cells_left"]

ALL_CELLS = 1_048_576
MOST_CELLS = 262_144
"""Under one rate."""
FEW_CELLS = 1024
"""The least under one, whatever the others have."""

TENTHS = 10
NONE = array("I", [0])
"""A count has 32 bits: no limit lets more pass than that."""


def cells_left(taken: int) -> int:
    """
    How many cells a rate gets where others have so many: half of what is left, so that some are always left.
    """
    return min(max((ALL_CELLS - taken) // 2, FEW_CELLS), MOST_CELLS)


class Cells:
    """
    Those of one rate. A client has the one that his hash names: nobody can choose whom to share with.
    """

    __slots__ = ("_by_tenth", "_tenth_seconds", "size")

    def __init__(self, size: int, seconds: float) -> None:
        self.size = size
        self._tenth_seconds = seconds / TENTHS
        self._by_tenth: dict[int, array[int]] = {}

    def take(self, client: str, amount: int, cost: int, now: float) -> int:
        """
        Take `cost`, unless too little is left. What is in use with it; it was taken if that is within the amount.
        """
        tenth = int(now / self._tenth_seconds)
        counts = self._by_tenth.get(tenth)
        if counts is None:
            counts = self._begin(tenth)
        place = hash(client) % self.size
        used = cost
        for numbers in self._by_tenth.values():
            used += numbers[place]
        if used <= amount:
            counts[place] += cost
        return used

    def groups(self, client: str, now: float) -> list[tuple[float, float]]:
        """
        Time and count of what still counts, the oldest first; as the time that of the tenth's end, or now.
        """
        oldest = self._oldest(now)
        place = hash(client) % self.size
        return [
            (min((tenth + 1) * self._tenth_seconds, now), float(numbers[place]))
            for tenth, numbers in self._by_tenth.items()
            if tenth >= oldest and numbers[place]
        ]

    def are_over(self, now: float) -> bool:
        """
        Whether nothing counts any more.
        """
        return max(self._by_tenth, default=-1) < self._oldest(now)

    def _begin(self, tenth: int) -> array[int]:
        for over in [number for number in self._by_tenth if number < tenth - TENTHS]:
            del self._by_tenth[over]
        counts = self._by_tenth[tenth] = NONE * self.size
        return counts

    def _oldest(self, now: float) -> int:
        return int(now / self._tenth_seconds) - TENTHS
