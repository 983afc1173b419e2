"""
Counter, Gauge, Histogram and Summary, in the shape of prometheus_client.

Owns the public constructors and the methods of metrics without labels. To construct the same
declaration again gives the same object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from otel_kit.catalogue import (
    DEFAULT_BUCKETS,
    Declaration,
    DeclarationError,
    Kind,
    Merge,
    bucket_bounds,
    joined_name,
    label_names,
    series_cap,
)
from otel_kit.ledger.cells import ExemplarIds
from otel_kit.ledger.children import CounterChild, GaugeChild, HistogramChild, SummaryChild
from otel_kit.ledger.family import Family
from otel_kit.ledger.registry import FamilyT, Registry
from otel_kit.ledger.timing import ExceptionCount, InProgress, Timer

__all__ = ["KINDS", "REGISTRY", "Counter", "Gauge", "Histogram", "Summary"]

REGISTRY = Registry()
"""The process's own."""

_MERGES: dict[str, Merge] = {
    "sum": "sum",
    "livesum": "sum",
    "all": "sum",
    "liveall": "sum",
    "max": "max",
    "livemax": "max",
    "min": "min",
    "livemin": "min",
}


class Counter(Family[CounterChild]):
    """
    Counts events; `_total` is added to the name when absent.

    Args:
        labelnames: Few, each with few values.
        max_series: Label sets beyond this many count as the overflow series.
        registry: None makes a handle that no snapshot shows until `ledger.register` lists it.
    """

    def __new__(
        cls,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: Registry | None = REGISTRY,
        *,
        max_series: int | None = None,
    ) -> Counter:
        full = joined_name(name, namespace, subsystem, unit, ending="_total")
        declaration = Declaration("counter", full, documentation, label_names(labelnames))
        return _made(cls, declaration, registry, max_series)

    def inc(self, amount: float = 1.0, exemplar: ExemplarIds | None = None) -> None:
        """
        Count up, by at least 0.
        """
        self.unlabelled.inc(amount, exemplar)

    def count_exceptions(
        self, exception: type[BaseException] | tuple[type[BaseException], ...] = Exception
    ) -> ExceptionCount:
        """
        Block or decorator that counts the exceptions leaving it.
        """
        return self.unlabelled.count_exceptions(exception)


class Gauge(Family[GaugeChild]):
    """
    A value that goes up and down.

    Args:
        multiprocess_mode: How the values of several living workers become one: their `sum`, `max`
            or `min`. prometheus_client's `all` and the `live…` forms are read as these; the gauges
            of dead workers never count.
    """

    def __new__(
        cls,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: Registry | None = REGISTRY,
        *,
        multiprocess_mode: str = "sum",
        max_series: int | None = None,
    ) -> Gauge:
        merge = _MERGES.get(multiprocess_mode) if isinstance(multiprocess_mode, str) else None
        if merge is None:
            raise DeclarationError(f"gauge {name!r} can't be merged by {multiprocess_mode!r}: sum, max or min")
        full = joined_name(name, namespace, subsystem, unit)
        declaration = Declaration("gauge", full, documentation, label_names(labelnames), merge=merge)
        return _made(cls, declaration, registry, max_series)

    def remove(self, *values: object) -> None:
        """
        Show the series with these label values no more, until `labels` makes it anew; no change where there is none.

        Where several workers share their numbers it is gone when no living one has it; of gauges that add up a 0 stays.
        """
        self.take_away(values, 0.0 if self.declaration.merge == "sum" else float("nan"))

    def inc(self, amount: float = 1.0) -> None:
        """
        Go up.
        """
        self.unlabelled.inc(amount)

    def dec(self, amount: float = 1.0) -> None:
        """
        Go down.
        """
        self.unlabelled.dec(amount)

    def set(self, value: float) -> None:
        """
        Replace the value.
        """
        self.unlabelled.set(value)

    def set_to_current_time(self) -> None:
        """
        Set to epoch seconds.
        """
        self.unlabelled.set_to_current_time()

    def set_function(self, function: Callable[[], float]) -> None:
        """
        Ask the function for the value before each snapshot.
        """
        self.unlabelled.set_function(function)

    def track_inprogress(self) -> InProgress:
        """
        Block or decorator that is counted while it runs.
        """
        return self.unlabelled.track_inprogress()

    def time(self) -> Timer:
        """
        Block or decorator whose last duration is the value: in seconds, or in milliseconds where the name says so.
        """
        return self.unlabelled.time()


class Histogram(Family[HistogramChild]):
    """
    Observations by size.

    Args:
        buckets: Upper bounds in the metric's own unit, rising; +Inf is always there.
        extremes: Keep the smallest and largest observation too; no text format shows them.
    """

    def __new__(
        cls,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: Registry | None = REGISTRY,
        *,
        buckets: Iterable[float] = DEFAULT_BUCKETS,
        extremes: bool = False,
        max_series: int | None = None,
    ) -> Histogram:
        full, bounds = joined_name(name, namespace, subsystem, unit), bucket_bounds(buckets)
        declaration = Declaration("histogram", full, documentation, label_names(labelnames), bounds, extremes=extremes)
        return _made(cls, declaration, registry, max_series)

    def observe(self, value: float, exemplar: ExemplarIds | None = None) -> None:
        """
        Count one observation.
        """
        self.unlabelled.observe(value, exemplar)

    def time(self) -> Timer:
        """
        Block or decorator whose duration is observed: in seconds, or in milliseconds where the name says so.
        """
        return self.unlabelled.time()


class Summary(Family[SummaryChild]):
    """
    Sum and count of observations.
    """

    def __new__(
        cls,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: Registry | None = REGISTRY,
        *,
        max_series: int | None = None,
    ) -> Summary:
        full = joined_name(name, namespace, subsystem, unit)
        declaration = Declaration("summary", full, documentation, label_names(labelnames))
        return _made(cls, declaration, registry, max_series)

    def observe(self, value: float) -> None:
        """
        Count one observation.
        """
        self.unlabelled.observe(value)

    def time(self) -> Timer:
        """
        Block or decorator whose duration is observed: in seconds, or in milliseconds where the name says so.
        """
        return self.unlabelled.time()


KINDS: dict[Kind, type[Family[Any]]] = {
    "counter": Counter,
    "gauge": Gauge,
    "histogram": Histogram,
    "summary": Summary,
}


def _made(kind: type[FamilyT], declaration: Declaration, registry: Registry | None, max_series: int | None) -> FamilyT:
    if registry is not None and not isinstance(registry, Registry):
        raise DeclarationError(f"metric {declaration.name!r}: a {type(registry).__name__} is no registry of the kit's")
    family = (registry or REGISTRY).intern(kind, declaration, series_cap(max_series), local=False)
    if registry is not None:
        registry.register(family)
    return family
