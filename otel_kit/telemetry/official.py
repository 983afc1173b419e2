"""
Any official exporter as a sender: the console, and OTLP over gRPC where it is installed.

Owns the redacted copies that such exporters get, since they read the SDK's own objects, and
the judgement of their results. They retry by themselves, so a failure is final here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, Status, TraceFlags, set_span_in_context

from otel_kit.faults import fault
from otel_kit.logs.item import LogItem
from otel_kit.propagation import clean_trace_state, with_trace_state
from otel_kit.redaction import Policy
from otel_kit.telemetry.logs import item_attributes, severity
from otel_kit.telemetry.outcome import Outcome, Prepared
from otel_kit.telemetry.scopes import clean_scope
from otel_kit.telemetry.spans import plain

__all__ = ["OfficialSender", "clean_span", "readable_record"]


class OfficialSender:
    """
    Hands batches to `exporter.export`.

    Args:
        exporter: A `SpanExporter`, `LogRecordExporter` or `MetricExporter`.
        convert: What the exporter gets for one item of the queue.
        host: Where it goes, for log lines.
    """

    endpoint_is_default = False

    def __init__(self, exporter: Any, convert: Callable[[Any], Any], host: str) -> None:
        self.host = host
        self._exporter = exporter
        self._convert = convert

    def prepare(self, items: Sequence[Any]) -> Prepared:
        """
        Redacted copies of the items.
        """
        copies = []
        for item in items:
            try:
                copies.append(self._convert(item))
            except Exception as error:  # one bad item must not take the others with it
                fault("encoder", error)
        return Prepared(copies or None, len(items) - len(copies))

    def send(self, payload: Sequence[Any], timeout_seconds: float) -> Outcome:
        """
        One call of the exporter.
        """
        try:
            result = self._exporter.export(payload)
        except Exception as error:  # exporters are anybody's
            fault("export", error)
            return Outcome("drop", type(error).__qualname__, "failed", answered=False)
        if getattr(result, "name", "") == "SUCCESS":
            return Outcome("delivered")
        return Outcome("drop", "the exporter failed", "failed", answered=False)

    def reset(self) -> None:
        """
        Nothing: exporters see to their own connections.
        """


class MetricSender(OfficialSender):
    """
    The same for metrics, whose exporters take one `MetricsData` at a time.
    """

    def send(self, payload: Sequence[Any], timeout_seconds: float) -> Outcome:
        """
        One call of the exporter for each collection.
        """
        outcomes = [super(MetricSender, self).send(data, timeout_seconds) for data in payload]
        return next((outcome for outcome in outcomes if outcome.verdict != "delivered"), outcomes[-1])


def clean_span(span: Any, policy: Policy, limit: int | None) -> ReadableSpan:
    """
    A copy of a span that holds no secrets.
    """
    scope = span.instrumentation_scope
    return ReadableSpan(
        name=policy.text(span.name),
        context=clean_context(span.context, policy),
        parent=span.parent,
        resource=span.resource,
        attributes=policy.mapping(plain(span.attributes), limit),  # type: ignore[arg-type]
        events=[
            Event(policy.text(event.name), policy.mapping(plain(event.attributes), limit), event.timestamp)  # type: ignore[arg-type]
            for event in span.events
        ],
        links=[
            Link(clean_context(link.context, policy), policy.mapping(plain(link.attributes), limit))  # type: ignore[arg-type]
            for link in span.links
        ],
        kind=span.kind,
        status=Status(span.status.status_code, policy.text(span.status.description or "") or None),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=None if scope is None else clean_scope(scope, policy),
    )


def clean_context(context: SpanContext, policy: Policy) -> SpanContext:
    """
    The span's context without secrets in its trace state: the same object when clean.
    """
    if not context.trace_state:
        return context
    state = clean_trace_state(context.trace_state, policy)
    return context if state is context.trace_state else with_trace_state(context, state)


def readable_record(record: Any, policy: Policy, resource: Any, limit: int | None) -> ReadableLogRecord:
    """
    A `LogItem`, or a record of the SDK, as a record of the SDK that holds no secrets.
    """
    if isinstance(record, LogItem):
        record.clean(policy)
        return ReadableLogRecord(_record_of(record), resource, InstrumentationScope(record.logger))
    original, scope = record.log_record, record.instrumentation_scope
    clean = LogRecord(  # type: ignore[call-overload]
        timestamp=original.timestamp,
        observed_timestamp=original.observed_timestamp,
        context=original.context,
        severity_text=policy.text(original.severity_text or "") or None,
        severity_number=original.severity_number,
        body=policy.value("", original.body, limit),
        attributes=policy.mapping(plain(original.attributes), limit),
        event_name=policy.text(original.event_name or "") or None,
    )
    return ReadableLogRecord(clean, record.resource, None if scope is None else clean_scope(scope, policy))


def _record_of(item: LogItem) -> LogRecord:
    number, text = severity(item.levelno, item.levelname)
    nanoseconds = int(item.created * 1e9)
    context = None
    if item.trace_id is not None and item.span_id is not None:
        ids = SpanContext(int(item.trace_id, 16), int(item.span_id, 16), False, TraceFlags(item.trace_flags))
        context = set_span_in_context(NonRecordingSpan(ids))
    return LogRecord(
        timestamp=nanoseconds,
        observed_timestamp=nanoseconds,
        context=context,
        severity_text=text,
        severity_number=SeverityNumber(number),
        body=item.message,
        attributes=item_attributes(item),
    )
