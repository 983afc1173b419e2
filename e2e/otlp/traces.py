"""
Spans and requests with them.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from e2e.otlp.values import Attributes, pairs

__all__ = ["event", "link", "span", "span_id", "trace_id", "traces"]


def trace_id() -> str:
    """
    A new one.
    """
    return secrets.token_hex(16)


def span_id() -> str:
    """
    A new one.
    """
    return secrets.token_hex(8)


def span(
    name: str,
    *,
    trace: str | None = None,
    id: str | None = None,
    parent: str | None = None,
    kind: str = "SERVER",
    attributes: Attributes | None = None,
    events: Iterable[Span.Event] = (),
    links: Iterable[Span.Link] = (),
    error: str | None = None,
    start: int | None = None,
    milliseconds: float = 5.0,
    state: str = "",
) -> Span:
    """
    One span that has ended; `error` is the text of an error status, `start` is in nanoseconds.
    """
    begun = time.time_ns() if start is None else start
    return Span(
        trace_id=bytes.fromhex(trace or trace_id()),
        span_id=bytes.fromhex(id or span_id()),
        parent_span_id=bytes.fromhex(parent or ""),
        trace_state=state,
        name=name,
        kind=Span.SpanKind.Value(f"SPAN_KIND_{kind}"),
        start_time_unix_nano=begun,
        end_time_unix_nano=begun + int(milliseconds * 1e6),
        attributes=pairs(attributes),
        events=events,
        links=links,
        status=None if error is None else Status(code=Status.STATUS_CODE_ERROR, message=error),
    )


def event(name: str, attributes: Attributes | None = None) -> Span.Event:
    """
    An event of a span, now.
    """
    return Span.Event(name=name, time_unix_nano=time.time_ns(), attributes=pairs(attributes))


def link(trace: str, span: str, attributes: Attributes | None = None) -> Span.Link:
    """
    A link to another span.
    """
    return Span.Link(trace_id=bytes.fromhex(trace), span_id=bytes.fromhex(span), attributes=pairs(attributes))


def traces(spans: Iterable[Span], resource: Attributes, scope: str = "e2e") -> ExportTraceServiceRequest:
    """
    A request with these spans of one service.
    """
    scoped = ScopeSpans(scope=InstrumentationScope(name=scope), spans=spans)
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=Resource(attributes=pairs(resource)), scope_spans=[scoped])]
    )
