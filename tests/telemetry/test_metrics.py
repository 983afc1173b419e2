"""
Metrics over OTLP: the ledger's series and other libraries' instruments in one request.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_kit.environment.model import QueueLimits, Signal
from otel_kit.ledger import Counter, Gauge, Histogram, Ledger, Summary
from otel_kit.ledger.registry import Registry
from otel_kit.redaction import Policy
from otel_kit.telemetry import metric_batches
from otel_kit.telemetry.accounts import Accounts
from otel_kit.telemetry.ledger_points import LedgerPoints
from otel_kit.telemetry.metric_batches import encode_batches
from otel_kit.telemetry.metrics import MetricExport, OtlpMetricReader
from otel_kit.telemetry.outage import Outages
from otel_kit.telemetry.queue import ExportQueue
from otel_kit.telemetry.sender import OtlpHttpSender
from tests.otlp_receiver import OtlpReceiver, attributes_of

RESOURCE = Resource({"service.name": "orders"})
SCOPE = InstrumentationScope("otel_kit")
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Exporting:
    """A ledger, a provider and a receiver with the export between them."""

    def __init__(self, receiver: OtlpReceiver, delta: bool = False, **changed: Any) -> None:
        self.receiver = receiver
        self.registry = Registry()
        self.ledger = Ledger(self.registry)
        self.reader = OtlpMetricReader("delta" if delta else "cumulative")
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False)
        self.meter = self.provider.get_meter("library")
        sender = OtlpHttpSender(Signal(endpoint=f"{receiver.url}/v1/metrics"), encode_batches)
        limits = QueueLimits(max_items=64, batch_items=1, delay_seconds=0.0)
        self.queue = ExportQueue(sender, Accounts("metrics", published=False), Outages(), limits, 5.0)
        settings: dict[str, Any] = {"policy": Policy(), "interval_seconds": 60.0, "timeout_seconds": 5.0, **changed}
        self.export = MetricExport(
            self.queue.offer,
            [self.queue],
            LedgerPoints(self.ledger, delta),
            lambda: RESOURCE,
            reader=self.reader,
            **settings,
        )

    def flush(self, seconds: float = 5.0) -> bool:
        deadline = time.monotonic() + seconds
        collected = self.export.wait(self.export.ask(), deadline)
        return self.queue.flush(deadline) and collected

    def send(self, name: str) -> Any:
        assert self.flush()
        return self.receiver.metric(name)


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as running:
        yield running


@pytest.fixture
def make(receiver: OtlpReceiver) -> Iterator[Callable[..., Exporting]]:
    made: list[Exporting] = []

    def build(**changed: Any) -> Exporting:
        made.append(Exporting(receiver, **changed))
        return made[-1]

    yield build
    for exporting in made:
        exporting.queue.abandon()


def test_counter_is_a_monotonic_sum_under_its_own_name(make: Any) -> None:
    """
    A counter leaves with `_total`, without a unit, from the ledger's start on.
    """
    exporting = make()
    Counter("orders_total", "Orders.", ["status"], registry=exporting.registry).labels("paid").inc(3)

    metric = exporting.send("orders_total")

    point = metric.sum.data_points[0]
    assert (3.0, {"status": "paid"}, True, 2, "", int(exporting.ledger.start_time * 1e9)) == (
        point.as_double,
        attributes_of(point),
        metric.sum.is_monotonic,
        metric.sum.aggregation_temporality,
        metric.unit,
        point.start_time_unix_nano,
    )


def test_gauge(make: Any) -> None:
    """
    A gauge is a gauge.
    """
    exporting = make()
    Gauge("depth", "Depth.", registry=exporting.registry).set(-2.5)

    assert -2.5 == exporting.send("depth").gauge.data_points[0].as_double


def test_histogram_with_exemplar(make: Any) -> None:
    """
    Buckets, sum, count and the exemplar of a histogram arrive; the exemplar leads to its trace.
    """
    exporting = make()
    histogram = Histogram("took_seconds", "Time.", buckets=(0.1, 1.0), registry=exporting.registry)
    for value in (0.05, 0.5, 5.0):
        histogram.observe(value, (TRACE, SPAN))

    point = exporting.send("took_seconds").histogram.data_points[0]

    assert ([1, 1, 1], [0.1, 1.0], 3, 5.55, {TRACE}, False) == (
        list(point.bucket_counts),
        list(point.explicit_bounds),
        point.count,
        round(point.sum, 6),
        {exemplar.trace_id.hex() for exemplar in point.exemplars},
        point.HasField("min"),
    )


def test_summary_is_two_sums(make: Any) -> None:
    """
    A summary leaves as its sum and its count.
    """
    exporting = make()
    Summary("size_bytes", "Size.", registry=exporting.registry).observe(40)
    exporting.flush()

    values = [
        exporting.receiver.metric(name).sum.data_points[0].as_double for name in ("size_bytes_sum", "size_bytes_count")
    ]
    assert [40.0, 1.0] == values


def test_overflow_series_has_opentelemetrys_name(make: Any) -> None:
    """
    What found no room is one series marked `otel.metric.overflow`.
    """
    exporting = make()
    counter = Counter("many_total", "Many.", ["n"], registry=exporting.registry, max_series=2)
    for number in range(5):
        counter.labels(str(number)).inc()

    points = exporting.send("many_total").sum.data_points

    assert 1 == sum(attributes_of(point).get("otel.metric.overflow") is True for point in points)


def test_delta_says_what_is_new(make: Any) -> None:
    """
    With delta temporality the second collection holds only what came since the first.
    """
    exporting = make(delta=True)
    counter = Counter("orders_total", "Orders.", registry=exporting.registry)
    counter.inc(3)
    exporting.flush()
    counter.inc(2)

    metric = exporting.send("orders_total")

    assert (2.0, 1) == (metric.sum.data_points[0].as_double, metric.sum.aggregation_temporality)


def test_instruments_of_libraries_go_along(make: Any) -> None:
    """
    A counter made with OpenTelemetry's API is in the same request, under its own scope.
    """
    exporting = make()
    exporting.meter.create_counter("library.calls").add(4, {"k": "v"})
    Counter("orders_total", "Orders.", registry=exporting.registry).inc()
    exporting.flush()

    request = exporting.receiver.of("/v1/metrics")[0]
    scopes = {scoped.scope.name: scoped.metrics for scoped in request.resource_metrics[0].scope_metrics}
    assert (1, 4, "orders") == (
        len(request.resource_metrics),
        scopes["library"][0].sum.data_points[0].as_int,
        attributes_of(request.resource_metrics[0].resource)["service.name"],
    )


def test_attributes_of_libraries_are_redacted(make: Any) -> None:
    """
    A secret in an attribute of another library's instrument does not leave.
    """
    exporting = make(policy=Policy(patterns=["swordfish"]))
    exporting.meter.create_counter("library.calls").add(1, {"k": "a swordfish"})

    assert {"k": "a REDACTED"} == attributes_of(exporting.send("library.calls").sum.data_points[0])


def test_a_callback_that_raises_costs_no_other_metric(make: Any) -> None:
    """
    The ledger's metrics arrive although a library's callback fails.
    """
    exporting = make()

    def fail(options: CallbackOptions) -> list[Observation]:
        raise RuntimeError("broken")

    exporting.meter.create_observable_gauge("library.broken", [fail])
    Counter("orders_total", "Orders.", registry=exporting.registry).inc()

    assert 1.0 == exporting.send("orders_total").sum.data_points[0].as_double


def test_a_callback_that_hangs_does_not_hold_a_flush(make: Any) -> None:
    """
    A flush ends with its time although a library's callback does not.
    """
    exporting = make()
    release = threading.Event()

    def hang(options: CallbackOptions) -> list[Observation]:
        release.wait(10)
        return []

    exporting.meter.create_observable_gauge("library.hanging", [hang])
    begun = time.monotonic()

    flushed = exporting.flush(0.3)
    release.set()

    assert (False, True) == (flushed, time.monotonic() - begun < 5.0)


def test_counts_are_data_points(make: Any) -> None:
    """
    The books of metrics count data points, as the collector does.
    """
    exporting = make()
    counter = Counter("orders_total", "Orders.", ["n"], registry=exporting.registry)
    for number in range(7):
        counter.labels(str(number)).inc()
    exporting.flush()

    arrived = sum(len(metric.sum.data_points) + len(metric.gauge.data_points) for metric in exporting.receiver.metrics)
    assert (arrived, True) == (exporting.queue.accounts.delivered, arrived >= 7)


def test_large_collections_are_cut(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A collection with very many series becomes several items, every series in one of them.
    """
    monkeypatch.setattr(metric_batches, "MAX_POINTS", 10)
    exporting = make()
    counter = Counter("many_total", "Many.", ["n"], registry=exporting.registry)
    for number in range(35):
        counter.labels(str(number)).inc()
    exporting.flush()
    scoped = [(SCOPE, metric) for metric in LedgerPoints(exporting.ledger).read()]

    batches = metric_batches.batches_of(RESOURCE, scoped)

    sent = [
        attributes_of(point)["n"]
        for metric in exporting.receiver.metrics
        if metric.name == "many_total"
        for point in metric.sum.data_points
    ]
    assert (True, sorted(str(number) for number in range(35))) == (
        len(batches) >= 4 and all(batch.points <= 10 for batch in batches),
        sorted(sent),
    )


def test_old_collections_make_room(make: Any, receiver: OtlpReceiver) -> None:
    """
    While a collector is away only a few collections wait, the older ones count as stale.
    """
    exporting = make()
    Counter("orders_total", "Orders.", registry=exporting.registry).inc()
    receiver.stop()
    for _ in range(12):
        exporting.flush(0.5)

    view = exporting.queue.accounts.view()
    assert (True, view["accepted"]) == (
        exporting.queue.accounts.dropped["stale"] > 0,
        view["delivered"] + view["dropped"] + view["queued"],
    )


def test_ticks_by_itself(make: Any, receiver: OtlpReceiver) -> None:
    """
    Started, it sends once in an interval without being asked.
    """
    exporting = make(interval_seconds=0.05)
    Counter("orders_total", "Orders.", registry=exporting.registry).inc()

    exporting.export.start()

    assert receiver.wait_for(lambda: len(receiver.of("/v1/metrics")) >= 3)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_ticks_in_a_forked_child(make: Any, receiver: OtlpReceiver) -> None:
    """
    A child of a ticking process ticks too.
    """
    exporting = make(interval_seconds=0.05)
    Counter("orders_total", "Orders.", registry=exporting.registry).inc()
    exporting.export.start()
    assert receiver.wait_for(lambda: receiver.of("/v1/metrics"))
    seen, tell = os.pipe()
    child = os.fork()
    if child == 0:
        Counter("child_total", "Of the child.", registry=exporting.registry).inc()
        os.close(tell)
        os.read(seen, 1)  # until the parent has seen it, or has ended
        os._exit(0)
    try:
        assert receiver.wait_for(lambda: receiver.metric("child_total") is not None)
    finally:
        os.close(tell)
        os.waitpid(child, 0)
        os.close(seen)


def test_descriptions_leave_clean(make: Any) -> None:
    """
    What is said of another library's instrument goes through the policy, and what no UTF-8 carries is replaced.
    """
    exporting = make()
    exporting.meter.create_counter("calls", description="Ask alice@example.com").add(1)
    exporting.meter.create_counter("bytes", description="a\ud800b").add(1)

    assert exporting.flush()
    assert "Ask REDACTED" == exporting.receiver.metric("calls").description
    assert "a\ufffdb" == exporting.receiver.metric("bytes").description


def test_a_description_is_looked_at_once() -> None:
    """
    Later collections find it known.
    """
    asked: list[str] = []

    class Asked(Policy):
        def text(self, text: str, limit: int | None = None) -> str:
            asked.append(text)
            return super().text(text, limit)

    policy = Asked()
    for _ in range(3):
        metric_batches.clean_description(policy, "Ask alice@example.com")

    assert ["Ask alice@example.com"] == asked


def test_a_metric_that_cannot_be_encoded_is_left_out(make: Any) -> None:
    """
    One instrument with a number that 64 bits don't hold costs its own points only.
    """
    exporting = make()
    exporting.meter.create_counter("library.bad").add(2**70)
    exporting.meter.create_counter("library.good").add(1)
    exporting.flush()

    assert (1, True, {"unencodable": 1}) == (
        exporting.receiver.metric("library.good").sum.data_points[0].as_int,
        exporting.receiver.metric("library.bad") is None,
        exporting.queue.accounts.dropped,
    )
