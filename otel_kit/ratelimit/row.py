"""
What is in a row, the window of one client under one rate.

Owns the layout in bytes. Knows nothing of clients, of amounts or of time.

A row is a head and a pair of time and count for each closed group, the oldest first.

In the head: the total, when the open group was opened, its count and latest time, and the time of the oldest group.
So a request that belongs to the open group, as most do, reads and writes the head alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import TypeAlias

__all__ = [
    "PAIR",
    "PAIRS",
    "Row",
    "groups_of",
    "head_bytes",
    "pair_bytes",
    "read_head",
    "read_pair",
    "row_of",
    "times_of",
    "write_head",
]

Row: TypeAlias = bytearray

HEAD, PAIR = Struct("5d"), Struct("2d")
PAIRS = HEAD.size
"""Where the pairs begin."""
# called by every decision: looked up once
read_head, write_head, head_bytes = HEAD.unpack_from, HEAD.pack_into, HEAD.pack
read_pair, pair_bytes = PAIR.unpack_from, PAIR.pack


def groups_of(row: Row) -> Iterator[tuple[float, float]]:
    """
    Time and count of each group, the oldest first.
    """
    yield from PAIR.iter_unpack(bytes(row[PAIRS:]))
    _, _, count, latest, _ = read_head(row)
    yield latest, count


def row_of(groups: Sequence[tuple[float, float]]) -> Row:
    """
    A row with these groups, one at least: time and count, the oldest first.
    """
    *closed, (latest, count) = groups
    row = bytearray(head_bytes(sum(number for _, number in groups), latest, count, latest, groups[0][0]))
    for moment, number in closed:
        row += pair_bytes(moment, number)
    return row


def times_of(row: Row) -> int:
    """
    How many groups there are: at rest one is always open.
    """
    return (len(row) - PAIRS) // PAIR.size + 1
