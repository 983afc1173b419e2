"""
A pytest plugin: fixture `telemetry`, with what the code under test has emitted.

Installed with the package; nothing is imported from it but by pytest. The fixture listens on
the process's providers for the time of one test, so an application that was set up when its
module was imported is covered as well as one made inside the test.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from otel_kit.logs import LogItem
    from otel_kit.runtime import Runtime

__all__ = ["CapturedMetrics", "CapturedTelemetry", "telemetry"]


FLUSH_SECONDS = 1.0


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
        found = [span for span in self.spans if span.name == name]
        assert len(found) == 1, f"{len(found)} spans {name!r} among {[span.name for span in self.spans]}"
        return found[0]

    def log(self, message: str) -> LogItem:
        """
        The one log record with this message.

        Raises:
            AssertionError: There are none or several; all messages are listed.
        """
        found = [item for item in self.logs if item.message == message]
        assert len(found) == 1, f"{len(found)} records {message!r} among {[item.message for item in self.logs]}"
        return found[0]

    def clear(self) -> None:
        """
        Forget everything so far.
        """
        self.spans.clear()
        self.logs.clear()
        self.metrics = CapturedMetrics()


class CapturedMetrics:
    """
    The ledger's numbers, as differences since the test began; gauges as they are.
    """

    def __init__(self) -> None:
        self._before = _values()

    def value(self, name: str, **labels: str) -> float:
        """
        Of one series: a counter's increase, a gauge's value, a histogram's number of observations.

        A series that does not exist is 0.
        """
        key = (name, tuple(sorted(labels.items())))
        kind, now = _values().get(key, ("gauge", 0.0))
        return now if kind == "gauge" else now - self._before.get(key, (kind, 0.0))[1]

    def changed(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """
        Every series of a counter or histogram that has grown, by name and sorted labels.
        """
        grown = {}
        for key, (kind, now) in _values().items():
            increase = now - self._before.get(key, (kind, 0.0))[1]
            if kind != "gauge" and increase:
                grown[key] = increase
        return grown


def _values() -> dict[tuple[str, tuple[tuple[str, str], ...]], tuple[str, float]]:
    from otel_kit.ledger import ledger

    found: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[str, float]] = {}
    for family in ledger.snapshot(own=True):
        declaration = family.declaration
        for series in family.series:
            value = sum(series.values[1:]) if declaration.kind == "histogram" else series.values[-1]
            found[(declaration.name, tuple(sorted(series.labels)))] = (declaration.kind, float(value))
    return found


class _Tap:
    """
    Listens on a runtime for as long as a test wants it to.
    """

    def __init__(self) -> None:
        self.captured: CapturedTelemetry | None = None
        self._runtime: Runtime | None = None

    def listen(self, runtime: Runtime) -> None:
        """
        Be told of everything that the runtime exports, once per runtime.
        """
        if self._runtime is runtime:
            return
        self._runtime = runtime
        runtime.telemetry.tracer_provider.add_span_processor(_span_processor(self))
        handler, sink = runtime.logs.handler, runtime.logs.handler.sink

        def keep(item: LogItem, size: int) -> None:
            if sink is not None:
                sink(item, size)
            if self.captured is not None:
                item.clean(runtime.policy)
                self.captured.logs.append(item)

        handler.sink = keep


def _span_processor(tap: _Tap) -> Any:
    from opentelemetry.sdk.trace import SpanProcessor

    class Keep(SpanProcessor):
        """
        Puts each span that ends on the test's list.
        """

        def on_end(self, span: ReadableSpan) -> None:
            if tap.captured is not None:
                tap.captured.spans.append(span)

    return Keep()


_tap = _Tap()


@pytest.fixture
def telemetry() -> Iterator[CapturedTelemetry]:
    """
    Spans, logs and metrics of this test alone.
    """
    from otel_kit import runtime

    runtime.on_shared(_tap.listen)
    _tap.captured = CapturedTelemetry()
    yield _tap.captured
    _tap.captured = None


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """
    Have a test's lines written while its output is still being captured, and not between the dots.
    """
    module = sys.modules.get("otel_kit.runtime")
    if module is not None:
        module.flush_lines(FLUSH_SECONDS)
