"""
A pytest plugin: fixture `telemetry`, with what the code under test has emitted.

Installed with the package; nothing is imported from it but by pytest. The fixture listens on the
kit's providers in this process for the time of one test, so an application that was set up when its
module was imported is covered as well as one made inside the test. It makes no provider and sets no
global: OpenTelemetry's can be set only once, and a tracer that a module has got keeps its provider for good.
After the test nobody listens any more; providers and logging are as they were.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import pytest

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from otel_kit.logs import LogItem
    from otel_kit.runtime import Runtime

__all__ = ["CapturedMetrics", "CapturedTelemetry", "telemetry"]

FLUSH_SECONDS = 1.0

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


class CapturedTelemetry:
    """
    What was emitted since the test began.
    """

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        """Ended spans, in the order of their ends: `.name`, `.attributes`, `.events`, `.status`."""
        self.logs: list[LogItem] = []
        """Log records, redacted: `.message`, `.levelname`, `.extra`, `.correlation_id`, `.trace_id`."""
        self.metrics = CapturedMetrics()

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
        self.metrics = CapturedMetrics()


class CapturedMetrics:
    """
    Differences since the test began; gauges as they are. Metrics of the kit's classes, and instruments of
    OpenTelemetry's API under their names on `/metrics`.
    """

    def __init__(self) -> None:
        self._before = _values()

    def value(self, name: str, **labels: str) -> float:
        """
        Of one series: a counter's increase, a gauge's value, a histogram's number of observations.

        A series that does not exist is 0. A counter may be named as it was declared, without `_total`.
        """
        values = _values()
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
        for key, (kind, now) in _values().items():
            increase = now - self._before.get(key, (kind, 0.0))[1]
            if kind in GROWING and increase and not key[0].startswith(OF_THE_PROCESS):
                grown[key] = increase
        return grown


def _values() -> dict[SeriesKey, tuple[str, float]]:
    from otel_kit import runtime
    from otel_kit.ledger import ledger

    found: dict[SeriesKey, tuple[str, float]] = {}
    families: list[tuple[str, str, Any]] = [
        (family.declaration.kind, family.declaration.name, family.series) for family in ledger.snapshot(own=True)
    ]
    shared = runtime.current()
    if shared is not None:
        families += [(family.kind, family.name, family.series) for family in shared.instruments.families()]
    for kind, name, all_series in families:
        for series in all_series:
            value = sum(series.values[1:]) if kind == "histogram" else series.values[-1]
            found[(name, tuple(sorted(series.labels)))] = (kind, float(value))
    return found


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


class _Listening:
    """
    Puts what a runtime emits on a test's lists, until the test has ended.
    """

    def __init__(self, captured: CapturedTelemetry) -> None:
        self._captured = captured
        self._open = True
        self._undo: list[Callable[[], None]] = []

    def begin(self, runtime: Runtime) -> None:
        """
        Be told of everything that the runtime exports.
        """
        self._undo.append(_added(runtime.telemetry.tracer_provider, _span_processor(self._keep_span)))
        handler, sink = runtime.logs.handler, runtime.logs.handler.sink

        def keep(item: LogItem, size: int) -> None:
            if sink is not None:
                sink(item, size)
            if self._open:
                item.clean(runtime.policy)
                self._captured.logs.append(item)

        def put_back() -> None:
            if handler.sink is keep:
                handler.sink = sink

        handler.sink = keep
        self._undo.append(put_back)

    def end(self) -> None:
        """
        Leave everything as it was.
        """
        self._open = False
        for undo in self._undo:
            undo()

    def _keep_span(self, span: ReadableSpan) -> None:
        if self._open:
            self._captured.spans.append(span)


def _span_processor(keep: Callable[[ReadableSpan], None]) -> Any:
    from opentelemetry.sdk.trace import SpanProcessor

    class Keep(SpanProcessor):
        """
        Hands on each span that ends.
        """

        def on_end(self, span: ReadableSpan) -> None:
            keep(span)

    return Keep()


def _added(provider: Any, processor: Any) -> Callable[[], None]:
    """
    Add a processor; what takes it out again, for which the SDK has no call of its own.
    """
    every = provider._active_span_processor
    before = every._span_processors
    provider.add_span_processor(processor)
    # the provider may have put something of its own around it
    added = [one for one in every._span_processors if one not in before]

    def remove() -> None:
        with every._lock:
            every._span_processors = tuple(one for one in every._span_processors if one not in added)

    return remove


@pytest.fixture
def telemetry() -> Iterator[CapturedTelemetry]:
    """
    Spans, logs and metrics of this test alone.
    """
    from otel_kit import runtime

    captured = CapturedTelemetry()
    listening = _Listening(captured)
    forget = runtime.on_shared(listening.begin)
    try:
        yield captured
    finally:
        forget()
        listening.end()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """
    Have a test's lines written while its output is still being captured, and not between the dots.
    """
    module = sys.modules.get("otel_kit.runtime")
    runtime = None if module is None else module.current()
    if runtime is not None:
        runtime.logs.flush(time.monotonic() + FLUSH_SECONDS)
