"""
Adding up seats.

Owns the plan of a merge: one long vector of totals, and for each seat which slot goes where. The
plan grows with new series; adding up itself runs at the speed of C. Knows nothing of files.

Counters, histograms and summaries of dead workers count, their gauges do not. Some numbers are no sums
but picked: certain gauges, and the extremes of histograms. Numbers whose declarations differ, as after a
change of buckets, are never brought together: the process that is asked shows its own kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import add, itemgetter
from typing import NamedTuple, Protocol

from otel_kit.catalogue import Declaration
from otel_kit.ledger.cells import Child
from otel_kit.ledger.family import label_pairs
from otel_kit.ledger.keylog import Row
from otel_kit.ledger.snapshot import Exemplar, Series

__all__ = ["Merge", "Source"]

NOWHERE = -1
"""Slot of a series that a seat does not have: the last number of what is read, which is always 0."""


class Source(Protocol):
    """
    A seat, one's own or another's.
    """

    @property
    def rows(self) -> list[Row]:
        """
        Its series; the list only grows.
        """

    def is_alive(self) -> bool:
        """
        Whether a worker sits there.
        """

    def read(self) -> list[float]:
        """
        Its slots.
        """


class Pick(NamedTuple):
    """
    How one of several numbers is chosen, where they are no parts of a sum.
    """

    choose: Callable[..., float]
    """`min` or `max`."""
    of_dead: bool
    """Whether the numbers of dead workers count."""
    nothing: float
    """What is shown if there is none."""


Sheet = tuple[list[float], dict[int, int], bool]
"""What is read of a seat, which slots hold numbers to be picked, and whether somebody sits there."""

SMALLEST = Pick(min, of_dead=True, nothing=math.inf)
LARGEST = Pick(max, of_dead=True, nothing=-math.inf)


class Line:
    """
    The series of one metric, and where their totals stand.
    """

    __slots__ = ("declaration", "places")

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration
        self.places: list[tuple[tuple[str, ...], tuple[tuple[str, str], ...], int]] = []


class Merge:
    """
    A plan for a set of seats. It is made anew when a seat leaves the set, or a metric is declared.

    Args:
        declared: The declaration that this process has for a name, None if it has none. Series of the
            same name that are declared otherwise are left out.
    """

    def __init__(self, sources: Sequence[Source], declared: Callable[[str], Declaration | None]) -> None:
        self.sources = sources
        self.lines: dict[tuple[object, ...], Line] = {}
        self._declared = declared
        self._size = 0
        self._places: dict[tuple[tuple[object, ...], tuple[str, ...]], int] = {}
        self._picks: dict[int, Pick] = {}
        self._shares = [Share(source) for source in sources]

    def totals(self, homeless: Iterable[tuple[Row, Sequence[float]]]) -> tuple[float, ...]:
        """
        The vector of totals as it is now.

        Args:
            homeless: Series of this process that have found no seat, and their values.
        """
        for share in self._shares:
            share.learn(self._place)
        extra = [(self._place(row), values) for row, values in homeless]
        live = [(share, share.source.is_alive()) for share in self._shares]
        totals = [0.0] * self._width()
        for share, alive in live:
            totals = list(map(add, totals, share.contribution(self._width(), alive)))
        loose = self._add_loose(extra, totals)
        self._pick([(share.values, share.picked, alive) for share, alive in live], loose, totals)
        return tuple(totals)

    def _add_loose(self, extra: list[tuple[int, Sequence[float]]], totals: list[float]) -> dict[int, list[float]]:
        """
        Add the numbers that stand in no seat; those that are no parts of a sum are returned by their place.
        """
        loose: dict[int, list[float]] = {}
        for place, values in extra:
            for here, value in enumerate(values if place != NOWHERE else (), place):
                if here in self._picks:
                    loose.setdefault(here, []).append(value)
                else:
                    totals[here] += value
        return loose

    def _pick(self, sheets: list[Sheet], loose: dict[int, list[float]], totals: list[float]) -> None:
        for place, (choose, of_dead, nothing) in self._picks.items():
            found = [values[slots[place]] for values, slots, alive in sheets if place in slots and (alive or of_dead)]
            found += loose.get(place, ())
            # NaN differs from itself: it stands for a seat whose owner has set nothing
            totals[place] = choose([value for value in found if value == value], default=nothing)

    def series(
        self, schema: tuple[object, ...], totals: tuple[float, ...], children: Mapping[tuple[str, ...], Child]
    ) -> list[Series]:
        """
        The series of one metric, with numbers out of the totals.

        Args:
            children: This process's own, for the exemplars: those stay where they were made.
        """
        line = self.lines.get(schema)
        if line is None:
            return []
        width, new = line.declaration.summed, tuple.__new__
        if line.declaration.extremes:
            return list(_series_with_extremes(line, totals, children))
        if line.declaration.merge != "sum":
            # NaN: no living worker has it
            places = [one for one in line.places if one[2] < len(totals) and totals[one[2]] == totals[one[2]]]
        else:
            places = line.places
        return [
            # what Series(…) does, at half the price
            new(Series, (labels, totals[place : place + width], _exemplars(children.get(key)), key, None))
            for key, labels, place in places
            if place + width <= len(totals)
        ]

    def _width(self) -> int:
        # itemgetter of a single place gives no tuple
        return self._size + 2

    def _place(self, row: Row) -> int:
        declaration = row.declaration
        place = self._places.get((declaration.schema, row.key))
        return self._add(row) if place is None else place

    def _add(self, row: Row) -> int:
        declaration = row.declaration
        line = self.lines.get(declaration.schema)
        if line is None:
            known = self._declared(declaration.name) or declaration
            if known.schema != declaration.schema:
                return NOWHERE
            line = self.lines[declaration.schema] = Line(known)
        place = self._places[declaration.schema, row.key] = self._size
        self._size += declaration.width
        line.places.append((row.key, label_pairs(declaration, row.key), place))
        self._picks.update((place + offset, pick) for offset, pick in _picks_of(declaration))
        return place


class Share:
    """
    What one seat gives to the totals.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.values: list[float] = []
        self.picked: dict[int, int] = {}
        """Slots of what is not added, by their place in the totals."""
        self._known = 0
        self._slots: dict[bool, list[int]] = {True: [], False: []}
        self._getters: dict[bool, Callable[[list[float]], tuple[float, ...]]] = {}

    def learn(self, place_of: Callable[[Row], int]) -> None:
        """
        Take in the series that are new.
        """
        rows = self.source.rows
        for row in rows[self._known :]:
            self._learn_row(row, place_of(row))
            self._getters = {}
        self._known = len(rows)

    def _learn_row(self, row: Row, place: int) -> None:
        if place == NOWHERE:
            return
        declaration = row.declaration
        self.picked.update((place + offset, row.slot + offset) for offset, _ in _picks_of(declaration))
        if declaration.merge != "sum":
            return
        width = declaration.summed
        for slots in (self._slots[True],) if declaration.kind == "gauge" else self._slots.values():
            slots.extend([NOWHERE] * (place + width - len(slots)))
            slots[place : place + width] = range(row.slot, row.slot + width)

    def contribution(self, width: int, alive: bool) -> tuple[float, ...]:
        """
        One number for each place of the totals.
        """
        slots = self._slots[alive]
        getter = self._getters.get(alive)
        if getter is None or len(slots) < width:
            slots.extend([NOWHERE] * (width - len(slots)))
            getter = self._getters[alive] = itemgetter(*slots)
        self.values = [*self.source.read(), 0.0]
        return getter(self.values)


def _exemplars(child: Child | None) -> tuple[Exemplar | None, ...]:
    return () if child is None else child.exemplars()


def _series_with_extremes(
    line: Line, totals: tuple[float, ...], children: Mapping[tuple[str, ...], Child]
) -> Iterator[Series]:
    width = line.declaration.summed
    for key, labels, place in line.places:
        end = place + width
        if end + 2 <= len(totals):
            low, high = totals[end : end + 2]
            found = (low, high) if low <= high else None
            yield Series(labels, totals[place:end], _exemplars(children.get(key)), key, found)


def _picks_of(declaration: Declaration) -> tuple[tuple[int, Pick], ...]:
    """
    Which numbers of a series are no sums.
    """
    if declaration.merge != "sum":
        return ((0, Pick(max if declaration.merge == "max" else min, of_dead=False, nothing=math.nan)),)
    if declaration.extremes:
        end = declaration.summed
        return ((end, SMALLEST), (end + 1, LARGEST))
    return ()
