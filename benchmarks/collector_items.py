"""
What the load consists of: traces of two services, and log lines, as encoded OTLP requests.

A span has twenty attributes, as a server span of the kit with some of the service's own; a trace has ten spans, so
that RED metrics and the service graph have work to do. A log record has eight attributes and its trace's ids.
"""

from __future__ import annotations

import time

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

ITEMS = 500
"""Spans or log records in a request."""

SPANS_A_TRACE = 10

MARKER = b"\xf5\xa7\xb3\xc1\xd9"
"""The five bytes of each trace id that are another in every request; no UTF-8 text holds them."""

ROUTES = ("/orders", "/orders/{order_id}", "/items", "/items/{item_id}", "/chat/completions", "/users/{user_id}")

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

# (service, kind, parent) of each span of a trace: a shop that calls its stock twice
SHAPE = (
    ("shop", Span.SPAN_KIND_SERVER, None),
    ("shop", Span.SPAN_KIND_INTERNAL, 0),
    ("shop", Span.SPAN_KIND_CLIENT, 0),
    ("stock", Span.SPAN_KIND_SERVER, 2),
    ("stock", Span.SPAN_KIND_INTERNAL, 3),
    ("shop", Span.SPAN_KIND_CLIENT, 0),
    ("stock", Span.SPAN_KIND_SERVER, 5),
    ("stock", Span.SPAN_KIND_INTERNAL, 6),
    ("shop", Span.SPAN_KIND_INTERNAL, 0),
    ("shop", Span.SPAN_KIND_INTERNAL, 8),
)


def encode_spans(resource: dict[str, str]) -> bytes:
    """
    One request of `ITEMS` spans.
    """
    owners = {service: resource_spans(service, resource) for service in ("shop", "stock")}
    for trace in range(ITEMS // SPANS_A_TRACE):
        for place, (service, _, _) in enumerate(SHAPE):
            owners[service].scope_spans[0].spans.append(span(trace, place))
    return ExportTraceServiceRequest(resource_spans=owners.values()).SerializeToString()


def encode_logs(resource: dict[str, str]) -> bytes:
    """
    One request of `ITEMS` log records.
    """
    request = ExportLogsServiceRequest()
    owner = request.resource_logs.add(resource=resource_of("shop", resource))
    owner.scope_logs.add(scope=InstrumentationScope(name="shop.orders")).log_records.extend(
        record(number) for number in range(ITEMS)
    )
    return request.SerializeToString()


def span(trace: int, place: int) -> Span:
    """
    One span of a trace; one trace in fifty ends in an error.
    """
    _, kind, parent = SHAPE[place]
    route = ROUTES[trace % len(ROUTES)]
    failed = trace == 7 and place == 0
    began = time.time_ns()
    return Span(
        trace_id=trace_id(trace),
        span_id=span_id(trace, place),
        parent_span_id=b"" if parent is None else span_id(trace, parent),
        name=f"GET {route}" if kind == Span.SPAN_KIND_SERVER else f"step {place}",
        kind=kind,
        start_time_unix_nano=began,
        end_time_unix_nano=began + (40 - 3 * place) * 1_000_000,
        attributes=pairs(span_attributes(trace, route)),
        status=Status(code=Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_UNSET),
    )


def span_attributes(trace: int, route: str) -> dict[str, str | int | bool]:
    """
    Twenty attributes: the HTTP conventions, then the service's own.
    """
    return {
        "http.request.method": "GET",
        "url.scheme": "http",
        "url.path": route.replace("{", "").replace("}", ""),
        "url.query": "page=2&limit=20",
        "http.route": route,
        "http.response.status_code": 200,
        "server.address": "shop.internal.example",
        "server.port": 8000,
        "client.address": "10.24.3.117",
        "network.protocol.version": "1.1",
        "user_agent.original": AGENT,
        "correlation_id": f"0b4d6d6c-2f6b-4a7d-9a0e-{trace:012x}",
        "order.id": f"ord-{trace:08d}",
        "order.status": "accepted",
        "order.items": 3,
        "customer.region": "eu-central",
        "warehouse.name": "berlin-east",
        "cache.hit": trace % 3 == 0,
        "feature.variant": "checkout-b",
        "deployment.ring": "canary",
    }


def record(number: int) -> LogRecord:
    """
    One line of the kit's shape; one in a hundred is an error.
    """
    failed = number % 100 == 7
    attributes: dict[str, str | int | bool] = {
        "logger": "shop.orders",
        "correlation_id": f"0b4d6d6c-2f6b-4a7d-9a0e-{number % 50:012x}",
        "http.request.method": "GET",
        "http.route": ROUTES[number % len(ROUTES)],
        "http.response.status_code": 500 if failed else 200,
        "duration_ms": 12,
        "order.id": f"ord-{number:08d}",
        "customer.region": "eu-central",
    }
    return LogRecord(
        time_unix_nano=time.time_ns(),
        observed_time_unix_nano=time.time_ns(),
        severity_number=SeverityNumber.SEVERITY_NUMBER_ERROR if failed else SeverityNumber.SEVERITY_NUMBER_INFO,
        severity_text="ERROR" if failed else "INFO",
        body=AnyValue(string_value=f"request_completed GET {ROUTES[number % len(ROUTES)]} in 12 ms"),
        attributes=pairs(attributes),
        trace_id=trace_id(number % (ITEMS // SPANS_A_TRACE)),
        span_id=span_id(number % (ITEMS // SPANS_A_TRACE), 0),
    )


def resource_spans(service: str, more: dict[str, str]) -> ResourceSpans:
    """
    A service's part of a request, with no spans yet.
    """
    scope = ScopeSpans(scope=InstrumentationScope(name="otel_kit", version="1"))
    return ResourceSpans(resource=resource_of(service, more), scope_spans=[scope])


def resource_of(service: str, more: dict[str, str]) -> Resource:
    """
    The resource that the kit gives a service.
    """
    own = {
        "service.name": service,
        "service.version": "1.4.2",
        "service.instance.id": f"{service}-6d5f7c9b8-x2x7k",
        "deployment.environment.name": "production",
    }
    return Resource(attributes=pairs({**own, **more}))


def trace_id(trace: int) -> bytes:
    """
    Sixteen bytes; half of them by number, as some readers look at the right half alone.
    """
    return (trace * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "big") + trace.to_bytes(3, "big") + MARKER


def span_id(trace: int, place: int) -> bytes:
    """
    Eight bytes that are unique within a request.
    """
    return (trace * SPANS_A_TRACE + place + 1).to_bytes(8, "big")


def pairs(values: dict[str, str] | dict[str, str | int | bool]) -> list[KeyValue]:
    """
    Attributes as OTLP has them.
    """
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def any_value(value: str | int | bool) -> AnyValue:
    """
    One value with its type.
    """
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)
