"""
Metrics over OTLP: the ledger's and every other instrument's, once in an interval.

Owns the ticking thread and the SDK's reader. The ledger and the instruments leave in one
request, so that a collector sees both or neither.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics.export import AggregationTemporality, Metric, MetricReader, MetricsData, ResourceMetrics
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_kit._version import __version__
from otel_kit.environment.model import Aggregation, Temporality
from otel_kit.faults import fault
from otel_kit.redaction import Policy
from otel_kit.telemetry.ledger_points import LedgerPoints
from otel_kit.telemetry.metric_batches import BYTES_PER_POINT, MetricBatch, batches_of, cleaned
from otel_kit.telemetry.queue import ExportQueue
from otel_kit.telemetry.scopes import clean_scope

__all__ = ["MetricExport", "OtlpMetricReader", "temporality_by_instrument"]

KEPT_COLLECTIONS = 4
"""
Requests that may wait while a collector is away: cumulative numbers make older ones worthless.
"""

LEDGER_SCOPE = InstrumentationScope("otel_kit", __version__)


class OtlpMetricReader(MetricReader):
    """
    Reads the `MeterProvider`'s instruments when it is asked to.
    """

    def __init__(
        self, temporality: Temporality = "cumulative", aggregation: Aggregation = "explicit_bucket_histogram"
    ) -> None:
        exponential = aggregation == "base2_exponential_bucket_histogram"
        super().__init__(
            preferred_temporality=temporality_by_instrument(temporality),
            preferred_aggregation={sdk.Histogram: ExponentialBucketHistogramAggregation()} if exponential else None,
        )
        self._received: MetricsData | None = None
        self.export: Callable[[float], bool] = lambda timeout: True

    def read(self, timeout_seconds: float) -> Iterator[tuple[InstrumentationScope, Metric]]:
        """
        All metrics of the provider with their scopes; nothing where a callback fails.
        """
        self._received = None
        try:
            self.collect(timeout_millis=timeout_seconds * 1000.0)
        except Exception as error:  # the callback of a library may raise anything
            fault("metrics", error)
        received, self._received = self._received, None
        groups: Sequence[ResourceMetrics] = received.resource_metrics if received is not None else []
        for group in groups:
            for scoped in group.scope_metrics:
                for metric in scoped.metrics:
                    yield scoped.scope, metric

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **named: object) -> None:
        self._received = metrics_data

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """
        Collect and send, as `MeterProvider.force_flush` promises.
        """
        return self.export(timeout_millis / 1000.0)

    def shutdown(self, timeout_millis: float = 30_000, **named: object) -> None:
        """
        Collect and send for the last time; the provider stays usable.
        """
        self.export(min(timeout_millis / 1000.0, 4.3))


class MetricExport:
    """
    Collects in a thread of its own and offers to the queue of metrics.

    Args:
        resource: Asked at each collection: a fork changes it.
        reader: None where another provider's readers export its instruments already.
    """

    def __init__(
        self,
        offer: Callable[[MetricBatch, int, int], None],
        queues: Sequence[ExportQueue],
        points: LedgerPoints,
        resource: Callable[[], Resource],
        policy: Policy,
        interval_seconds: float,
        timeout_seconds: float,
        reader: OtlpMetricReader | None = None,
    ) -> None:
        self._offer = offer
        self._queues = queues
        self._points = points
        self._resource = resource
        self._policy = policy
        self._interval_seconds = interval_seconds
        self._timeout_seconds = timeout_seconds
        self._reader = reader
        self._begin()
        _exports.add(self)

    def _begin(self) -> None:
        self._turn = threading.Condition()
        self._collecting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked = 0
        self._done = 0

    def start(self) -> None:
        """
        Begin to tick; no change when it ticks already.
        """
        with self._turn:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="otel_kit-collect", daemon=True)
                self._thread.start()

    def ask(self) -> int:
        """
        Have everything collected and offered at once; returns what `wait` takes.

        It happens on the ticking thread, since a library's callback that hangs must not hang the caller.
        """
        try:
            self.start()
        except RuntimeError:
            # the interpreter is about to end and starts no threads any more
            self._thread = None
            self._collect()
            return 0
        with self._turn:
            self._asked += 1
            self._turn.notify_all()
            return self._asked

    def wait(self, asked: int, deadline: float) -> bool:
        """
        Wait for what was asked; False when it takes longer than `deadline` (monotonic).
        """
        with self._turn:
            while self._done < asked:
                left = deadline - time.monotonic()
                if left <= 0.0:
                    return False
                self._turn.wait(left)
        return True

    def _run(self) -> None:
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        due = time.monotonic() + self._interval_seconds
        turn = self._turn
        while True:
            with turn:
                while self._asked == self._done and (left := due - time.monotonic()) > 0.0:
                    turn.wait(left)
                asked = self._asked
            self._collect()
            with turn:
                self._done = asked
                turn.notify_all()
            due = max(due, time.monotonic()) + self._interval_seconds if due <= time.monotonic() else due

    def _collect(self) -> None:
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            with self._collecting:
                batches = batches_of(self._resource(), self._metrics())
                for queue in self._queues:
                    queue.discard_waiting(KEPT_COLLECTIONS)
                for batch in batches:
                    self._offer(batch, batch.points * BYTES_PER_POINT, batch.points)
        except Exception as error:  # the next collection may well succeed
            fault("metrics", error)
        finally:
            detach(token)

    def _metrics(self) -> Iterator[tuple[InstrumentationScope, Metric]]:
        for metric in self._points.read():
            yield LEDGER_SCOPE, metric
        if self._reader is not None:
            for scope, metric in self._reader.read(self._timeout_seconds):
                yield clean_scope(scope, self._policy), cleaned(metric, self._policy)

    def reset_after_fork(self) -> None:
        """
        A forked child counts for itself; it ticks if its parent did.
        """
        ticking = self._thread is not None
        self._begin()
        self._points.reset_after_fork()
        if ticking:
            self.start()


def temporality_by_instrument(preference: Temporality) -> dict[type, AggregationTemporality]:
    """
    What a preference means for each kind of instrument.

    Source: OpenTelemetry specification, "OTLP metrics exporter", temporality preference.
    """
    if preference == "cumulative":
        return {}
    delta = AggregationTemporality.DELTA
    chosen: dict[type, AggregationTemporality] = {sdk.Counter: delta, sdk.Histogram: delta}
    if preference == "delta":
        chosen[sdk.ObservableCounter] = delta
    return chosen


_exports: weakref.WeakSet[MetricExport] = weakref.WeakSet()


def _reset_all_after_fork() -> None:
    for export in list(_exports):
        export.reset_after_fork()


os.register_at_fork(after_in_child=_reset_all_after_fork)
