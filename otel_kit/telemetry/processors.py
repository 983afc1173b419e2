"""
What the SDK's providers call: spans and log records on their way into the queues.

Owns the estimate of an item's size, which bounds memory, and the correlation id on every span.
Runs on the application's threads, so nothing here may wait, raise, or cost more than a few
microseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from otel_kit.context import CORRELATION_KEY, SCOPE_NAME, correlation_id
from otel_kit.faults import fault
from otel_kit.telemetry.spans import plain

__all__ = ["CorrelationProcessor", "QueueLogProcessor", "QueueSpanProcessor"]

BASE_SPAN_BYTES = 512
BASE_LOG_BYTES = 400
SAMPLED = 0x01

Offer = Callable[[Any, int], None]
"""
`ExportQueue.offer`.
"""

Flush = Callable[[float], bool]
"""
Flushes within a number of seconds; False when something is left.
"""


class QueueSpanProcessor(SpanProcessor):
    """
    Offers each sampled span that ends.

    The processor outlives `TracerProvider.shutdown()`: a second lifespan in one process goes on
    with the same provider, so shutting down only flushes.
    """

    def __init__(self, offer: Offer, flush: Flush) -> None:
        self._offer = offer
        self._flush = flush

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """
        Nothing: a span is of interest when it ends.
        """

    def on_end(self, span: ReadableSpan) -> None:
        """
        Offer the span if it is sampled.
        """
        try:
            context = span.context
            if context is not None and context.trace_flags & SAMPLED:
                self._offer(span, span_size(span))
        except Exception as error:  # the end of a span is the application's code path
            fault("export", error)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """
        Send what has ended so far.
        """
        return self._flush(timeout_millis / 1000.0)

    def shutdown(self) -> None:
        """
        Send what has ended so far, within the time that is usual for a flush.
        """
        self._flush(SHUTDOWN_SECONDS)


class QueueLogProcessor(LogRecordProcessor):
    """
    Offers each log record that an OpenTelemetry logger emits.
    """

    def __init__(self, offer: Offer, flush: Flush) -> None:
        self._offer = offer
        self._flush = flush

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """
        Offer a copy that nobody changes any more.
        """
        try:
            readable = ReadableLogRecord(
                log_record.log_record,
                log_record.resource,  # type: ignore[arg-type]
                log_record.instrumentation_scope,
                log_record.limits,
            )
            body = log_record.log_record.body
            size = BASE_LOG_BYTES + text_size(body) + attributes_size(log_record.log_record.attributes)
            self._offer(readable, size)
        except Exception as error:  # a log call is the application's code path
            fault("export", error)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """
        Send what was emitted so far.
        """
        return self._flush(timeout_millis / 1000.0)

    def shutdown(self) -> None:
        """
        Send what was emitted so far, within the time that is usual for a flush.
        """
        self._flush(SHUTDOWN_SECONDS)


class CorrelationProcessor(SpanProcessor):
    """
    Puts the correlation id of the request, task or message on each span started inside it.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """
        Set the attribute; the kit's own spans bring it with them.
        """
        scope = span.instrumentation_scope
        if scope is not None and scope.name == SCOPE_NAME:
            return
        identifier = correlation_id()
        if identifier is not None:
            span.set_attribute(CORRELATION_KEY, identifier)


SHUTDOWN_SECONDS = 4.3


def span_size(span: Any) -> int:
    """
    About how many bytes a span holds; the lengths of its texts, never their content.
    """
    known: int | None = getattr(span, "size", None)
    if known is not None:
        return known
    size = BASE_SPAN_BYTES + attributes_size(span.attributes)
    for event in span.events:
        size += 100 + attributes_size(event.attributes)
    return size


def attributes_size(attributes: Any) -> int:
    """
    About how many bytes the values take.
    """
    size = 0
    for value in plain(attributes).values():
        size += len(value) + 40 if type(value) is str else text_size(value)
    return size


def text_size(value: Any, depth: int = 0) -> int:
    """
    About how many bytes one value takes, with what it contains.
    """
    if isinstance(value, (str, bytes)):
        return len(value) + 40
    if depth < 4 and isinstance(value, (list, tuple)):
        return 40 + sum(text_size(inner, depth + 1) for inner in value)
    if depth < 4 and isinstance(value, dict):
        return 40 + sum(len(str(key)) + text_size(inner, depth + 1) for key, inner in value.items())
    return 40
