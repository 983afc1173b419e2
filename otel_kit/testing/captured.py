"""
What a test has emitted, and how a test asks for it.

Owns the finders and the differences. Where it all comes from is in `one_test.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from otel_kit.exposition.families import Family
    from otel_kit.logs import LogItem

__all__ = ["CapturedMetrics", "CapturedTelemetry"]

GROWING = ("counter", "histogram", "summary")
"""
Kinds of metrics whose values are differences here.
"""

OF_THE_PROCESS = ("process_", "python_", "otel_kit_gc_", "otel_kit_event_loop_")
"""
Beginnings of names whose values move by themselves, whatever a test does.
"""

OWN = ("otel_kit_", "http_")
"""
Beginnings of names that are shown last.
"""

Found = TypeVar("Found")

SeriesKey: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
"""
Name and sorted labels.
"""

Instruments: TypeAlias = "Callable[[], Iterable[Family]]"
"""
Gives the families of OpenTelemetry's own instruments.
"""


class CapturedTelemetry:
    """
    What was emitted since the test began.
    """

    def __init__(self, instruments: Instruments = tuple) -> None:
        self._instruments = instruments
        self.spans: list[ReadableSpan] = []
        """Ended spans, in the order of their ends: `.name`, `.attributes`, `.events`, `.status`."""
        self.logs: list[LogItem] = []
        """Log records, redacted: `.message`, `.levelname`, `.extra`, `.correlation_id`, `.trace_id`."""
        self.metrics = CapturedMetrics(instruments)

    def span(self, name: str) -> ReadableSpan:
        """
        The one span of this name.

        Raises:
            AssertionError: There are none or several; all names are listed.
        """
        __tracebackhide__ = True
        return _only(
            [span for span in self.spans if span.name == name], "spans", name, [one.name for one in self.spans]
        )

    def log(self, message: str) -> LogItem:
        """
        The one log record with this message.

        Raises:
            AssertionError: There are none or several; all messages are listed.
        """
        __tracebackhide__ = True
        found = [item for item in self.logs if item.message == message]
        return _only(found, "records", message, [one.message for one in self.logs])

    def clear(self) -> None:
        """
        Forget everything so far.
        """
        self.spans.clear()
        self.logs.clear()
        self.metrics = CapturedMetrics(self._instruments)


class CapturedMetrics:
    """
    Differences since the test began; gauges as they are. Metrics of the kit's classes, and instruments of
    OpenTelemetry's API under their names on `/metrics`.
    """

    def __init__(self, instruments: Instruments = tuple) -> None:
        self._instruments = instruments
        self._before = {**_unlisted(), **self._values()}

    def value(self, name: str, **labels: str) -> float:
        """
        Of one series: a counter's increase, a gauge's value, a histogram's number of observations.

        A series that does not exist is 0. A counter may be named as it was declared, without `_total`.
        """
        values = self._values()
        known = {known for known, _ in values}
        key = (
            f"{name}_total" if name not in known and f"{name}_total" in known else name,
            tuple(sorted(labels.items())),
        )
        kind, now = values.get(key, ("gauge", 0.0))
        return now if kind not in GROWING else now - self._before.get(key, (kind, 0.0))[1]

    def __repr__(self) -> str:
        """
        What has grown: pytest shows it below an assertion about a value.
        """
        grown = (
            f"{name}{{{','.join(f'{label}={value}' for label, value in labels)}}} +{increase:g}"
            for (name, labels), increase in sorted(self.changed().items(), key=lambda one: one[0][0].startswith(OWN))
        )
        return f"<grown: {', '.join(grown) or 'nothing'}>"

    def changed(self) -> dict[SeriesKey, float]:
        """
        Every series of a counter or histogram that has grown, by name and sorted labels.

        What the process measures of itself is left out: its time, its event loop, its garbage.
        """
        grown = {}
        for key, (kind, now) in self._values().items():
            increase = now - self._before.get(key, (kind, 0.0))[1]
            if kind in GROWING and increase and not key[0].startswith(OF_THE_PROCESS):
                grown[key] = increase
        return grown

    def _values(self) -> dict[SeriesKey, tuple[str, float]]:
        from otel_kit.ledger import ledger

        families: list[tuple[str, str, Any]] = [
            (family.declaration.kind, family.declaration.name, family.series) for family in ledger.snapshot(own=True)
        ]
        families += [(family.kind, family.name, family.series) for family in self._instruments()]
        found: dict[SeriesKey, tuple[str, float]] = {}
        for kind, name, all_series in families:
            for series in all_series:
                found[(name, tuple(sorted(series.labels)))] = (kind, _count(kind, series.values))
        return found


def _unlisted() -> dict[SeriesKey, tuple[str, float]]:
    """
    What is on no page at the moment: metrics of a profile keep their values, and may be listed again.
    """
    from otel_kit.ledger import ledger

    found: dict[SeriesKey, tuple[str, float]] = {}
    for family in ledger.registry.all_families():
        if ledger.registry.listed.get(family.name) is not family:
            kind = family.declaration.kind
            for child in list(family.series.values()):
                found[(family.name, tuple(sorted(child.labels)))] = (kind, _count(kind, child.own_values()))
    return found


def _count(kind: str, values: Sequence[float]) -> float:
    return float(sum(values[1:]) if kind == "histogram" else values[-1])


def _only(found: list[Found], kind: str, wanted: str, known: list[str]) -> Found:
    # so that a failure points at the line of the test
    __tracebackhide__ = True
    if len(found) != 1:
        raise AssertionError(f"{len(found)} {kind} {wanted!r} among {known}{_hint()}")
    return found[0]


def _hint() -> str:
    """
    Why there may be nothing at all.
    """
    module = sys.modules.get("otel_kit.runtime")
    set_up = module is not None and module.current() is not None
    return "" if set_up else "; no application of this process is set up: setup_observability(app)"
