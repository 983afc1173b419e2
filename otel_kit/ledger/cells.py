"""
The cells of one series, and their move from one place to another.

A cell is a place `i` in `m`. `m` is a list while the process is alone and a mapped file, seen as
doubles, while it shares its numbers; `m[i] += n` is the same for both. Knows nothing of names,
labels or files.

Between reading and storing a cell there must be no call: CPython switches threads only at calls
and jumps, so `m[i] += n` loses nothing while there is a global lock, and 60 % with one call in
it. Arguments are therefore converted first. Without a global lock each write takes `write_lock`.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from operator import sub
from typing import Any, Union

from otel_kit.ledger.snapshot import Exemplar

__all__ = ["GLOBAL_LOCK", "Cells", "Child", "ExemplarIds", "Move", "guard", "renew_lock"]

Cells = Union[list[float], "memoryview[float]"]

ExemplarIds = tuple[str, str] | Mapping[str, str]
"""Trace id and span id, in hexadecimal; prometheus_client's form `{"trace_id": …}` is taken too."""

GLOBAL_LOCK: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
"""False on a free-threaded interpreter: then only a child's own methods may write its cells."""

write_lock = threading.RLock()
_TRACE_ID = re.compile("[0-9a-fA-F]{32}")
_SPAN_ID = re.compile("[0-9a-fA-F]{16}")


class Child:
    """
    One series: where its numbers are, and what of them was counted by others before.
    """

    __slots__ = ("_exemplars", "base", "i", "labels", "m", "per_second", "width")

    additive = True

    def __init__(self, width: int) -> None:
        self.m: Cells = [0.0] * width
        self.i = 0
        self.width = width
        self.labels: tuple[tuple[str, str], ...] = ()
        # of the metric's own unit of time, for blocks that are timed
        self.per_second = 1.0
        # what the cells held when this process took them over from a dead one
        self.base = [0.0] * width
        self._exemplars: dict[int, tuple[ExemplarIds, float, float]] | None = None

    def values(self) -> tuple[float, ...]:
        """
        All that is in the cells.
        """
        return tuple(self.m[self.i : self.i + self.width])

    def own_values(self) -> tuple[float, ...]:
        """
        What this process alone has counted.
        """
        return tuple(map(sub, self.values(), self.base))

    def publish(self, totals: Sequence[float]) -> None:
        """
        Make this process's own part equal to totals that were counted elsewhere.
        """
        for place, total in enumerate(totals):
            self.m[self.i + place] = total + self.base[place]

    def take_in(self, other: Child) -> None:
        """
        Have another series of the same metric count here; for series that turn out to be one before serving.
        """
        for place, count in enumerate(other.values()):
            self.m[self.i + place] += count
        other.m, other.i = self.m, self.i

    def cells(self) -> tuple[float, ...]:
        """
        As a seat holds them: what adds up, and behind it what does not.
        """
        return self.values()

    def exemplars(self) -> tuple[Exemplar | None, ...]:
        """
        The last exemplar of each cell, or nothing at all if there is none.
        """
        kept = self._exemplars
        return tuple([_exemplar(kept.get(place)) for place in range(self.width)]) if kept else ()

    def _keep(self, place: int, ids: ExemplarIds, value: float) -> None:
        if self._exemplars is None:
            self._exemplars = {}
        self._exemplars[place] = (ids, value, time.time())

    def adopt(self, m: Cells, i: int) -> Move:
        """
        Count in these cells from now on, on top of what a dead worker has counted in them.
        """
        if self.additive:
            self.base = [base + found for base, found in zip(self.base, m[i : i + self.width], strict=True)]
        else:
            m[i] = 0.0
        return Move(self, m, i, [0.0] * self.width)

    def arrive(self) -> None:
        """
        Called with `write_lock` held, when `m` and `i` have become others: bring what does not add up.
        """

    def leave(self) -> None:
        """
        Count in a list of one's own from now on. What was counted stays where it is, and stays counted as one's own.
        """
        own = self.own_values()
        fresh = [0.0] * self.width if self.additive else list(self.values())
        self.base = [now - before for now, before in zip(fresh, own, strict=True)]
        self.m, self.i = fresh, 0

    def forget(self, keep_gauge: bool = False) -> None:
        """
        Start at zero in a list of one's own, as a forked child must: its parent counts in the old cells.
        """
        kept = list(self.values()) if keep_gauge and not self.additive else [0.0] * self.width
        self.base = [0.0] * self.width
        self.m, self.i = kept, 0
        self._exemplars = None

    def zero(self) -> None:
        """
        Empty the cells, whatever they hold.
        """
        for place in range(self.width):
            self.m[self.i + place] = 0.0
        self.base = [0.0] * self.width
        self._exemplars = None


class Move:
    """
    A change of cells under threads that go on counting.

    Whoever had looked up the old cells just before may still write to them, so the old cells are
    looked at again later: what was added since is carried over then.

    Args:
        carried: What the new cells hold of the old ones' numbers already.
    """

    def __init__(self, child: Child, m: Cells, i: int, carried: list[float]) -> None:
        self._child, self._carried = child, carried
        with write_lock:
            self._m, self._i = child.m, child.i
            child.m, child.i = m, i
            child.arrive()
        self.carry()

    def carry(self) -> None:
        """
        Bring over what came into the old cells since the last look.
        """
        m, i = self._child.m, self._child.i
        for place, seen in enumerate(self._carried):
            now = self._m[self._i + place]
            # NaN differs from itself: a gauge that was NaN and still is has not changed
            if now == seen or (now != now and seen != seen):
                continue
            self._carried[place] = now
            here, difference = i + place, now - seen
            with write_lock:
                if difference - difference == 0.0:
                    m[here] += difference
                else:
                    m[here] = now


def _exemplar(kept: tuple[ExemplarIds, float, float] | None) -> Exemplar | None:
    if kept is None:
        return None
    ids, value, moment = kept
    trace_id, span_id = ids if isinstance(ids, tuple) else (ids.get("trace_id", ""), ids.get("span_id", ""))
    # anything but ids leads nowhere, and nobody has looked at what it says
    if not (_TRACE_ID.fullmatch(str(trace_id)) and _SPAN_ID.fullmatch(str(span_id))):
        return None
    return Exemplar(str(trace_id), str(span_id), value, moment)


def guard(kind: type[Any], *names: str) -> None:
    """
    Put `write_lock` round methods that read and store a cell.
    """
    for name in names:
        setattr(kind, name, _guarded(getattr(kind, name)))


def _guarded(method: Callable[..., None]) -> Callable[..., None]:
    def run(*args: Any, **named: Any) -> None:
        with write_lock:
            method(*args, **named)

    return run


def renew_lock() -> None:
    """
    A forked child can't wait for a lock that a thread of its parent held.
    """
    global write_lock
    write_lock = threading.RLock()
