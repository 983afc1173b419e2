"""
What the request path writes into the metrics of a profile.

Owns the roles, what may fill a label, and which goes with which. How it is written is in `otel_kit/request_metrics.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from otel_kit.catalogue import Kind
from otel_kit.errors import ProfileError
from otel_kit.ledger import Counter, Gauge, Histogram, Summary
from otel_kit.shape import check_flag, check_instance, check_mapping, check_number, check_word, name_of, shown

__all__ = ["METRICS", "Metric", "RequestMetric", "Role", "Source"]

Metric = Counter | Gauge | Histogram | Summary

METRICS = (Counter, Gauge, Histogram, Summary)

Role = Literal["total", "duration", "errors", "in_progress", "request_size", "response_size"]
"""
What the request path writes into a metric.

`total`: one for each request. `duration`: seconds to the last byte; websockets have none. `errors`: one for an
unhandled exception or a status from 500. `in_progress`: requests that are being answered now. `request_size` and
`response_size`: the `Content-Length` in bytes that the request and the answer name, else 0.
"""

Source = Literal["method", "route", "status", "status_class", "error_type"]
"""What fills a label. `status_class` is `2xx` to `5xx`; `error_type` an exception's class, else the status from 500."""

_KINDS: dict[str, tuple[Kind, ...]] = {
    "total": ("counter",),
    "errors": ("counter",),
    "in_progress": ("gauge",),
}
_MEASURED: tuple[Kind, ...] = ("histogram", "summary")
_KNOWN_AT: dict[str, tuple[Source, ...]] = {
    "in_progress": ("method", "route"),
    "errors": get_args(Source),
}
_AT_THE_END: tuple[Source, ...] = ("method", "route", "status", "status_class")


@dataclass(frozen=True)
class RequestMetric:
    """
    A metric that the request path writes.

    Raises:
        ProfileError: A label that the metric does not declare, one without a source, a metric of a kind that
            can't hold the role, or a source that is not known at that time.
    """

    role: Role
    """What is written."""
    metric: Metric
    """Listed among the profile's metrics, too."""
    labels: Mapping[str, Source] = field(default_factory=dict)
    """Each label of the metric, and what fills it."""
    websockets: bool = True
    """For the role `total`: whether a websocket counts as a request. Times and sizes are of HTTP in any case."""
    scale: float | None = None
    """
    For the role `duration`: the seconds times this are observed.

    None: by the metric's name, 1000 where it ends in `_ms` or `_milliseconds`, else 1.
    """

    def __post_init__(self) -> None:
        place = f"request metric {name_of(self.metric)}"
        check_instance(place, "metric", self.metric, METRICS, "give a Counter, Gauge, Histogram or Summary of otel_kit")
        check_word(place, "role", self.role, get_args(Role))
        check_flag(place, "websockets", self.websockets)
        check_mapping(place, "labels", self.labels, None)
        if self.scale is not None:
            check_number(place, "scale", self.scale, above=0)
        if self.scale not in (None, 1) and self.role != "duration":
            raise ProfileError(place, f"the role {self.role} has no scale", "leave it out: it is for durations")
        kind, kinds = self.metric.declaration.kind, _KINDS.get(self.role, _MEASURED)
        if kind not in kinds:
            raise ProfileError(place, f"it is a {kind}", f"the role {self.role} wants a {' or '.join(kinds)}")
        declared = self.metric.labelnames
        for label in self.labels:
            if label not in declared:
                remedy = f"fill {', '.join(declared)}" if declared else "leave it out"
                raise ProfileError(place, f"the metric has no label {label}", f"{remedy}, or declare it at the metric")
        known = _KNOWN_AT.get(self.role, _AT_THE_END)
        for label in declared:
            source: object = self.labels.get(label)
            if source not in known:
                fault = "has no source" if label not in self.labels else f"can't be filled from {shown(source)}"
                raise ProfileError(place, f"label {label} {fault}", f"fill it from one of {', '.join(known)}")

    @property
    def factor(self) -> float:
        """
        What is measured, in seconds or bytes, times this is observed.
        """
        if self.scale is None and self.role == "duration":
            return self.metric.declaration.per_second
        return self.scale or 1.0

    @property
    def sources(self) -> tuple[Source, ...]:
        """
        In the order of the metric's labels.
        """
        return tuple(self.labels[label] for label in self.metric.labelnames)
