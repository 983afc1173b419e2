"""
What a histogram with extremes, and a derived gauge, are over OTLP.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_kit.derived import Derived, Share
from otel_kit.ledger import Counter, Gauge, Histogram, Ledger, Registry, Summary
from otel_kit.telemetry.ledger_points import LedgerPoints
from otel_kit.telemetry.metric_batches import batches_of, encode_batches

BOUNDS = (1.0, 10.0)
OBSERVED = (5.0, -3.0, 12.0)
SCOPE = InstrumentationScope("otel_kit")


@pytest.fixture
def ledger() -> Ledger:
    """
    Of this test alone.
    """
    return Ledger(Registry())


def took(ledger: Ledger, *labels: str, extremes: bool = True) -> Histogram:
    """
    A histogram, by default with extremes.
    """
    return Histogram("took", "Took.", labels, buckets=BOUNDS, extremes=extremes, registry=ledger.registry)


def sent(points: LedgerPoints, name: str) -> Any:
    """
    The metric of this name, as it is read from the bytes that are sent.
    """
    metrics = [(SCOPE, metric) for metric in points.read() if metric.name == name]
    data, lost = encode_batches(batches_of(Resource({}), metrics))
    assert 0 == lost
    (group,) = ExportMetricsServiceRequest.FromString(data).resource_metrics
    return group.scope_metrics[0].metrics[0]


def fields(point: Any) -> list[str]:
    """
    Names of what a point has of the two.
    """
    return [name for name in ("min", "max") if point.HasField(name)]


def test_extremes_leave_with_the_point(ledger: Ledger) -> None:
    """
    Cumulatively, since the process began.
    """
    points, histogram = LedgerPoints(ledger), took(ledger)
    for value in OBSERVED:
        histogram.observe(value)
    sent(points, "took")
    histogram.observe(4.0)
    (point,) = sent(points, "took").histogram.data_points

    assert (-3.0, 12.0, 4, 18.0, [1, 2, 1]) == (point.min, point.max, point.count, point.sum, [*point.bucket_counts])


def test_point_is_that_of_the_sdk(ledger: Ledger) -> None:
    """
    An SDK histogram with the same observations gives the same bytes, times apart.
    """
    reader = InMemoryMetricReader()
    view = View(instrument_name="took", aggregation=ExplicitBucketHistogramAggregation(BOUNDS))
    provider = MeterProvider([reader], views=[view], shutdown_on_exit=False)
    theirs, ours = provider.get_meter("m").create_histogram("took"), took(ledger, "x")
    # the SDK's refuse negative ones
    for value in map(abs, OBSERVED):
        theirs.record(value, {"x": "a"})
        ours.labels("a").observe(value)
    data: Any = reader.get_metrics_data()
    metric = data.resource_metrics[0].scope_metrics[0].metrics[0]
    encoded, _ = encode_batches(batches_of(Resource({}), [(SCOPE, metric)]))
    expected = ExportMetricsServiceRequest.FromString(encoded).resource_metrics[0].scope_metrics[0].metrics[0]
    found = sent(LedgerPoints(ledger), "took")
    for point in (found.histogram.data_points[0], expected.histogram.data_points[0]):
        point.ClearField("start_time_unix_nano")
        point.ClearField("time_unix_nano")
    expected.description, expected.unit = "Took.", ""

    assert expected.SerializeToString(deterministic=True) == found.SerializeToString(deterministic=True)


def test_empty_series_has_none(ledger: Ledger) -> None:
    """
    Zero would be an observation.
    """
    took(ledger)
    (point,) = sent(LedgerPoints(ledger), "took").histogram.data_points

    assert ([], 0) == (fields(point), point.count)


@pytest.mark.parametrize(("delta", "extremes"), [(True, True), (False, False), (True, False)])
def test_left_out_in_delta_and_where_not_kept(ledger: Ledger, delta: bool, extremes: bool) -> None:
    """
    The smallest since the start is not the smallest since the last reading.
    """
    points, histogram = LedgerPoints(ledger, delta), took(ledger, extremes=extremes)
    histogram.observe(5.0)
    (point,) = sent(points, "took").histogram.data_points

    assert ([], 1) == (fields(point), point.count)


def test_derived_gauge_is_of_this_process(tmp_path: Path) -> None:
    """
    Each worker sends the share of what it has counted itself.
    """
    one, other = share_of(4, 1, tmp_path), share_of(4, 3, tmp_path)
    shares = [sent(LedgerPoints(ledger), "percent").gauge.data_points[0].as_double for ledger in (one, other)]
    total = next(family.series for family in one.snapshot() if family.declaration.name == "percent")[0].values

    assert ([25.0, 75.0], (50.0,)) == (shares, total)
    one.close()
    other.close()


def share_of(served: int, failed: int, directory: Path) -> Ledger:
    """
    A worker that has served so many.
    """
    ledger = Ledger(Registry())
    part, whole = Counter("f", "F.", registry=ledger.registry), Counter("s", "S.", registry=ledger.registry)
    Derived([Share(Gauge("percent", "Percent.", registry=ledger.registry), part, whole)], ledger)
    ledger.attach(group="g", directory=str(directory))
    whole.inc(served)
    part.inc(failed)
    return ledger


@pytest.mark.parametrize(("delta", "grows"), [(False, False), (True, True)])
def test_the_parts_of_a_summary_keep_their_names(ledger: Ledger, delta: bool, grows: bool) -> None:
    """
    Prometheus would append `_total` to a running total that only grows; a difference it doesn't take at all.
    """
    Summary("sizes_bytes", "Sizes.", registry=ledger.registry).observe(3)
    points = LedgerPoints(ledger, delta=delta)

    assert [grows, grows] == [
        metric.data.is_monotonic for metric in points.read() if metric.name in ("sizes_bytes_sum", "sizes_bytes_count")
    ]
