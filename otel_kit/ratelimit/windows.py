"""
Windows of many clients in one process's memory: bounded, and without a timer.

Owns the counting. Knows nothing of rules, of requests or of the library `limits`.

A client's window is a row of numbers: what it holds in all, and its groups of requests, each the time of
its latest request and its count. A group goes when that time is one
window ago, so no window of that length ever holds more than the amount. Time is monotonic:
setting the machine's clock neither frees nor locks anybody. A row is plain bytes: the collector
of garbage has nothing to look at, however many clients there are.

Windows that are over go while others are asked for, within two lengths of theirs. When all places
are taken nobody loses his window: a new client counts in a cell that he shares with others, by chance. As soon as
there is a place for him he takes along what is in the cell: it holds all that he has taken, and ends with its window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic

from otel_kit.ratelimit.cells import Cells, cells_left
from otel_kit.ratelimit.row import (
    PAIR,
    PAIRS,
    Row,
    groups_of,
    head_bytes,
    pair_bytes,
    read_head,
    read_pair,
    row_of,
    times_of,
    write_head,
)
from otel_kit.ratelimit.shelf import Rows, Shelf

__all__ = ["MAX_CLIENTS", "MAX_TIMES", "Windows"]

MAX_CLIENTS = 100_000
MAX_TIMES = 2_000_000
"""Times that moving windows may hold in all; beyond, they group like counters."""
TURN_ALL_SECONDS = 1.0
"""How often all rates are looked at for what is over: there may be a thousand."""
SWEPT = 4
FEW = 16
"""Amounts up to this are always counted by exact times: that needs no more room than groups do."""

NEVER = float("-inf")


class Windows:
    """
    All windows of one storage.

    A window is found by its client and its rate; a key is the two, with a colon between. `clients` are the windows
    of a client's own, `shared` the cells there are for others.
    Not safe for threads by itself: whoever calls it holds one lock around each decision.
    """

    def __init__(
        self, *, max_clients: int = MAX_CLIENTS, max_times: int = MAX_TIMES, clock: Callable[[], float] = monotonic
    ) -> None:
        self._clock = clock
        self._max_clients = max_clients
        self._max_times = max_times
        self._shelves: dict[tuple[str, int, bool], Shelf] = {}
        self._dying: list[tuple[Rows, bool]] = []
        self._turn_all_at = 0.0
        self.clients = 0
        self.shared = 0
        self.times = 0

    def shelf(self, rate: str, seconds: int, *, exact: bool) -> Shelf:
        """
        Where the windows of one rate stand, to `take_from`.

        Args:
            exact: Keep the time of each request, not of each group.
        """
        shelf = self._shelves.get((rate, seconds, exact))
        if shelf is None:
            shelf = self._shelves[rate, seconds, exact] = Shelf(seconds, self._clock(), exact=exact)
        return shelf

    def take(self, key: str, amount: int, seconds: int, cost: int, *, exact: bool) -> bool:
        """
        Take `cost` from a window, unless too little is left.
        """
        client, rate = _parts(key)
        return self.take_from(self.shelf(rate, seconds, exact=exact), client, amount, cost)

    def take_from(self, shelf: Shelf, client: str, amount: int, cost: int = 1) -> bool:
        """
        The same for a rate at hand.
        """
        if cost > amount:
            return False
        now = self._clock()
        if now >= shelf.due:
            self._turn(shelf, now)
        row = shelf.new.get(client) or (shelf.moved(client) if shelf.old else None)
        if row is None:
            return self._take_first(shelf, client, now, amount, cost)
        total, opened, count, latest, first = read_head(row)
        if first <= now - shelf.seconds:
            total, opened, count, first = self._forget(row, now - shelf.seconds, shelf.exact)
        used = total + cost
        if used > shelf.most:
            shelf.most = used
        if used > amount:
            return False
        apart = 0.0 if amount <= FEW or (shelf.exact and self.times < self._max_times) else shelf.group_seconds
        if now - opened <= apart:
            write_head(row, 0, used, opened, count + cost, now, now if len(row) == PAIRS else first)
        else:
            if count:
                row += pair_bytes(latest, count)
            write_head(row, 0, used, now, cost, now, first if count else now)
            self.times += shelf.exact
        if self._dying:
            self._sweep()
        return True

    def held(self, key: str, seconds: int, *, exact: bool) -> int:
        """
        What a window holds now.
        """
        now = self._clock()
        _, groups = self._read(key, seconds, exact, now)
        return int(sum(count for moment, count in groups if moment > now - seconds))

    def wait(self, key: str, amount: int, seconds: int, cost: int, *, exact: bool) -> float:
        """
        Seconds until `cost` can be taken; 0 when it can be now, never more than the window.
        """
        now = self._clock()
        total, groups = self._read(key, seconds, exact, now)
        surplus = total + cost - amount
        until = 0.0
        for moment, count in groups:
            if surplus <= 0:
                break
            until = moment + seconds
            surplus -= count
        return min(max(until - now, 0.0), float(seconds))

    def peak(self, rate: str, seconds: int, *, exact: bool) -> float:
        """
        The most that one window of a rate held, or was asked to hold, within the last minute. Needs no lock.
        """
        shelf = self._shelves.get((rate, seconds, exact))
        return 0.0 if shelf is None else shelf.within_minute(self._clock())

    def see(self, key: str, used: int, seconds: int, *, exact: bool) -> None:
        """
        Take into account what a window holds that was looked at alone.
        """
        self.shelf(_parts(key)[1], seconds, exact=exact).see(float(used), self._clock())

    def forget_peaks(self) -> None:
        """
        Begin all peaks anew.
        """
        for shelf in list(self._shelves.values()):
            shelf.forget_numbers()

    def clear(self, key: str) -> None:
        """
        Forget one client's windows of one rate.
        """
        client, rate = _parts(key)
        for (name, _, exact), shelf in self._shelves.items():
            row = shelf.pop(client) if name == rate else None
            if row is not None:
                self._gone(row, exact)

    def reset(self) -> int:
        """
        Forget everybody; how many windows there were.
        """
        count = self.clients
        for shelf in self._shelves.values():
            shelf.clear()
        self._dying.clear()
        self.clients = self.shared = self.times = 0
        return count

    def _take_first(self, shelf: Shelf, client: str, now: float, amount: int, cost: int) -> bool:
        """
        Take for a client that has no row of his own: from one that he gets now, or from the cell that he shares.
        """
        if now >= self._turn_all_at:
            self._turn_all(now)
        if self._dying:
            self._sweep()
        if self.clients >= self._max_clients:
            used = (shelf.cells or self._cells_for(shelf)).take(client, amount, cost, now)
            shelf.see(float(used), now)
            return used <= amount
        self.clients += 1
        groups = shelf.cells.groups(client, now) if shelf.cells is not None else None
        if groups:
            row = shelf.new[client] = row_of(groups)
            self.times += times_of(row) if shelf.exact else 0
            return self.take_from(shelf, client, amount, cost)
        if cost != 1 or not shelf.most:  # to compare the two numbers, of two kinds, takes longer
            shelf.see(float(cost), now)
        shelf.new[client] = bytearray(head_bytes(cost, now, cost, now, now))
        self.times += shelf.exact
        return True

    def _cells_for(self, shelf: Shelf) -> Cells:
        cells = shelf.cells = Cells(cells_left(self.shared), shelf.seconds)
        self.shared += cells.size
        return cells

    def _turn(self, shelf: Shelf, now: float) -> None:
        self._dying += [(rows, shelf.exact) for rows in shelf.turn(now)]
        if shelf.cells is not None and shelf.cells.are_over(now):
            self.shared -= shelf.cells.size
            shelf.cells = None

    def _turn_all(self, now: float) -> None:
        """
        Begin new turns also under rates that nobody asks for any more.
        """
        self._turn_all_at = now + TURN_ALL_SECONDS
        for shelf in self._shelves.values():
            if now >= shelf.due:
                self._turn(shelf, now)

    def _read(self, key: str, seconds: int, exact: bool, now: float) -> tuple[float, Iterable[tuple[float, float]]]:
        """
        How much a client has taken of a rate and when, by his own row or by the cell that he shares.
        """
        client, rate = _parts(key)
        shelf = self._shelves.get((rate, seconds, exact))
        row = None if shelf is None else shelf.find(client)
        if row is not None:
            return read_head(row)[0], groups_of(row)
        groups = [] if shelf is None or shelf.cells is None else shelf.cells.groups(client, now)
        return sum(count for _, count in groups), groups

    def _forget(self, row: Row, oldest: float, exact: bool) -> tuple[float, float, float, float]:
        """
        Drop the groups that are over. The head's total, opening, count and oldest time after that.
        """
        total, opened, count, latest, first = read_head(row)
        end = PAIRS
        while end < len(row):
            first, number = read_pair(row, end)
            if first > oldest:
                break
            total -= number
            end += PAIR.size
        else:
            first = latest
        gone = (end - PAIRS) // PAIR.size
        if first <= oldest:
            total, opened, count, gone = 0.0, NEVER, 0.0, gone + bool(count)
        del row[PAIRS:end]
        write_head(row, 0, total, opened, count, latest, first)
        self.times -= gone if exact else 0
        return total, opened, count, first

    def _sweep(self) -> None:
        """
        Throw away a few of the rows that are over: to free a hundred thousand at once would be felt.
        """
        left = SWEPT
        while self._dying and left:
            rows, exact = self._dying[-1]
            if not rows:
                self._dying.pop()
                continue
            _, row = rows.popitem()
            self._gone(row, exact)
            left -= 1

    def _gone(self, row: Row, exact: bool) -> None:
        self.clients -= 1
        if exact:
            self.times -= times_of(row)


def _parts(key: str) -> tuple[str, str]:
    """
    Client and rate of a key; one without a colon is all client.
    """
    client, colon, rate = key.rpartition(":")
    return (client, rate) if colon else (key, "")
