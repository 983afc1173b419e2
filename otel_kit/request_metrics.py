"""
The documented metrics of a request, written when it ends.

Owns the link between a profile's declarations and the fields of a record, and the set of
requests in progress. Knows nothing of ASGI or of how the ledger keeps its cells.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from typing import Any, get_args
from weakref import WeakSet

from otel_kit.context import RequestRecord
from otel_kit.ledger import Histogram
from otel_kit.profiles import Profile, RequestMetric, Role

__all__ = ["RequestMetrics", "content_length", "error_type", "middleware_duration"]

MAX_BUNDLES = 4096
LENGTH_OF_HEADER = len(b"content-length")
MAX_DIGITS = 18
Exemplar = tuple[str, str] | None

Bundle = tuple[tuple[Any, ...], ...]
"""The cells of one (method, route, status): of totals, durations, sizes of requests and of answers."""

_OF_A_BUNDLE: tuple[Role, ...] = ("total", "duration", "request_size", "response_size")

middleware_duration = Histogram(
    "otel_kit_middleware_duration_seconds",
    "Own time of the kit on the request path, per request.",
    buckets=(0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1),
)


_instances: WeakSet[RequestMetrics] = WeakSet()


def error_type(record: RequestRecord) -> str | None:
    """
    Class name of the exception, else the status from 500 as text, else None.
    """
    if record.error is not None:
        return type(record.error).__name__
    status = record.status_code
    return str(status) if status is not None and status >= 500 else None


class RequestMetrics:
    """
    Records requests in the metrics that a profile gives the roles.

    The cells of one (method, route, status) are looked up once and kept together, so that a
    request costs one dict lookup for all of them.
    """

    def __init__(self, profile: Profile) -> None:
        self.live: set[RequestRecord] = set()
        self._unmatched = profile.unmatched
        self._by_role = {
            role: [metric for metric in profile.requests if metric.role == role] for role in get_args(Role)
        }
        self.measures_sizes = bool(self._by_role["request_size"] or self._by_role["response_size"])
        self._bundles: dict[tuple[str, str, int], Bundle] = {}
        self._in_progress: dict[Any, Tally[tuple[str, ...]]] = {}
        _instances.add(self)

    def record(self, record: RequestRecord, exemplar: Exemplar) -> None:
        """
        Count one finished request.

        A websocket is counted where the metric says so; its lifetime is no response time and goes into no histogram.
        """
        key = (record.method, record.route or self._unmatched, record.status_code or 0)
        if record.kind == "http":
            bundle = self._bundles.get(key)
            if bundle is None:
                bundle = self._bundle(key)
            for counter in bundle[0]:
                counter.inc(1.0, exemplar)
            for histogram in bundle[1]:
                histogram.observe(record.duration_seconds, exemplar)
            if self.measures_sizes:
                self._measure(record, bundle)
        else:
            # seldom, and without the cells of times and sizes, which would stand on the page at zero
            for metric in self._by_role["total"]:
                if metric.websockets:
                    _cell(metric, _facts(*key, "")).inc(1.0, exemplar)
        failure = error_type(record)
        if failure is not None:
            self.record_error(record, failure, exemplar)

    @staticmethod
    def _measure(record: RequestRecord, bundle: Bundle) -> None:
        for cell in bundle[2]:
            cell.observe(content_length(record.scope.get("headers", ())))
        for cell in bundle[3]:
            cell.observe(record.response_size)

    def record_error(self, record: RequestRecord, failure: str, exemplar: Exemplar = None) -> None:
        """
        Count one error of a request, under the error type given.
        """
        facts = _facts(record.method, record.route or self._unmatched, record.status_code or 0, failure)
        for metric in self._by_role["errors"]:
            _cell(metric, facts).inc(1.0, exemplar)

    def _bundle(self, key: tuple[str, str, int]) -> Bundle:
        facts = _facts(*key, "")
        if len(self._bundles) >= MAX_BUNDLES:
            self._bundles.clear()
        found = tuple(tuple(_cell(metric, facts) for metric in self._by_role[role]) for role in _OF_A_BUNDLE)
        self._bundles[key] = found
        return found

    def refresh(self, template: Any) -> None:
        """
        Set the gauges of requests in progress from the live records.

        Args:
            template: Callable from a record to its route, asked now since routing may be over.
        """
        live = list(self.live)
        for metric in self._by_role["in_progress"]:
            counts: Tally[tuple[str, ...]] = Tally()
            for record in live:
                facts = _facts(record.method, template(record) or self._unmatched, 0, "")
                counts[tuple(facts[source] for source in metric.sources)] += 1
            before = self._in_progress.get(metric.metric, Tally())
            self._in_progress[metric.metric] = counts
            for labels in before.keys() | counts.keys():
                self._show(metric.metric, labels)

    def leave(self) -> None:
        """
        Count no request as in progress any more; for an application that goes.
        """
        self.live.clear()
        self.refresh(lambda record: None)
        _instances.discard(self)

    @staticmethod
    def _show(gauge: Any, labels: tuple[str, ...]) -> None:
        # applications of one process share the gauge
        tallies = [one._in_progress[gauge] for one in list(_instances) if gauge in one._in_progress]
        total = sum(tally[labels] for tally in tallies)
        gauge.labels(*labels).set(float(total))


class Scaled:
    """
    The cell of a duration that is not kept in seconds. Those in seconds go without it.
    """

    __slots__ = ("_observe", "_scale")

    def __init__(self, cell: Any, scale: float) -> None:
        self._observe = cell.observe
        self._scale = scale

    def observe(self, seconds: float, exemplar: Exemplar = None) -> None:
        """
        Count one observation in the metric's own unit.
        """
        self._observe(seconds * self._scale, exemplar)


def content_length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """
    What `Content-Length` says in bytes; 0 where it is missing or no such number.
    """
    for name, value in headers:
        if len(name) == LENGTH_OF_HEADER and name.lower() == b"content-length":
            return int(value) if value.isdigit() and len(value) <= MAX_DIGITS else 0
    return 0


def _facts(method: str, route: str, status: int, failure: str) -> dict[str, str]:
    return {
        "method": method,
        "route": route,
        "status": str(status),
        "status_class": f"{status // 100}xx",
        "error_type": failure,
    }


def _cell(metric: RequestMetric, facts: Mapping[str, str]) -> Any:
    cell = metric.metric.labels(*(facts[source] for source in metric.sources))
    return cell if metric.factor == 1 else Scaled(cell, metric.factor)
