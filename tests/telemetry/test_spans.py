"""
The span encoder against the official one, and what it does with values that no encoder takes.
"""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from otel_kit import faults
from otel_kit.context import CLEAN_SPAN_KEYS
from otel_kit.redaction import Policy
from otel_kit.telemetry.spans import SpanEncoder
from tests.otlp_receiver import attributes_of
from tests.telemetry import spans_made

RESOURCE = Resource({"service.name": "orders"})


def parsed(encoder: SpanEncoder, spans: list[Any]) -> tuple[Any, int]:
    body, lost = encoder.encode(spans)
    return ExportTraceServiceRequest.FromString(body), lost


def one(span: Any, **options: Any) -> Any:
    request, lost = parsed(SpanEncoder(Policy(), **options), [span])
    assert 0 == lost
    return request.resource_spans[0].scope_spans[0].spans[0]


def light_span(**changed: Any) -> SimpleNamespace:
    """A span that is none of the SDK's, with the same properties."""
    values: dict[str, Any] = {
        "name": "GET /",
        "context": SpanContext(1, 2, False, TraceFlags(1)),
        "parent": None,
        "kind": SpanKind.SERVER,
        "start_time": 10,
        "end_time": 20,
        "attributes": {"a": "b"},
        "events": (),
        "links": (),
        "status": Status(StatusCode.UNSET),
        "resource": RESOURCE,
        "instrumentation_scope": InstrumentationScope("otel_kit"),
        "dropped_attributes": 0,
        "dropped_events": 0,
        "dropped_links": 0,
        "clean_keys": CLEAN_SPAN_KEYS,
    }
    return SimpleNamespace(**{**values, **changed})


@pytest.mark.parametrize("seed", range(60))
def test_equals_official_encoder(seed: int) -> None:
    """
    A batch of generated spans parses to the very message that the official encoder makes.
    """
    chance = random.Random(seed)
    spans = [spans_made.span(chance) for _ in range(20)]

    request, lost = parsed(SpanEncoder(Policy()), spans)

    assert (encode_spans(spans), 0) == (request, lost)


def test_equals_official_encoder_from_its_cache() -> None:
    """
    The second time, when all pairs come from the cache, the message is still the same.
    """
    chance = random.Random(7)
    spans = [spans_made.span(chance) for _ in range(30)]
    encoder = SpanEncoder(Policy())
    encoder.encode(spans)

    request, _ = parsed(encoder, spans)

    assert encode_spans(spans) == request


def test_takes_spans_of_the_sdk_with_dropped_parts() -> None:
    """
    Counts of what the limits cost are on the wire as the official encoder has them.
    """
    memory = InMemorySpanExporter()
    provider = TracerProvider(
        resource=RESOURCE, shutdown_on_exit=False, span_limits=SpanLimits(max_attributes=1, max_events=1, max_links=1)
    )
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with provider.get_tracer("t").start_as_current_span("s", attributes={"a": 1, "b": 2}) as span:
        span.add_event("one")
        span.add_event("two", {"x": 1, "y": 2})
        span.add_link(SpanContext(1, 2, True))
        span.add_link(SpanContext(3, 4, False))
    finished = list(memory.get_finished_spans())

    request, _ = parsed(SpanEncoder(Policy()), finished)

    assert encode_spans(finished) == request


def test_true_one_and_one_point_zero_stay_apart() -> None:
    """
    Values that Python finds equal keep their types, whichever came first.
    """
    encoder = SpanEncoder(Policy())
    for value in (1, True, 1.0, "1"):
        encoder.encode([light_span(attributes={"k": value})])

    kinds = [
        parsed(encoder, [light_span(attributes={"k": value})])[0]
        .resource_spans[0]
        .scope_spans[0]
        .spans[0]
        .attributes[0]
        .value.WhichOneof("value")
        for value in (1, True, 1.0, "1")
    ]

    assert ["int_value", "bool_value", "double_value", "string_value"] == kinds


def test_numbers_beyond_64_bits_become_text() -> None:
    """
    An integer that no int64 holds arrives in digits.
    """
    span = one(light_span(attributes={"big": 2**70, "small": -(2**80)}))

    assert {"big": str(2**70), "small": str(-(2**80))} == attributes_of(span)


def test_lone_surrogates_are_replaced_everywhere() -> None:
    """
    Text that UTF-8 can't carry, in name, keys, values, events or status, costs no span.
    """
    bad = "a\ud800b"
    event = SimpleNamespace(name=bad, timestamp=1, attributes={bad: bad})
    span = one(
        light_span(name=bad, attributes={bad: [bad, {bad: bad}]}, events=(event,), status=Status(StatusCode.ERROR, bad))
    )

    texts = span.name, span.events[0].name, span.status.message, span.attributes[0].key
    assert {"a\N{REPLACEMENT CHARACTER}b"} == set(texts)


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def test_one_bad_span_leaves_the_others() -> None:
    """
    Of three spans the one without a context is left out and counted.
    """
    before = faults.counts().get("encoder", 0)

    request, lost = parsed(SpanEncoder(Policy()), [light_span(), light_span(context=None), light_span()])

    assert (2, 1, before + 1) == (
        len(request.resource_spans[0].scope_spans[0].spans),
        lost,
        faults.counts().get("encoder", 0),
    )


def test_hostile_values_cost_no_span() -> None:
    """
    An object without text, a cycle and deep nesting arrive as something short.
    """
    cycle: list[Any] = []
    cycle.append(cycle)

    span = one(light_span(attributes={"object": Hostile(), "cycle": cycle, "fine": "yes"}))

    assert ({"object", "cycle", "fine"}, "yes") == (set(attributes_of(span)), attributes_of(span)["fine"])


def test_secrets_leave_no_part_of_a_span() -> None:
    """
    Name, attributes, events, status, links, scope and resource go through the policy.
    """
    secret = "swordfish99"
    event = SimpleNamespace(name=secret, timestamp=1, attributes={"exception.message": f"x {secret}"})
    link = SimpleNamespace(context=SpanContext(1, 2, False), attributes={"l": secret})
    encoder = SpanEncoder(Policy(patterns=[secret]))
    span = light_span(
        name=f"GET {secret}",
        attributes={"a": f"<{secret}>", secret: "key", "nested": {"deep": [secret]}},
        events=(event,),
        links=(link,),
        status=Status(StatusCode.ERROR, secret),
        resource=Resource({"r": secret}),
        instrumentation_scope=InstrumentationScope("s", secret, attributes={"x": secret}),
    )

    first, _ = encoder.encode([span])
    second, _ = encoder.encode([span])

    assert secret.encode() not in first + second


def test_keys_cleaned_at_the_source_are_skipped() -> None:
    """
    `url.path` of a span that says so passed the policy where it was set; that of any other did not.
    """
    encoder = SpanEncoder(Policy(patterns=["swordfish"]))

    def path_of(clean_keys: frozenset[str]) -> str:
        span = light_span(attributes={"url.path": "/swordfish"}, clean_keys=clean_keys)
        request, _ = parsed(encoder, [span])
        return str(attributes_of(request.resource_spans[0].scope_spans[0].spans[0])["url.path"])

    assert ("/swordfish", "/REDACTED") == (path_of(CLEAN_SPAN_KEYS), path_of(frozenset()))


def test_values_are_cut_at_the_limit() -> None:
    """
    The final cut of a text is the one the limit names.
    """
    span = one(light_span(attributes={"long": "word " * 100, "url.path": "p" * 100}), limit=20)

    assert [20, 20] == [len(text) for text in attributes_of(span).values()]


def test_cache_stays_bounded() -> None:
    """
    Ever new keys and values leave no more behind than the cache's bounds.
    """
    encoder = SpanEncoder(Policy())
    for number in range(3000):
        encoder.encode([light_span(name=f"n{number}", attributes={f"k{number}": f"v{number}", "id": str(number)})])
    known = encoder._kit_attributes._keys

    assert (True, True, True) == (
        len(known) <= 1024,
        sum(len(entry.strings) for entry in known.values()) <= 8192,
        len(encoder._names) <= 1024,
    )
