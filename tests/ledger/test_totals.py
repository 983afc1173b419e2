"""
The document of all metrics.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from otel_kit.catalogue import Declaration
from otel_kit.ledger import Counter, Gauge, Histogram, Ledger, Registry, Summary
from otel_kit.ledger.snapshot import FamilySnapshot, Series
from otel_kit.ledger.totals import totals

from .conftest import Worker


def told(registry: Registry, name: str) -> Any:
    """
    What the document says of one metric, as JSON carries it.
    """
    return json.loads(json.dumps(totals(Ledger(registry).snapshot()), allow_nan=False))[name]


def test_counter_is_the_sum_of_its_series(registry: Registry) -> None:
    """
    Those that found no room included.
    """
    counter = Counter("orders", "Orders.", ["status"], registry=registry, max_series=2)
    for status in ("paid", "open", "lost"):
        counter.labels(status).inc(1.5)

    assert {"type": "counter", "value": 4.5} == told(registry, "orders_total")


def test_metric_without_series_has_counted_nothing(registry: Registry) -> None:
    """
    Documented metrics are in the document from the start.
    """
    Counter("orders", "Orders.", ["status"], registry=registry)
    Histogram("took", "Took.", ["x"], extremes=True, registry=registry)

    assert {"type": "counter", "value": 0} == told(registry, "orders_total")
    assert {
        "type": "histogram",
        "stats": {"sum": 0, "count": 0, "mean": 0, "min": 0, "max": 0},
    } == told(registry, "took")


@pytest.mark.parametrize(("mode", "value"), [("sum", 7), ("max", 5), ("min", 2)])
def test_gauge_goes_by_its_merge(registry: Registry, mode: str, value: float) -> None:
    """
    Over labels as over workers: a sum, or the largest or smallest.
    """
    gauge = Gauge("level", "Level.", ["tank"], registry=registry, multiprocess_mode=mode)
    gauge.labels("a").set(5)
    gauge.labels("b").set(2)

    assert {"type": "gauge", "value": value} == told(registry, "level")


def test_smallest_of_no_series_is_not_known(registry: Registry) -> None:
    """
    0 would say that something is unhealthy.
    """
    Gauge("level", "Level.", ["tank"], registry=registry, multiprocess_mode="min")

    assert {"type": "gauge", "value": None} == told(registry, "level")


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_json_can_not_hold_is_null(registry: Registry, odd: float) -> None:
    """
    Never NaN, never Infinity: no parser of a browser takes them.
    """
    Gauge("level", "Level.", registry=registry).set(odd)

    assert {"type": "gauge", "value": None} == told(registry, "level")


def test_sum_that_is_too_large_is_null(registry: Registry) -> None:
    """
    Finite numbers may add up to an infinite one.
    """
    histogram = Histogram("took", "Took.", extremes=True, registry=registry)
    histogram.observe(1.7e308)
    histogram.observe(1.7e308)

    assert {"sum": None, "count": 2, "mean": None, "min": 1.7e308, "max": 1.7e308} == told(registry, "took")["stats"]


def test_histogram_over_all_its_series(registry: Registry) -> None:
    """
    Raw values and buckets are not in it.
    """
    histogram = Histogram("took", "Took.", ["x"], extremes=True, registry=registry)
    histogram.labels("a").observe(1)
    histogram.labels("b").observe(4)
    histogram.labels("b").observe(7)
    histogram.labels("c")

    assert {
        "type": "histogram",
        "stats": {"sum": 12, "count": 3, "mean": 4, "min": 1, "max": 7},
    } == told(registry, "took")


def test_extremes_that_are_not_kept_are_null(registry: Registry) -> None:
    """
    A bound of a bucket would be a guess.
    """
    Histogram("took", "Took.", registry=registry).observe(0.5)

    assert {"sum": 0.5, "count": 1, "mean": 0.5, "min": None, "max": None} == told(registry, "took")["stats"]


def test_histogram_of_infinite_observations_alone(registry: Registry) -> None:
    """
    They are counted, but there is nothing finite to tell.
    """
    Histogram("took", "Took.", extremes=True, registry=registry).observe(math.inf)

    assert {"sum": 0, "count": 1, "mean": 0, "min": None, "max": None} == told(registry, "took")["stats"]


def test_summary(registry: Registry) -> None:
    """
    A histogram without buckets, and without extremes.
    """
    summary = Summary("size", "Size.", registry=registry)
    summary.observe(1)
    summary.observe(2)

    assert {"type": "summary", "stats": {"sum": 3, "count": 2, "mean": 1.5}} == told(registry, "size")


@pytest.mark.parametrize(("value", "text"), [(3.0, "3"), (0.5, "0.5"), (1e300, "1e+300"), (-(2.0**53), str(-(2**53)))])
def test_whole_numbers_have_no_fraction(registry: Registry, value: float, text: str) -> None:
    """
    As on the page, as long as a float tells them apart.
    """
    Gauge("level", "Level.", registry=registry).set(value)

    assert f'"value": {text}}}' in json.dumps(totals(Ledger(registry).snapshot())["level"])


def test_totals_are_those_of_all_workers(worker: Callable[[], Worker]) -> None:
    """
    Of a snapshot of all, the document is of all.
    """
    one, other = worker(), worker()
    for each, value in ((one, 1.0), (other, 9.0)):
        each.orders.labels("paid").inc()
        Histogram("took", "Took.", extremes=True, registry=each.registry).observe(value)
    found = totals(one.ledger.snapshot())

    assert 2 == found["orders_total"]["value"]
    assert {"sum": 10, "count": 2, "mean": 5, "min": 1, "max": 9} == found["took"]["stats"]


def test_two_metrics_of_one_name(registry: Registry) -> None:
    """
    As other libraries may have: of one kind they are one; of another kind the first is shown.
    """
    rows = Declaration("counter", "rows_total", "Rows.", ("table",))
    more = Declaration("counter", "rows_total", "Rows.", ("file",))
    odd = Declaration("gauge", "rows_total", "Rows.")
    families = [
        FamilySnapshot(declaration, [Series((), (value,))])
        for declaration, value in ((rows, 1.0), (more, 2.0), (odd, 9.0))
    ]

    assert {"rows_total": {"type": "counter", "value": 3}} == totals(families)
