"""
The rows of all clients under windows of one length, and how they go when they are over.

Owns who still has a row. Knows nothing of what is in it.

Rows stand in two dicts, those of the running turn and those of the one before; a turn lasts as
long as the windows. Who comes moves to the newer one. So what is still in the older one at the
end of a turn has not come for a whole window, and is thrown away as it is: without a timer, and a few
rows at a time, since freeing a hundred thousand at once would be felt.

The dicts hold text and bytes only: the collector of garbage does not look into such (CPython up to
3.13), so that its pauses don't grow with the number of clients. An OrderedDict would be looked into.
"""

from __future__ import annotations

from typing import TypeAlias

__all__ = ["Row", "Shelf"]

SWEPT = 4

Row: TypeAlias = bytearray


class Shelf:
    """
    Rows by key. `dying` are those that wait to be thrown away.
    """

    __slots__ = ("_new", "_old", "_turned", "dying", "seconds")

    def __init__(self, seconds: int, now: float) -> None:
        self.seconds = seconds
        self._new: dict[str, Row] = {}
        self._old: dict[str, Row] = {}
        self.dying: list[dict[str, Row]] = []
        self._turned = now

    def get(self, key: str) -> Row | None:
        """
        The row of this key, as it is.
        """
        row = self._new.get(key)
        return row if row is not None else self._old.get(key)

    def put(self, key: str, row: Row) -> None:
        """
        Keep a row, new or known, for a window from now on.
        """
        if key not in self._new:
            self._old.pop(key, None)
            self._new[key] = row

    def pop(self, key: str) -> Row | None:
        """
        Take a row away.
        """
        return self._new.pop(key, None) or self._old.pop(key, None)

    def turn(self, now: float) -> None:
        """
        Begin a new turn if it is time. To be called before a row is asked for.
        """
        if now - self._turned < self.seconds:
            return
        over = [self._old]
        if now - self._turned >= 2 * self.seconds:
            # nobody has come for a whole turn
            over.append(self._new)
            self._new = {}
        self.dying += [rows for rows in over if rows]
        self._old, self._new, self._turned = self._new, {}, now

    def sweep(self) -> list[Row]:
        """
        Throw away a few of the rows that are over; they are given back to be accounted for.
        """
        rows: list[Row] = []
        while self.dying and len(rows) < SWEPT:
            if self.dying[-1]:
                rows.append(self.dying[-1].popitem()[1])
            else:
                self.dying.pop()
        return rows
