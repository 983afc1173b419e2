"""
What is in a row, the window of one client under one rate.

Owns the layout in bytes. Knows nothing of clients, of amounts or of time.

A row is a head and a pair of time and count for each closed group, the oldest first.

In the head: the total, when the open group was opened, its count and latest time, and the time of the oldest group.
So a request that belongs to the open group, as most do, reads and writes the head alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import TypeAlias

__all__ = ["HEAD", "PAIR", "PAIRS", "Row", "groups_of", "times_of"]

Row: TypeAlias = bytearray

HEAD, PAIR = Struct("5d"), Struct("2d")
PAIRS = HEAD.size
"""Where the pairs begin."""


def groups_of(row: Row) -> Iterator[tuple[float, float]]:
    """
    Time and count of each group, the oldest first.
    """
    yield from PAIR.iter_unpack(bytes(row[PAIRS:]))
    _, _, count, latest, _ = HEAD.unpack_from(row)
    yield latest, count


def times_of(row: Row) -> int:
    """
    How many groups there are: at rest one is always open.
    """
    return (len(row) - PAIRS) // PAIR.size + 1
