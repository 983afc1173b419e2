"""
How often figures of the system are read, however many ask for them.

Owns when they were read last. Knows nothing of what is read.
"""

from __future__ import annotations

import math
import time

__all__ = ["Pace"]


class Pace:
    """
    Lets one reading through every so many seconds, the first at once; by `math.inf` only that one.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next_at = -math.inf

    def due(self) -> bool:
        """
        Whether it is time; whoever is told so reads now.
        """
        now = time.monotonic()
        if now < self._next_at:
            return False
        self._next_at = now + self._seconds
        return True
