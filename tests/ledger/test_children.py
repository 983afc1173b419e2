"""
What a count does to the cells, and which numbers are refused.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from otel_kit.catalogue import Declaration
from otel_kit.faults import counts
from otel_kit.ledger.cells import guard
from otel_kit.ledger.children import CounterChild, GaugeChild, HistogramChild, SummaryChild
from otel_kit.ledger.family import make_child
from otel_kit.ledger.snapshot import Exemplar

IDS = ("a" * 32, "b" * 16)


@pytest.mark.parametrize("amount", [-1, -0.5, math.nan, math.inf])
def test_counter_refuses_what_would_spoil_it(amount: float) -> None:
    """
    A counter never falls, and is never NaN or infinite.
    """
    child = CounterChild(1)

    with pytest.raises(ValueError, match="increased"):
        child.inc(amount)

    assert (0.0,) == child.values()


@pytest.mark.parametrize("amount", [2, True, Decimal(2), 2.0])
def test_amounts_become_floats(amount: float) -> None:
    """
    Any number is taken, and stored as a float.
    """
    child = CounterChild(1)
    child.inc(amount)

    assert float is type(child.values()[0])


def test_counter_may_be_counted_in_place() -> None:
    """
    `m` and `i` are the hot path of callers that can't afford a call.
    """
    child = CounterChild(1)
    child.m[child.i] += 1.0

    assert (1.0,) == child.values()


@pytest.mark.parametrize(
    ("value", "cells"),
    [
        (0.5, (0.5, 1, 0, 0)),
        (1.0, (1.0, 1, 0, 0)),
        (1.5, (1.5, 0, 1, 0)),
        (9.0, (9.0, 0, 0, 1)),
        (-1.0, (-1.0, 1, 0, 0)),
    ],
)
def test_observation_falls_into_its_bucket(value: float, cells: tuple[float, ...]) -> None:
    """
    A bound belongs to its bucket.
    """
    child = HistogramChild(4, (1.0, 2.0))
    child.observe(value)

    assert cells == child.values()


@pytest.mark.parametrize(
    ("value", "cells"), [(math.nan, (0, 0, 0, 0)), (math.inf, (0, 0, 0, 1)), (-math.inf, (0, 1, 0, 0))]
)
def test_histogram_is_not_spoilt_by_odd_numbers(value: float, cells: tuple[float, ...]) -> None:
    """
    The sum stays finite, and each such observation is a counted fault.
    """
    before, child = counts().get("ledger", 0), HistogramChild(4, (1.0, 2.0))
    child.observe(value)

    assert cells == child.values()
    assert before + 1 == counts()["ledger"]


def test_summary_is_not_spoilt_by_odd_numbers() -> None:
    """
    NaN and infinity are left out.
    """
    child = SummaryChild(2)
    for value in (1, math.nan, math.inf):
        child.observe(value)

    assert (1.0, 1.0) == child.values()


def test_gauge_takes_any_number() -> None:
    """
    A gauge may be NaN, and recovers.
    """
    child = GaugeChild(1)
    child.set(math.nan)
    child.set(3)
    child.dec(1)

    assert (2.0,) == child.values()


def test_exemplar_belongs_to_the_bucket_it_fell_into() -> None:
    """
    Places of exemplars are those of values.
    """
    child = HistogramChild(4, (1.0, 2.0))
    child.observe(1.5, IDS)
    first, second, third, fourth = child.exemplars()

    assert (None, None, None) == (first, second, fourth)
    assert isinstance(third, Exemplar)
    assert (*IDS, 1.5) == third[:3]


def test_exemplar_in_prometheus_clients_form() -> None:
    """
    A mapping of labels is read for its ids.
    """
    child = CounterChild(1)
    child.inc(2, {"trace_id": IDS[0], "span_id": IDS[1]})

    assert [(*IDS, 2.0)] == [exemplar[:3] for exemplar in child.exemplars() if exemplar is not None]


def test_no_exemplar_costs_no_place() -> None:
    """
    Without exemplars there is nothing to show.
    """
    assert () == CounterChild(1).exemplars()


@pytest.mark.parametrize("kind", ["counter", "gauge", "summary"])
def test_each_kind_has_its_child(kind: str) -> None:
    """
    A declaration knows which cells it needs.
    """
    declaration = Declaration(kind, "x_total", "Help.")  # type: ignore[arg-type]

    assert declaration.width == len(make_child(declaration).values())


def test_guarded_methods_do_the_same() -> None:
    """
    Without a global interpreter lock, counting takes one of our own.
    """

    class Guarded(CounterChild):
        """
        As on a free-threaded interpreter.
        """

    guard(Guarded, "inc")
    child = Guarded(1)
    child.inc(2, exemplar=IDS)

    assert (2.0,) == child.values()


@pytest.mark.parametrize("ids", [("ghp_16C7e42F292c6912", IDS[1]), {"user": "jo"}, (IDS[0], None), ("é" * 32, IDS[1])])
def test_an_exemplar_that_leads_to_no_trace_is_left_out(ids: Any) -> None:
    """
    Only ids are shown: nobody has looked at what else somebody passes.
    """
    child = CounterChild(1)
    child.inc(1, ids)

    assert (None,) == child.exemplars()
