"""
Windows of many clients in one process's memory: bounded, and without a timer.

Owns the counting. Knows nothing of rules, of requests or of the library `limits`.

A client's window is a row of numbers: what it holds in all, when its latest group was opened, then
for each group the time of its latest request and its count. A group goes when that time is one
window ago, so no window of that length ever holds more than the amount. Time is monotonic:
setting the machine's clock neither frees nor locks anybody. A row is plain bytes: the collector
of garbage has nothing to look at, however many clients there are.

Windows that are over go while others are asked for, within two lengths of theirs. When all places
are taken nobody loses his window: a new client shares one with those whose key begins with the
same four characters, and, when these are used up as well, the same two. As soon as there is a place
for him he takes a copy of what he shared along: it holds all that he has taken, and ends with its window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct
from time import monotonic

from otel_kit.ratelimit.shelf import Row, Shelf

__all__ = ["MAX_CLIENTS", "MAX_TIMES", "Windows"]

MAX_CLIENTS = 100_000
MAX_TIMES = 2_000_000
"""Times that moving windows may hold in all; beyond, they group like counters."""
MAX_SHARED = 65_536
WIDE, NARROW = 4, 2
"""Characters of a key by which clients share: first as one of 65,536, then as one of 256."""
GROUPS = 10.0
FEW = 16
"""Amounts up to this are always counted by exact times: that needs no more room than groups do."""

NUMBER, PAIR, HEAD = Struct("d"), Struct("2d"), Struct("3d")
"""A row is a total and a moment, then pairs of time and count; at rest there is at least one pair."""
PAIRS = PAIR.size
"""Where the pairs begin."""


class Windows:
    """
    All windows of one storage.

    Not safe for threads by itself: whoever calls it holds one lock around each decision.
    """

    def __init__(
        self, *, max_clients: int = MAX_CLIENTS, max_times: int = MAX_TIMES, clock: Callable[[], float] = monotonic
    ) -> None:
        self._clock = clock
        self._max_clients = max_clients
        self._max_times = max_times
        self._shelves: dict[tuple[int, bool], Shelf] = {}
        self._sharing = False
        self.clients = 0
        self.times = 0

    def take(self, key: str, amount: int, seconds: int, cost: int, *, exact: bool) -> bool:
        """
        Take `cost` from a window, unless too little is left.

        Args:
            exact: Keep the time of each request, not of each group.
        """
        if cost > amount:
            return False
        now = self._clock()
        oldest = now - seconds
        shelf = self._shelves.get((seconds, exact))
        if shelf is None:
            shelf = self._shelves[seconds, exact] = Shelf(seconds, now)
        shelf.turn(now)
        row = shelf.get(key)
        if row is None:
            key, row = self._place(shelf, key, now, exact)
            if row is None:
                shelf.put(key, bytearray(PAIR.pack(cost, now) + PAIR.pack(now, cost)))
                self.clients += 1
                self.times += exact
                self._sweep(shelf, exact)
                return True
        total, opened, first = HEAD.unpack_from(row)
        if first <= oldest:
            total = self._forget(row, total, oldest, exact)
        if total + cost > amount:
            return False
        is_fine = amount <= FEW or (exact and self.times < self._max_times)
        if len(row) > PAIRS and now - opened <= (0.0 if is_fine else seconds / GROUPS):
            NUMBER.pack_into(row, 0, total + cost)
            end = len(row) - PAIR.size
            PAIR.pack_into(row, end, now, PAIR.unpack_from(row, end)[1] + cost)
        else:
            PAIR.pack_into(row, 0, total + cost, now)
            row += PAIR.pack(now, cost)
            self.times += exact
        shelf.put(key, row)
        if shelf.dying:
            self._sweep(shelf, exact)
        return True

    def held(self, key: str, seconds: int, *, exact: bool) -> int:
        """
        What a window holds now.
        """
        row = self._find(self._shelves.get((seconds, exact)), key)
        if row is None:
            return 0
        oldest = self._clock() - seconds
        return int(sum(count for moment, count in _pairs(row) if moment > oldest))

    def wait(self, key: str, amount: int, seconds: int, cost: int, *, exact: bool) -> float:
        """
        Seconds until `cost` can be taken; 0 when it can be now, never more than the window.
        """
        row = self._find(self._shelves.get((seconds, exact)), key)
        if row is None:
            return 0.0
        surplus = NUMBER.unpack_from(row)[0] + cost - amount
        until = 0.0
        for moment, count in _pairs(row):
            if surplus <= 0:
                break
            until = moment + seconds
            surplus -= count
        return min(max(until - self._clock(), 0.0), float(seconds))

    def clear(self, key: str) -> None:
        """
        Forget one client's windows.
        """
        for (_, exact), shelf in self._shelves.items():
            row = shelf.pop(key)
            if row is not None:
                self._gone(row, exact)

    def reset(self) -> int:
        """
        Forget everybody; how many windows there were.
        """
        count = self.clients
        self._shelves.clear()
        self.clients = self.times = 0
        return count

    def _place(self, shelf: Shelf, key: str, now: float, exact: bool) -> tuple[str, Row | None]:
        """
        Key and row for a client that has none of his own: a shared one, or None where a new one is to be made.
        """
        if self.clients >= self._max_clients:
            for (_, is_exact), other in self._shelves.items():
                other.turn(now)
                self._sweep(other, is_exact)
        is_full = self.clients >= self._max_clients
        if self._sharing:
            shared = self._shared(shelf, key)
            if shared is not None:
                return shared if is_full else self._parted(shelf, key, shared, exact)
        if is_full:
            self._sharing = True
            key = _shared_key(key, WIDE if self.clients < self._max_clients + MAX_SHARED else NARROW)
        return key, None

    def _parted(self, shelf: Shelf, key: str, shared: tuple[str, Row], exact: bool) -> tuple[str, Row]:
        """
        A row of a client's own in place of the shared one: nobody is to share for longer than he must.
        """
        times = (len(shared[1]) - PAIRS) // PAIR.size if exact else 0
        if self.times + times > self._max_times:
            return shared
        row = bytearray(shared[1])
        shelf.put(key, row)
        self.clients += 1
        self.times += times
        return key, row

    def _shared(self, shelf: Shelf, key: str) -> tuple[str, Row] | None:
        for characters in (WIDE, NARROW):
            name = _shared_key(key, characters)
            row = shelf.get(name)
            if row is not None:
                return name, row
        return None

    def _find(self, shelf: Shelf | None, key: str) -> Row | None:
        if shelf is None:
            return None
        row = shelf.get(key)
        if row is None and self._sharing:
            _, row = self._shared(shelf, key) or (key, None)
        return row

    def _forget(self, row: Row, total: float, oldest: float, exact: bool) -> float:
        """
        Drop the groups that are over; what the others hold.
        """
        end = PAIRS
        while end < len(row):
            moment, count = PAIR.unpack_from(row, end)
            if moment > oldest:
                break
            total -= count
            end += PAIR.size
        del row[PAIRS:end]
        NUMBER.pack_into(row, 0, total)
        if exact:
            self.times -= (end - PAIRS) // PAIR.size
        return total

    def _sweep(self, shelf: Shelf, exact: bool) -> None:
        for row in shelf.sweep():
            self._gone(row, exact)

    def _gone(self, row: Row, exact: bool) -> None:
        self.clients -= 1
        if exact:
            self.times -= (len(row) - PAIRS) // PAIR.size


def _pairs(row: Row) -> Iterator[tuple[float, float]]:
    """
    Time and count of each group, the oldest first.
    """
    return PAIR.iter_unpack(bytes(row[PAIRS:]))


def _shared_key(key: str, characters: int) -> str:
    """
    The key of a window for all clients whose keys begin alike.
    """
    begin, end = key.find("{") + 1, key.find("}")
    return key[: begin + characters] + key[end:]
