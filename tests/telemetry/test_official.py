"""
Official exporters as senders: redacted copies in, judged results out.
"""

from __future__ import annotations

import logging
import random
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags
from opentelemetry.trace.span import TraceState

from otel_kit.logs.item import LogItem
from otel_kit.redaction import Policy
from otel_kit.telemetry.official import MetricSender, OfficialSender, clean_span, readable_record
from tests.telemetry import spans_made
from tests.telemetry.test_spans import light_span


class Answering:
    """An exporter with one answer."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def export(self, batch: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_spans_reach_the_exporter_without_secrets() -> None:
    """
    The exporter gets a copy that went through the policy; the original stays as it was.
    """
    memory = InMemorySpanExporter()
    sender = OfficialSender(memory, lambda span: clean_span(span, Policy(patterns=["swordfish"]), None), "memory")
    original = light_span(name="GET swordfish", attributes={"a": "swordfish"})

    outcome = sender.send(sender.prepare([original]).payload, 1.0)

    copy = memory.get_finished_spans()[0]
    assert ("delivered", "GET REDACTED", {"a": "REDACTED"}, "swordfish") == (
        outcome.verdict,
        copy.name,
        dict(copy.attributes or {}),
        original.attributes["a"],
    )


def test_generated_spans_survive_the_copy() -> None:
    """
    The official encoder makes the same message of clean spans and of their copies.
    """
    spans = [spans_made.span(random.Random(seed)) for seed in range(20)]

    assert encode_spans(spans) == encode_spans([clean_span(span, Policy(), None) for span in spans])


def test_log_items_reach_the_exporter() -> None:
    """
    The kit's item becomes a record of the SDK with ids, severity and resource.
    """
    memory: Any = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    resource = Resource({"service.name": "orders"})
    sender = OfficialSender(memory, lambda item: readable_record(item, Policy(), resource, None), "memory")
    item = LogItem(5.0, logging.ERROR, "ERROR", "shop", "failed")
    item.trace_id, item.span_id = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

    sender.send(sender.prepare([item]).payload, 1.0)

    record = memory.get_finished_logs()[0]
    assert ("failed", 17, int("b7ad6b7169203331", 16), resource) == (
        record.log_record.body,
        record.log_record.severity_number.value if record.log_record.severity_number else 0,
        record.log_record.span_id,
        record.resource,
    )


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (SpanExportResult.SUCCESS, "delivered"),
        (SpanExportResult.FAILURE, "drop"),
        (RuntimeError("x"), "drop"),
        (None, "drop"),
    ],
)
def test_results_are_judged(answer: Any, expected: str) -> None:
    """
    Only SUCCESS is a delivery.
    """
    assert expected == OfficialSender(Answering(answer), lambda item: item, "x").send(["a"], 1.0).verdict


def test_one_failed_collection_is_a_failure() -> None:
    """
    Of several collections of metrics each has to succeed.
    """
    answers = iter([SpanExportResult.SUCCESS, SpanExportResult.FAILURE])

    class Changing:
        def export(self, batch: Any) -> Any:
            return next(answers)

    assert "drop" == MetricSender(Changing(), lambda item: item, "x").send(["a", "b"], 1.0).verdict


def test_an_item_that_cannot_be_copied_is_counted() -> None:
    """
    Of two items the one that is no span is left out.
    """
    sender = OfficialSender(Answering(None), lambda span: clean_span(span, Policy(), None), "x")

    prepared = sender.prepare([light_span(), object()])

    assert (1, 1) == (len(prepared.payload), prepared.unencodable)


def test_trace_state_and_scope_are_clean() -> None:
    """
    What an exporter reads beside the attributes has passed the policy.
    """
    policy = Policy(patterns=["swordfish"])
    context = SpanContext(1, 2, False, TraceFlags(1), TraceState([("dd", "s:1"), ("vendor", "swordfish")]))
    scope = InstrumentationScope("library", attributes={"password": "x"})

    copy = clean_span(light_span(context=context, instrumentation_scope=scope), policy, None)

    assert {"dd": "s:1"} == dict(copy.get_span_context().trace_state.items())  # type: ignore[union-attr]
    assert {"password": "REDACTED"} == dict(copy.instrumentation_scope.attributes)  # type: ignore[union-attr,arg-type]


def test_names_of_events_and_severities_are_clean() -> None:
    """
    A record's other texts pass the policy too.
    """
    record = LogRecord(body="said", severity_text="swordfish", event_name="swordfish")
    given = ReadWriteLogRecord(record, Resource({}), InstrumentationScope("library"))

    clean = readable_record(given, Policy(patterns=["swordfish"]), None, None).log_record

    assert ("REDACTED", "REDACTED") == (clean.severity_text, clean.event_name)
