"""
Adding up seats that are lists.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from otel_kit.catalogue import Declaration
from otel_kit.ledger.keylog import Row
from otel_kit.ledger.merge import Merge

EVENTS = Declaration("counter", "events_total", "Events.", ("x",))
SIZES = Declaration("histogram", "sizes", "Sizes.", ("x",), (1.0,))
LEVEL = Declaration("gauge", "level", "Level.")
LOWEST = Declaration("gauge", "lowest", "Lowest.", merge="min")


@dataclass
class Sheet:
    """
    A seat without files.
    """

    values: list[float]
    rows: list[Row] = field(default_factory=list)
    alive: bool = True

    def is_alive(self) -> bool:
        return self.alive

    def read(self) -> list[float]:
        return list(self.values)


def nobody(name: str) -> None:
    """
    No declarations of one's own.
    """


def shown(merge: Merge, declaration: Declaration, homeless: list[tuple[Row, list[float]]] | None = None) -> object:
    """
    Values of one metric by key.
    """
    totals = merge.totals(homeless or [])
    return {series.key: series.values for series in merge.series(declaration.schema, totals, {})}


def test_rows_may_stand_anywhere() -> None:
    """
    Seats agree on keys, not on slots.
    """
    one = Sheet([1, 2, 3, 4], [Row(0, EVENTS, ("a",)), Row(1, SIZES, ("a",))])
    two = Sheet([10, 20, 30, 40], [Row(1, SIZES, ("a",)), Row(0, EVENTS, ("b",))])

    assert {("a",): (1.0,), ("b",): (10.0,)} == shown(Merge([one, two], nobody), EVENTS)
    assert {("a",): (22.0, 33.0, 44.0)} == shown(Merge([one, two], nobody), SIZES)


def test_extremes_are_picked_from_the_living_and_the_dead() -> None:
    """
    A seat that does not have the series, or nothing in it, has no part in it.
    """
    kept = Declaration("histogram", "sizes", "Sizes.", ("x",), (1.0,), extremes=True)
    one = Sheet([9, 0.5, 1, 0, 0.5, 0.5], [Row(1, kept, ("a",))])
    two = Sheet([3, 0, 1, 3, 3], [Row(0, kept, ("a",))], alive=False)
    fresh = Sheet([*kept.empty, *kept.empty], [Row(0, kept, ("a",)), Row(5, kept, ("b",))])
    merge = Merge([one, two, fresh, Sheet([])], nobody)
    totals = merge.totals([(Row(0, kept, ("a",)), [2.0, 0.0, 1.0, 2.0, 2.0])])

    assert [(("a",), (5.5, 1.0, 2.0), (0.5, 3.0)), (("b",), (0.0, 0.0, 0.0), None)] == [
        (series.key, series.values, series.extremes) for series in merge.series(kept.schema, totals, {})
    ]


def test_plan_grows_with_new_rows() -> None:
    """
    Series that appear between two scrapes are in the second, in any seat.
    """
    one, two = Sheet([1.0], [Row(0, EVENTS, ("a",))]), Sheet([])
    merge = Merge([one, two], nobody)
    first = shown(merge, EVENTS)
    two.rows.append(Row(0, EVENTS, ("b",)))
    two.values = [5.0]
    second = shown(merge, EVENTS)
    one.rows.append(Row(1, EVENTS, ("b",)))
    one.values = [1.0, 2.0]

    assert {("a",): (1.0,)} == first
    assert {("a",): (1.0,), ("b",): (5.0,)} == second
    assert {("a",): (1.0,), ("b",): (7.0,)} == shown(merge, EVENTS)


def test_dead_seats_count_but_their_gauges_do_not() -> None:
    """
    Life may end between two scrapes.
    """
    sheet = Sheet([3.0, 4.0], [Row(0, EVENTS, ("a",)), Row(1, LEVEL, ())])
    merge = Merge([sheet], nobody)
    before = shown(merge, LEVEL)
    sheet.alive = False

    assert {(): (4.0,)} == before
    assert {(): (0.0,)} == shown(merge, LEVEL)
    assert {("a",): (3.0,)} == shown(merge, EVENTS)


def test_lowest_skips_what_was_never_set() -> None:
    """
    NaN stands for a seat whose owner has set nothing.
    """
    sheets = [Sheet([value], [Row(0, LOWEST, ())]) for value in (5.0, 3.0, math.nan)]

    assert {(): (3.0,)} == shown(Merge(sheets, nobody), LOWEST)


def test_series_without_a_seat_are_added() -> None:
    """
    Counts in memory belong to the total.
    """
    sheet = Sheet([3.0], [Row(0, EVENTS, ("a",))])
    homeless = [(Row(0, EVENTS, ("a",)), [1.0]), (Row(0, EVENTS, ("b",)), [2.0]), (Row(0, LOWEST, ()), [7.0])]

    assert {("a",): (4.0,), ("b",): (2.0,)} == shown(Merge([sheet], nobody), EVENTS, homeless)
    assert {(): (7.0,)} == shown(Merge([sheet], nobody), LOWEST, homeless)


def test_unlike_numbers_are_left_out() -> None:
    """
    The asking process's own declaration decides what a name means.
    """
    other = Declaration("histogram", "sizes", "Sizes.", ("x",), (2.0,))
    sheet = Sheet([1, 2, 3, 4, 5, 6], [Row(0, other, ("a",)), Row(3, SIZES, ("a",))])
    merge = Merge([sheet], lambda name: SIZES)

    assert {} == shown(merge, other)
    assert {("a",): (4.0, 5.0, 6.0)} == shown(merge, SIZES)


def test_overflow_series_has_its_label() -> None:
    """
    The empty key of a metric with labels stands for all refused series.
    """
    merge = Merge([Sheet([3.0], [Row(0, EVENTS, ())])], nobody)

    assert (("otel_metric_overflow", "true"),) == merge.series(EVENTS.schema, merge.totals([]), {})[0].labels
