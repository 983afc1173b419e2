"""
The server spans that the kit makes, encoded the short way, against the official encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from otel_kit.redaction import MASK, Policy
from otel_kit.telemetry import usual
from otel_kit.telemetry.light_span import ServerSpan
from otel_kit.telemetry.server_tracer import ServerTracer
from otel_kit.telemetry.spans import SpanEncoder
from tests.otlp_receiver import attributes_of

START = {
    "http.request.method": "GET",
    "url.scheme": "http",
    "url.path": "/items/3",
    "network.protocol.version": "1.1",
    "correlation_id": "c-1",
    "user_agent.original": "curl/8",
    "client.address": "10.0.0.1",
    "network.peer.address": "10.0.0.2",
    "server.address": "shop.test",
    "server.port": 8000,
}
END = {"http.response.status_code": 200, "http.route": "/items/{id}"}
REMOTE = SpanContext(7, 8, True, TraceFlags(1), TraceState([("vendor", "x")]))

Make = Callable[..., ServerSpan]


@pytest.fixture
def make() -> Iterator[Make]:
    provider = TracerProvider(resource=Resource({"service.name": "orders"}), shutdown_on_exit=False)
    tracer = ServerTracer(provider.get_tracer("otel_kit"))

    def span(
        start: dict[str, Any] = START,
        end: dict[str, Any] = END,
        parent: SpanContext | None = None,
        links: tuple[Link, ...] = (),
        failed: bool = False,
        touch: Callable[[ServerSpan], None] | None = None,
    ) -> ServerSpan:
        context = set_span_in_context(NonRecordingSpan(parent), Context()) if parent else Context()
        made = tracer.start("GET", context, dict(start), links, 1_700_000_000_000_000_000)
        assert isinstance(made, ServerSpan)
        if touch is not None:
            touch(made)
        made.complete("GET /items/{id}", end, failed)
        made.end(1_700_000_000_250_000_000)
        return made

    yield span
    provider.shutdown()


def both(span: ServerSpan) -> list[Any]:
    """
    The span as the kit encodes it after a plain one, and as the official encoder does; attributes by name.
    """
    encoder = SpanEncoder(Policy())
    for _ in range(2):
        body, _lost = encoder.encode([span])
    found = []
    for request in (ExportTraceServiceRequest.FromString(body), encode_spans([span])):
        one = request.resource_spans[0].scope_spans[0].spans[0]
        attributes = attributes_of(one)
        del one.attributes[:]
        found.append((attributes, one))
    return found


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"parent": REMOTE},
        {"parent": SpanContext(7, 9, False, TraceFlags(1))},
        {"failed": True},
        {"start": {**START, "url.query": "page=2"}},
        {"start": {key: value for key, value in START.items() if key != "user_agent.original"}},
        {"start": {**START, "url.query": "page=2", "http.request.method_original": "BREW"}},
        {"end": {"http.response.status_code": 200}},
        {"end": {**END, "error.type": "500"}, "failed": True},
        {"links": (Link(REMOTE),)},
        {"touch": lambda span: span.add_event("paid", {"amount": 3})},
        {"touch": lambda span: span.set_attribute("order", 7)},
        {"touch": lambda span: span.set_attribute("http.route", "/mine")},
        {"touch": lambda span: span.set_status(Status(StatusCode.ERROR, "bad"))},
    ],
)
def test_equals_official_encoder(make: Make, changed: dict[str, Any]) -> None:
    """
    However the request went, and whatever the application put on the span, the message is the official one.
    """
    ours, official = both(make(**changed))

    assert official == ours


def test_spans_of_one_route_keep_what_is_their_own(make: Make) -> None:
    """
    Spans that share method, route and status are told apart by path, id, addresses and query.
    """
    spans = [
        make(start={**START, "url.path": f"/items/{number}", "correlation_id": f"c-{number}"}) for number in (1, 2)
    ]

    request = ExportTraceServiceRequest.FromString(SpanEncoder(Policy()).encode(spans)[0])

    assert [("/items/1", "c-1"), ("/items/2", "c-2")] == [
        (attributes_of(span)["url.path"], attributes_of(span)["correlation_id"])
        for span in request.resource_spans[0].scope_spans[0].spans
    ]


def test_what_the_application_sets_is_cleaned(make: Make) -> None:
    """
    A secret that the application puts on the span, under a name of its own or of the kit's, does not leave.
    """
    for key in ("password", "url.path"):
        span = make(touch=lambda span, key=key: span.set_attribute(key, "password=hunter2"))  # type: ignore[misc]
        body, _lost = SpanEncoder(Policy()).encode([span])

        assert (True, False) == (MASK.encode() in body, b"hunter2" in body)


def test_combinations_are_bounded(make: Make) -> None:
    """
    Ever new user agents do not grow the cache beyond its bound.
    """
    encoder = SpanEncoder(Policy())
    for first in range(0, 3 * usual.MAX_COMBINATIONS, 500):
        numbers = range(first, first + 500)
        encoder.encode([make(start={**START, "user_agent.original": f"agent {number}"}) for number in numbers])

    assert usual.MAX_COMBINATIONS >= len(encoder._usual_attributes._known)


def test_a_started_span_is_not_started_again(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """
    As the SDK's: the second start is told of in the log, and the first one holds.
    """
    span = make(touch=lambda span: span.start(1))

    assert 1_700_000_000_000_000_000 == span.start_time
    assert "started span" in caplog.text
