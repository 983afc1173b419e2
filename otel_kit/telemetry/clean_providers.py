"""
Providers whose other exporters see clean spans and records, too.

Owns what happens when somebody adds a processor to the kit's providers: an exporter for another
backend is one more exit. At its end a span can't be changed any more, so every processor gets a
clean copy of it; while it starts and runs it is the application's own. A log record goes from
processor to processor and each may add to it, so only those that export get a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider

from otel_kit.faults import fault
from otel_kit.redaction import Policy
from otel_kit.telemetry.official import clean_span, readable_record
from otel_kit.telemetry.processors import CorrelationProcessor, QueueSpanProcessor

__all__ = ["CleanLoggerProvider", "CleanTracerProvider"]

_OWN = (QueueSpanProcessor, CorrelationProcessor)
_EXPORTING = (BatchLogRecordProcessor, SimpleLogRecordProcessor)


class CleanTracerProvider(TracerProvider):
    """
    The SDK's provider of tracers, with clean spans for whatever is added to it.
    """

    def __init__(self, policy: Policy, **given: Any) -> None:
        self._policy = policy
        self.has_exits = False
        """Whether there is a processor that may hand spans on to somebody."""
        super().__init__(**given)

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """
        As the SDK's; at their ends the processor gets copies of spans that hold no secrets.
        """
        self.has_exits = self.has_exits or not isinstance(span_processor, CorrelationProcessor)
        if not isinstance(span_processor, _OWN):
            span_processor = _CleanEnds(span_processor, lambda span: clean_span(span, self._policy, None))
        super().add_span_processor(span_processor)


class CleanLoggerProvider(LoggerProvider):
    """
    The SDK's provider of loggers, with clean records for exporters that are added to it.
    """

    def __init__(self, policy: Policy, **given: Any) -> None:
        self._policy = policy
        super().__init__(**given)

    def add_log_record_processor(self, log_record_processor: LogRecordProcessor) -> None:
        """
        As the SDK's; a processor that exports gets copies of records that hold no secrets.
        """
        if isinstance(log_record_processor, _EXPORTING):
            log_record_processor = _CleanRecords(log_record_processor, self._policy)
        super().add_log_record_processor(log_record_processor)


class _CleanEnds(SpanProcessor):
    def __init__(self, inner: SpanProcessor, clean: Callable[[ReadableSpan], ReadableSpan]) -> None:
        self._inner = inner
        self._clean = clean

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._inner.on_start(span, parent_context)

    def _on_ending(self, span: Span) -> None:
        self._inner._on_ending(span)

    def on_end(self, span: ReadableSpan) -> None:
        try:
            clean = self._clean(span)
        except Exception as error:  # a span that can't be read can't be cleaned, so it goes nowhere
            fault("redaction", error)
            return
        self._inner.on_end(clean)

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._inner.force_flush(timeout_millis)


class _CleanRecords(LogRecordProcessor):
    def __init__(self, inner: LogRecordProcessor, policy: Policy) -> None:
        self._inner = inner
        self._policy = policy

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        try:
            clean = readable_record(log_record, self._policy, None, None)
        except Exception as error:  # a record that can't be read can't be cleaned, so it goes nowhere
            fault("redaction", error)
            return
        copy = ReadWriteLogRecord(clean.log_record, clean.resource, clean.instrumentation_scope, log_record.limits)
        self._inner.on_emit(copy)

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._inner.force_flush(timeout_millis)
