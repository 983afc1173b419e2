"""
Instruments of other libraries, read from OpenTelemetry's SDK and translated to families.

Owns the reading and the meeting of names: two scopes that use one name share one family, each
series with its own labels; series that become equal are added up where that has a meaning.
Names and units are those of `opentelemetry-exporter-prometheus`. What the kit documents itself
comes from the ledger and is passed over here.

An exponential histogram has no bounds that stay, so it is shown as a summary: its sum and count.
So is a histogram without bounds. Scope labels are left off: names tell libraries apart.
Imports the SDK, which reads the environment as it is imported: set-up imports this module late.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from json import dumps
from typing import Any

from opentelemetry.sdk.metrics.export import (
    ExponentialHistogram,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricReader,
    MetricsData,
    NumberDataPoint,
    Sum,
)
from opentelemetry.sdk.resources import Resource

from otel_kit.exposition.families import Family, FamilyKind, LeftOut
from otel_kit.exposition.merging import Draft, Labels, Point
from otel_kit.exposition.samples import encodable
from otel_kit.faults import fault
from otel_kit.ledger.snapshot import Exemplar, Series

__all__ = ["InstrumentReader"]

OWN_SCOPES = ("otel_kit",)
WAIT_SECONDS = 2.0
MAX_NAMES = 4096

_NO_LABEL_CHARACTERS = re.compile("[^a-zA-Z0-9]+")


class InstrumentReader(MetricReader):
    """
    Reads all instruments of a MeterProvider, cumulatively, whenever it is asked.

    The number of series is bounded by the SDK: 2000 an instrument, then one of overflow.

    Args:
        clean: Makes a label's value, given by name and value, fit to leave the process.
        clean_text: Does so for names of attributes and descriptions of instruments; asked once for each.
        own_scopes: Scopes whose instruments are in the ledger already.
    """

    def __init__(
        self,
        clean: Callable[[str, str], str] = lambda name, value: encodable(value),
        clean_text: Callable[[str], str] = encodable,
        *,
        own_scopes: Collection[str] = OWN_SCOPES,
    ) -> None:
        super().__init__()
        self._clean = clean
        self._cleaned = lru_cache(maxsize=MAX_NAMES)(clean_text)
        self._own_scopes = frozenset(own_scopes)
        self._left_out = LeftOut()
        self._lock = threading.Lock()
        self._data: MetricsData | None = None
        self._labels: dict[tuple[tuple[str, Any], ...], Labels] = {}
        self._resource: Resource | None = None

    def families(self) -> list[Family]:
        """
        What has been measured so far, and the resource as `target_info`. Runs foreign callbacks, so it may
        block; never raises.
        """
        data = self._read()
        if data is None:
            return self.target()
        drafts: dict[str, Draft] = {}
        known, self._labels = self._labels, {}
        for resource_metrics in data.resource_metrics:
            self._resource = resource_metrics.resource
            for scope_metrics in resource_metrics.scope_metrics:
                if scope_metrics.scope.name not in self._own_scopes:
                    for metric in scope_metrics.metrics:
                        self._translate(metric, drafts, known)
        return [*self.target(), *(family for draft in drafts.values() for family in draft.families())]

    def target(self) -> list[Family]:
        """
        The resource as the family `target_info`; nothing while none is known.
        """
        if self._resource is None:
            return []
        labels = self._label_texts(self._resource.attributes)
        return [Family("info", "target_info", "Target metadata", [Series(labels, (1.0,))])]

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """
        Nothing to end: reading after the provider's shutdown gives what was measured until then.
        """

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        self._data = metrics_data

    def _read(self) -> MetricsData | None:
        # a callback that hangs keeps the lock: others go on without, after a while
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            fault("exposition", "instruments of other libraries are still being read")
            return None
        try:
            self._data = None
            if self._collect is not None:
                self.collect()
            return self._data
        except Exception as error:  # the SDK raises what callbacks and time-outs made of it
            fault("exposition", error)
            return None
        finally:
            self._lock.release()

    def _translate(self, metric: Metric, drafts: dict[str, Draft], known: Mapping[Any, Labels]) -> None:
        try:
            kind, additive = _kind(metric)
            name = family_name(metric.name, metric.unit or "", kind)
            draft = drafts.get(name)
            if draft is None:
                unit = unit_word(metric.unit or "")
                draft = drafts[name] = Draft(kind, name, self._cleaned(metric.description or ""), unit, additive)
            if draft.kind != kind:
                self._left_out.add(name, f"an instrument is already shown as a {draft.kind}, this {kind} is left out")
                return
            for point in _points(metric):
                labels = self._labels_of(point.attributes, known)
                if not draft.add(labels, point):
                    self._left_out.add(name, "two instruments have the same series, the first is shown")
        except Exception as error:  # whatever one instrument has in it costs that instrument only
            self._left_out.add(metric.name, f"an instrument can't be translated ({type(error).__name__})")

    def _labels_of(self, attributes: Mapping[str, Any], known: Mapping[Any, Labels]) -> Labels:
        # 1, 1.0 and True are one key of a dict but three label values
        if not all(type(value) is str for value in attributes.values()):
            return self._label_texts(attributes)
        key = tuple(attributes.items())
        labels = self._labels[key] = known.get(key) or self._label_texts(attributes)
        return labels

    def _label_texts(self, attributes: Mapping[str, Any]) -> Labels:
        """
        Label names and values, by name.

        Keys that become one name, by their letters or since what is secret in them is masked alike, have their
        values joined in the order of the keys.
        Source: OpenTelemetry, "Prometheus and OpenMetrics Compatibility", section "Metric Attributes".
        """
        texts: dict[str, str] = {}
        for key in sorted(attributes):
            # before the letters are replaced by which a secret is known
            name, value = sanitized(self._cleaned(key)), attributes[key]
            text = self._clean(key, value if isinstance(value, str) else dumps(value, default=str))
            texts[name] = f"{texts[name]};{text}" if name in texts else text
        return tuple(sorted(texts.items()))


@lru_cache(maxsize=MAX_NAMES)
def sanitized(key: str) -> str:
    """
    The label name that `opentelemetry-exporter-prometheus` makes of an attribute's key.
    """
    if key and key[0].isdigit():
        key = "_" + key[1:]
    return _NO_LABEL_CHARACTERS.sub("_", key)


@lru_cache(maxsize=MAX_NAMES)
def unit_word(unit: str) -> str:
    """
    The word for a unit in a metric's name, as `opentelemetry-exporter-prometheus` has it.
    """
    from opentelemetry.exporter.prometheus._mapping import map_unit

    return map_unit(unit)


@lru_cache(maxsize=MAX_NAMES)
def family_name(name: str, unit: str, kind: FamilyKind) -> str:
    """
    The name that `opentelemetry-exporter-prometheus` gives an instrument of this name and unit.
    """
    # here, since both take 12 ms to import, and many a page shows no instruments
    from opentelemetry.exporter.prometheus._mapping import sanitize_full_name
    from prometheus_client.metrics_core import CounterMetricFamily
    from prometheus_client.metrics_core import Metric as NamedMetric

    name, word = sanitize_full_name(name), unit_word(unit)
    if kind == "counter":
        return f"{CounterMetricFamily(name, '', unit=word).name}_total"
    return NamedMetric(name, "", kind, word).name


def _kind(metric: Metric) -> tuple[FamilyKind, bool]:
    """
    The kind of family, and whether equal series of it may be added up.
    """
    data = metric.data
    if isinstance(data, Sum):
        return ("counter" if data.is_monotonic else "gauge"), True
    if isinstance(data, Gauge):
        return "gauge", False
    if isinstance(data, Histogram) and any(point.explicit_bounds for point in data.data_points):
        return "histogram", True
    if isinstance(data, (Histogram, ExponentialHistogram)):
        return "summary", True
    raise TypeError(type(data).__name__)


def _points(metric: Metric) -> Iterator[Point]:
    has_exemplars = not isinstance(metric.data, Gauge)
    for point in metric.data.data_points:
        attributes = point.attributes or {}
        if isinstance(point, NumberDataPoint):
            exemplars = _exemplars(point.exemplars, (), 1) if has_exemplars else ()
            yield Point(attributes, (float(point.value),), exemplars)
        elif isinstance(point, HistogramDataPoint) and point.explicit_bounds:
            bounds = tuple(map(float, point.explicit_bounds))
            values = (float(point.sum or 0.0), *map(float, point.bucket_counts))
            yield Point(attributes, values, _exemplars(point.exemplars, bounds, len(values)), bounds)
        else:
            yield Point(attributes, (float(point.sum or 0.0), float(point.count)))


def _exemplars(found: Sequence[Any], bounds: tuple[float, ...], width: int) -> tuple[Exemplar | None, ...]:
    """
    The newest exemplar of each place in the values; those made outside a trace lead nowhere.
    """
    places: dict[int, Exemplar] = {}
    for exemplar in sorted(found, key=lambda each: int(each.time_unix_nano)):
        if exemplar.trace_id and exemplar.span_id:
            place = 1 + bisect_left(bounds, exemplar.value) if bounds else 0
            ids = (f"{exemplar.trace_id:032x}", f"{exemplar.span_id:016x}")
            places[place] = Exemplar(*ids, float(exemplar.value), exemplar.time_unix_nano / 1e9)
    return tuple(places.get(place) for place in range(width)) if places else ()
