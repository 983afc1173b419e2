"""
How spans and log records get onto a test's lists, and nothing afterwards.

Owns what is added to providers and handlers for the time of a test. Knows nothing of whose they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

if TYPE_CHECKING:
    from otel_kit.logs import LogItem
    from otel_kit.runtime import Runtime
    from otel_kit.testing.captured import CapturedTelemetry

__all__ = ["Listening", "processors_of", "remove_processors"]


class Listening:
    """
    Puts on a test's lists what providers and runtimes emit, until the test has ended.
    """

    def __init__(self, captured: CapturedTelemetry) -> None:
        self._captured = captured
        self._open = True
        self._providers: list[Any] = []
        self._undo: list[Callable[[], None]] = []

    def join(self, runtime: Runtime) -> None:
        """
        Be told of everything that the runtime exports.
        """
        self.join_spans(runtime.telemetry.tracer_provider)
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

    def join_spans(self, provider: Any) -> None:
        """
        Be told of every span of this provider that ends; a provider is joined once.
        """
        if any(provider is known for known in self._providers):
            return
        self._providers.append(provider)
        before = processors_of(provider)
        provider.add_span_processor(_Keep(self._keep_span))
        # the provider may have put something of its own around it
        added = [one for one in processors_of(provider) if one not in before]
        self._undo.append(lambda: remove_processors(provider, added))

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


class _Keep(SpanProcessor):
    """
    Hands on each span that ends.
    """

    def __init__(self, keep: Callable[[ReadableSpan], None]) -> None:
        self._keep = keep

    def on_end(self, span: ReadableSpan) -> None:
        self._keep(span)


def processors_of(provider: Any) -> tuple[SpanProcessor, ...]:
    """
    What a provider of the SDK hands its spans to; nothing for one of another make.
    """
    every = getattr(provider, "_active_span_processor", None)
    return () if every is None else every._span_processors


def remove_processors(provider: Any, processors: Sequence[SpanProcessor]) -> None:
    """
    Take them out again, for which the SDK has no call of its own.
    """
    every = provider._active_span_processor
    with every._lock:
        every._span_processors = tuple(one for one in every._span_processors if one not in processors)
