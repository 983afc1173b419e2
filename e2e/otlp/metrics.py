"""
Metrics of one point each, and requests with them.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Sequence

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Exemplar,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from e2e.otlp.values import Attributes, pairs

__all__ = ["CUMULATIVE", "DELTA", "exemplar", "gauge", "histogram", "metrics", "sum_of"]

CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA


def sum_of(
    name: str,
    value: int,
    attributes: Attributes | None = None,
    *,
    start: int | None = None,
    unit: str = "",
    monotonic: bool = True,
    exemplars: Iterable[Exemplar] = (),
    delta: bool = False,
    description: str = "",
) -> Metric:
    """
    A sum of one point; a series' points must share `start` (nanoseconds).
    """
    now = time.time_ns()
    point = NumberDataPoint(
        as_int=value,
        attributes=pairs(attributes),
        start_time_unix_nano=now if start is None else start,
        time_unix_nano=now,
        exemplars=exemplars,
    )
    temporality = DELTA if delta else CUMULATIVE
    total = Sum(data_points=[point], is_monotonic=monotonic, aggregation_temporality=temporality)
    return Metric(name=name, unit=unit, description=description, sum=total)


def gauge(name: str, value: float, attributes: Attributes | None = None, *, unit: str = "") -> Metric:
    """
    A gauge of one point.
    """
    point = NumberDataPoint(as_double=value, attributes=pairs(attributes), time_unix_nano=time.time_ns())
    return Metric(name=name, unit=unit, gauge=Gauge(data_points=[point]))


def histogram(
    name: str,
    values: Sequence[float],
    attributes: Attributes | None = None,
    *,
    bounds: Sequence[float] = (0.1, 1.0, 10.0),
    start: int | None = None,
    unit: str = "s",
    exemplars: Iterable[Exemplar] = (),
) -> Metric:
    """
    A histogram of one point that holds these values.
    """
    now = time.time_ns()
    edges = [float("-inf"), *bounds, float("inf")]
    counts = [sum(low < value <= high for value in values) for low, high in itertools.pairwise(edges)]
    point = HistogramDataPoint(
        count=len(values),
        sum=sum(values),
        bucket_counts=counts,
        explicit_bounds=bounds,
        attributes=pairs(attributes),
        start_time_unix_nano=now if start is None else start,
        time_unix_nano=now,
        exemplars=exemplars,
    )
    return Metric(name=name, unit=unit, histogram=Histogram(data_points=[point], aggregation_temporality=CUMULATIVE))


def exemplar(value: float, trace: str, span: str, attributes: Attributes | None = None) -> Exemplar:
    """
    An exemplar with its trace.
    """
    return Exemplar(
        as_double=value,
        time_unix_nano=time.time_ns(),
        trace_id=bytes.fromhex(trace),
        span_id=bytes.fromhex(span),
        filtered_attributes=pairs(attributes),
    )


def metrics(series: Iterable[Metric], resource: Attributes, scope: str = "e2e") -> ExportMetricsServiceRequest:
    """
    A request with these metrics of one service.
    """
    scoped = ScopeMetrics(scope=InstrumentationScope(name=scope), metrics=series)
    return ExportMetricsServiceRequest(
        resource_metrics=[ResourceMetrics(resource=Resource(attributes=pairs(resource)), scope_metrics=[scoped])]
    )
