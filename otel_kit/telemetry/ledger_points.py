"""
The ledger's series as the SDK's data points.

Owns the step from cells to OTLP's model: kinds, temporality, start times, exemplars. Names go
out as they are on `/metrics`; a unit goes with them only where a translation to Prometheus
would not append it to the name.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
)

from otel_kit.catalogue import OVERFLOW_LABEL, Declaration
from otel_kit.ledger import Exemplar as LedgerExemplar
from otel_kit.ledger import FamilySnapshot, Ledger, Series

__all__ = ["LedgerPoints"]

OVERFLOW_ATTRIBUTE = "otel.metric.overflow"

Attributes = dict[str, str | bool]
Values = tuple[float, ...]


class LedgerPoints:
    """
    Reads one ledger, this process's part of it.

    Args:
        delta: Counters and histograms say what is new since the last reading, not since the start.
    """

    def __init__(self, ledger: Ledger, delta: bool = False) -> None:
        self._ledger = ledger
        self._delta = delta
        self._last: dict[tuple[str, tuple[tuple[str, str], ...]], Values] = {}
        self._last_read = 0

    def read(self) -> list[Metric]:
        """
        All metrics that have a series, as of now.
        """
        now = time.time_ns()
        begun = int(self._ledger.start_time * 1e9)
        start = self._last_read or begun if self._delta else begun
        metrics: list[Metric] = []
        for family in self._ledger.snapshot(own=True):
            if family.series:
                metrics.extend(self._metrics(family, start, now))
        self._last_read = now
        return metrics

    def reset_after_fork(self) -> None:
        """
        Forget what the parent process had read.
        """
        self._last.clear()
        self._last_read = 0

    def _metrics(self, family: FamilySnapshot, start: int, now: int) -> Iterable[Metric]:
        declaration = family.declaration
        unit = unit_of(declaration)
        rows = [(series, attributes_of(series), self._values(declaration, series)) for series in family.series]
        if declaration.kind == "gauge":
            points = [NumberDataPoint(attributes, 0, now, values[0]) for _, attributes, values in rows]
            yield Metric(declaration.name, declaration.help, unit, Gauge(points))
        elif declaration.kind == "histogram":
            # what is smallest since the start says nothing of what came since the last reading
            kept = declaration.extremes and not self._delta
            buckets = [histogram_point(declaration, row, start, now, kept) for row in rows]
            yield Metric(declaration.name, declaration.help, unit, Histogram(buckets, self._temporality))
        elif declaration.kind == "summary":
            yield self._sum(f"{declaration.name}_sum", declaration, unit, rows, 0, start, now)
            yield self._sum(f"{declaration.name}_count", declaration, "", rows, 1, start, now)
        else:
            yield self._sum(declaration.name, declaration, unit, rows, 0, start, now)

    @property
    def _temporality(self) -> AggregationTemporality:
        return AggregationTemporality.DELTA if self._delta else AggregationTemporality.CUMULATIVE

    def _sum(
        self,
        name: str,
        declaration: Declaration,
        unit: str,
        rows: Sequence[tuple[Series, Attributes, Values]],
        place: int,
        start: int,
        now: int,
    ) -> Metric:
        points = [
            NumberDataPoint(attributes, start, now, values[place], exemplars_of(series.exemplars[place : place + 1]))
            for series, attributes, values in rows
        ]
        # Prometheus appends `_total` to whatever only grows: the parts of a summary would not keep their names
        grows = declaration.kind == "counter" or self._delta
        return Metric(name, declaration.help, unit, Sum(points, self._temporality, is_monotonic=grows))

    def _values(self, declaration: Declaration, series: Series) -> Values:
        if not self._delta or declaration.kind == "gauge":
            return series.values
        identity = (declaration.name, series.labels)
        last = self._last.get(identity)
        self._last[identity] = series.values
        if last is None:
            return series.values
        # smaller than before means that the series began anew
        return tuple(
            value if value < before else value - before for value, before in zip(series.values, last, strict=True)
        )


def attributes_of(series: Series) -> Attributes:
    """
    The labels as attributes; the overflow series by the name that OpenTelemetry gives it.
    """
    attributes: Attributes = dict(series.labels)
    if attributes.pop(OVERFLOW_LABEL, None) is not None:
        attributes[OVERFLOW_ATTRIBUTE] = True
    return attributes


def histogram_point(
    declaration: Declaration, row: tuple[Series, Attributes, Values], start: int, now: int, kept: bool = False
) -> HistogramDataPoint:
    """
    One series of a histogram. Smallest and largest are left out unless they are `kept`, and there is something.
    """
    series, attributes, values = row
    counts = [int(value) for value in values[1:]]
    low, high = (series.extremes if kept and any(counts) else None) or (None, None)
    return HistogramDataPoint(
        attributes=attributes,
        start_time_unix_nano=start,
        time_unix_nano=now,
        count=sum(counts),
        sum=values[0],
        bucket_counts=counts,
        explicit_bounds=declaration.buckets,
        min=low,  # type: ignore[arg-type]
        max=high,  # type: ignore[arg-type]
        exemplars=exemplars_of(series.exemplars[1:]),
    )


def exemplars_of(kept: Iterable[LedgerExemplar | None]) -> list[Exemplar]:
    """
    The SDK's form of the ledger's exemplars.
    """
    return [
        Exemplar(
            filtered_attributes={},
            value=exemplar.value,
            time_unix_nano=int(exemplar.timestamp * 1e9),
            span_id=int(exemplar.span_id, 16),
            trace_id=int(exemplar.trace_id, 16),
        )
        for exemplar in kept
        if exemplar is not None
    ]


def unit_of(declaration: Declaration) -> str:
    """
    The declared unit, or nothing where translating it would change the name.
    """
    if not declaration.unit:
        return ""
    # here, since it brings prometheus_client along, and the kit's own metrics do without a unit
    from opentelemetry.exporter.prometheus._mapping import map_unit

    word = map_unit(declaration.unit)
    stem = declaration.name.removesuffix("_total")
    return declaration.unit if word and stem.endswith(f"_{word}") else ""
