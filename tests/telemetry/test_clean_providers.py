"""
Exporters that somebody adds to the kit's providers.
"""

from __future__ import annotations

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_kit import faults
from otel_kit.redaction import Policy
from otel_kit.telemetry.clean_providers import CleanLoggerProvider, CleanTracerProvider

POLICY = Policy(patterns=["swordfish"])


def tracers() -> CleanTracerProvider:
    """
    A provider that nobody else uses.
    """
    return CleanTracerProvider(POLICY, shutdown_on_exit=False)


def loggers() -> CleanLoggerProvider:
    """
    The same for logs.
    """
    return CleanLoggerProvider(POLICY, shutdown_on_exit=False)


def test_an_added_exporter_gets_clean_spans() -> None:
    """
    Name, attributes, events and status have passed the policy.
    """
    provider, memory = tracers(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))

    with provider.get_tracer("shop").start_as_current_span("swordfish", attributes={"note": "swordfish"}) as span:
        span.add_event("swordfish", {"password": "x"})

    (clean,) = memory.get_finished_spans()
    assert ("REDACTED", {"note": "REDACTED"}) == (clean.name, dict(clean.attributes or {}))
    assert [("REDACTED", {"password": "REDACTED"})] == [(e.name, dict(e.attributes or {})) for e in clean.events]


def test_an_added_processor_sees_the_span_itself_as_it_starts() -> None:
    """
    What a processor sets at the start arrives.
    """

    class Marks(SpanProcessor):
        def on_start(self, span: object, parent_context: object = None) -> None:
            span.set_attribute("marked", True)  # type: ignore[attr-defined]

    provider, memory = tracers(), InMemorySpanExporter()
    provider.add_span_processor(Marks())
    provider.add_span_processor(SimpleSpanProcessor(memory))

    provider.get_tracer("shop").start_span("work").end()

    assert {"marked": True} == dict(memory.get_finished_spans()[0].attributes or {})
    assert provider.force_flush()


def test_a_span_that_cannot_be_cleaned_goes_nowhere() -> None:
    """
    The fault is counted, and the exporter gets nothing.
    """
    provider, memory = tracers(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    before = faults.counts().get("redaction", 0)

    provider._active_span_processor.on_end(ReadableSpan(name=None))  # type: ignore[arg-type]

    assert () == memory.get_finished_spans()
    assert before < faults.counts()["redaction"]


def test_an_added_exporter_gets_clean_records() -> None:
    """
    Body and attributes have passed the policy.
    """
    provider, memory = loggers(), InMemoryLogRecordExporter()
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))

    provider.get_logger("shop").emit(LogRecord(body="swordfish", attributes={"password": "x"}))

    (clean,) = memory.get_finished_logs()
    assert ("REDACTED", {"password": "REDACTED"}) == (clean.log_record.body, dict(clean.log_record.attributes or {}))


def test_a_processor_that_adds_to_records_is_left_alone() -> None:
    """
    What it adds reaches the processors behind it.
    """

    class Adds(LogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            log_record.log_record.attributes["added"] = 1  # type: ignore[index]

        def shutdown(self) -> None:
            return None

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    provider, memory = loggers(), InMemoryLogRecordExporter()
    provider.add_log_record_processor(Adds())
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))

    provider.get_logger("shop").emit(LogRecord(body="said"))

    assert {"added": 1} == dict(memory.get_finished_logs()[0].log_record.attributes or {})
