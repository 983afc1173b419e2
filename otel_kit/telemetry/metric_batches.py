"""
Metrics as items of a queue: cleaned, cut into pieces of bounded size, encoded.

Owns the redaction of what other libraries put into their attributes, and the encoding by the
official encoder, which is not hot here. One metric that can't be encoded is left out; the
encoder alone would lose all of them with it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from opentelemetry.sdk.metrics.export import Metric, MetricsData, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_kit.faults import fault
from otel_kit.redaction import Policy

__all__ = ["BYTES_PER_POINT", "MetricBatch", "batches_of", "cleaned", "encode_batches"]

MAX_POINTS = 2000
"""
Data points in one request.
"""

BYTES_PER_POINT = 250
KEPT_DESCRIPTIONS = 4096

ScopedMetric = tuple[InstrumentationScope, Metric]


class MetricBatch(NamedTuple):
    """
    One item of the queue of metrics.
    """

    data: MetricsData
    points: int


def batches_of(resource: Resource, metrics: Iterable[ScopedMetric]) -> list[MetricBatch]:
    """
    The metrics in pieces of at most `MAX_POINTS` data points.
    """
    batches: list[MetricBatch] = []
    scopes: dict[InstrumentationScope, list[Metric]] = {}
    points = 0
    for scope, piece, count in pieces(metrics):
        if points and points + count > MAX_POINTS:
            batches.append(assemble(resource, scopes, points))
            scopes, points = {}, 0
        scopes.setdefault(scope, []).append(piece)
        points += count
    if points:
        batches.append(assemble(resource, scopes, points))
    return batches


def pieces(metrics: Iterable[ScopedMetric]) -> Iterator[tuple[InstrumentationScope, Metric, int]]:
    """
    The metrics, those with very many series cut, each with its number of data points.
    """
    for scope, metric in metrics:
        every = metric.data.data_points
        for first in range(0, len(every), MAX_POINTS):
            some = every[first : first + MAX_POINTS]
            whole = len(some) == len(every)
            data = metric.data if whole else dataclasses.replace(metric.data, data_points=some)  # type: ignore[arg-type]
            yield scope, metric if whole else dataclasses.replace(metric, data=data), len(some)


def assemble(resource: Resource, scopes: dict[InstrumentationScope, list[Metric]], points: int) -> MetricBatch:
    """
    A batch of one resource.
    """
    scoped = [ScopeMetrics(scope, metrics, scope.schema_url or "") for scope, metrics in scopes.items()]
    return MetricBatch(MetricsData([ResourceMetrics(resource, scoped, resource.schema_url)]), points)


def cleaned(metric: Metric, policy: Policy) -> Metric:
    """
    The metric of another library without secrets; the same object when it has none.
    """
    points = [clean_point(point, policy) for point in metric.data.data_points]
    description = clean_description(policy, metric.description or "")
    if description != (metric.description or ""):
        metric = dataclasses.replace(metric, description=description)
    if all(clean is point for clean, point in zip(points, metric.data.data_points, strict=True)):
        return metric
    return dataclasses.replace(metric, data=dataclasses.replace(metric.data, data_points=points))  # type: ignore[arg-type]


@functools.lru_cache(maxsize=KEPT_DESCRIPTIONS)
def clean_description(policy: Policy, text: str) -> str:
    """
    An instrument's description without secrets; looked for once, not with each collection.
    """
    return policy.text(text)


def clean_point(point: Any, policy: Policy) -> Any:
    """
    The data point with clean attributes, those of its exemplars included.
    """
    attributes = point.attributes or {}
    clean = policy.mapping(attributes) if attributes else attributes
    exemplars = [clean_exemplar(exemplar, policy) for exemplar in point.exemplars]
    changed = clean is not attributes or any(
        new is not old for new, old in zip(exemplars, point.exemplars, strict=True)
    )
    return dataclasses.replace(point, attributes=clean, exemplars=exemplars) if changed else point


def clean_exemplar(exemplar: Any, policy: Policy) -> Any:
    """
    The exemplar with clean attributes.
    """
    attributes = exemplar.filtered_attributes
    if not attributes:
        return exemplar
    clean = policy.mapping(attributes)
    return exemplar if clean is attributes else dataclasses.replace(exemplar, filtered_attributes=clean)


def official_bytes(data: MetricsData) -> bytes:
    """
    An export request by the official encoder.
    """
    # here, since it takes 40 ms to import
    from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics

    return encode_metrics(data).SerializeToString()


def encode_batches(batches: Sequence[MetricBatch]) -> tuple[bytes, int]:
    """
    The bytes of an export request, and how many data points are not in it.
    """
    parts: list[bytes] = []
    lost = 0
    for batch in batches:
        try:
            parts.append(official_bytes(batch.data))
        except Exception as error:  # the encoder stops at the first bad value
            fault("encoder", error)
            kept, missing = encode_one_by_one(batch)
            parts.append(kept)
            lost += missing
    # protobuf joins messages by joining their bytes
    return b"".join(parts), lost


def encode_one_by_one(batch: MetricBatch) -> tuple[bytes, int]:
    """
    As much of a batch as can be encoded, and how many data points that leaves out.
    """
    parts: list[bytes] = []
    lost = 0
    for group in batch.data.resource_metrics:
        for scoped in group.scope_metrics:
            for metric in scoped.metrics:
                single = assemble(group.resource, {scoped.scope: [metric]}, 0)
                try:
                    parts.append(official_bytes(single.data))
                except Exception:  # counted once for the whole batch, and as items lost
                    lost += len(metric.data.data_points)
    return b"".join(parts), lost
