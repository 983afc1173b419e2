"""
The rows of all clients under one rate, and how they go when they are over.

Owns who still has a row. Knows nothing of what is in it.

Rows stand in two dicts, those of the running turn and those of the one before; a turn lasts as
long as the windows. Who comes moves to the newer one. So what is still in the older one at the
end of a turn has not come for a whole window, and is given up as it is, without a timer.

Rows that clients share stand beside them, by a number. They all stay until nobody has shared for a window.

The dicts hold text, numbers and bytes only: the collector of garbage does not look into such (CPython up to
3.13), so that its pauses don't grow with the number of clients. An OrderedDict would be looked into.
"""

from __future__ import annotations

from typing import TypeAlias

from otel_kit.ratelimit.peak import Peak
from otel_kit.ratelimit.row import Row

__all__ = ["FEW_SHARED", "MAX_SHARED", "Rows", "Shelf"]

GROUPS = 10.0
MAX_SHARED = 65_536
FEW_SHARED = 256
"""Windows shared by all who come when those are used up as well, for each rate."""

Rows: TypeAlias = dict[str, Row] | dict[int, Row]


class Shelf(Peak):
    """
    Rows by client, `new` those of the running turn, which lasts until `ends`, and `old` those of the one before.

    `shared` are rows by number, of use until `shared_until`. `exact` is whether rows hold the time of each request.
    As a peak it is that of what a row held, or was asked to hold. From `due` on `turn` is to be called.
    """

    __slots__ = ("due", "ends", "exact", "group_seconds", "new", "old", "seconds", "shared", "shared_until")

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
        self.new: dict[str, Row] = {}
        self.old: dict[str, Row] = {}
        self.shared: dict[int, Row] = {}
        self.shared_until = 0.0

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

    def shared_by(self, client: str) -> Row | None:
        """
        The row that a client shares who has none of his own.
        """
        number = hash(client)
        return self.shared.get(number % MAX_SHARED) or self.shared.get(~(number % FEW_SHARED))

    def share(self, client: str, row: Row, now: float, *, few: bool) -> None:
        """
        Keep a row for this client and all whose hashes end like his: nobody can choose whom to share with.

        Args:
            few: Whether they should be a 256th of all rather than a 65,536th.
        """
        number = hash(client)
        self.shared[~(number % FEW_SHARED) if few else number % MAX_SHARED] = row
        self.shared_until = now + self.seconds

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
        over: list[Rows] = [self.old]
        if now >= self.ends + self.seconds:
            # nobody has come for a whole turn
            over.append(self.new)
            self.new = {}
        if now >= self.shared_until:
            over.append(self.shared)
            self.shared = {}
        self.old, self.new, self.ends = self.new, {}, now + self.seconds
        return over
