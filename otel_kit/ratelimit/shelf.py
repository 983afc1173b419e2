"""
The rows of all clients under one rate, and how they go when they are over.

Owns who still has a row. Knows nothing of what is in it.

Rows stand in two dicts, those of the running turn and those of the one before; a turn lasts as
long as the windows. Who comes moves to the newer one. So what is still in the older one at the
end of a turn has not come for a whole window, and is given up as it is, without a timer.

Who finds no place for a row shares a cell with others. There are cells only while somebody has to.

The dicts hold text and bytes only: the collector of garbage does not look into such (CPython up to
3.13), so that its pauses don't grow with the number of clients. An OrderedDict would be looked into.
"""

from __future__ import annotations

from typing import TypeAlias

from otel_kit.ratelimit.cells import Cells
from otel_kit.ratelimit.peak import Peak
from otel_kit.ratelimit.row import Row

__all__ = ["Rows", "Shelf"]

GROUPS = 10.0

Rows: TypeAlias = dict[str, Row]


class Shelf(Peak):
    """
    Rows by client, `new` those of the running turn, which lasts until `ends`, and `old` those of the one before.

    `cells` are None while nobody shares. `exact` is whether rows hold the time of each request.
    As a peak it is that of what a row held, or was asked to hold. From `due` on `turn` is to be called.
    """

    __slots__ = ("cells", "due", "ends", "exact", "group_seconds", "new", "old", "seconds")

    def __init__(self, seconds: int, now: float, *, exact: bool) -> None:
        self.seconds = float(seconds)  # as times are: a sum of two kinds takes longer
        self.group_seconds = seconds / GROUPS
        self.exact = exact
        self.ends = now + seconds
        super().__init__(now)
        self.due = min(self.ends, self.slice_ends)
        self.clear()

    def clear(self) -> None:
        """
        Throw all rows away.
        """
        self.new: Rows = {}
        self.old: Rows = {}
        self.cells: Cells | None = None

    def find(self, client: str) -> Row | None:
        """
        The row of this client, which is kept for a window from now on.
        """
        return self.new.get(client) or self.moved(client)

    def moved(self, client: str) -> Row | None:
        """
        The row of a client who has not come in this turn.
        """
        row = self.old.pop(client, None)
        if row is not None:
            self.new[client] = row
        return row

    def pop(self, client: str) -> Row | None:
        """
        Take a row away.
        """
        return self.new.pop(client, None) or self.old.pop(client, None)

    def turn(self, now: float) -> list[Rows]:
        """
        Begin a new turn, if it is time, or a new slice of the peak; the rows that are over by it.
        """
        if now >= self.slice_ends:
            self.begin_slice(now)
        over = self._rows_over(now) if now >= self.ends else []
        self.due = min(self.ends, self.slice_ends)
        return [rows for rows in over if rows]

    def _rows_over(self, now: float) -> list[Rows]:
        over = [self.old]
        if now >= self.ends + self.seconds:
            # nobody has come for a whole turn
            over.append(self.new)
            self.new = {}
        self.old, self.new, self.ends = self.new, {}, now + self.seconds
        return over
