"""
The one server span of a request, by the stable HTTP semantic conventions.

Owns its start, its attributes and its end. Engine `kit` makes the span through the SDK's
tracer; engine `contrib`, or a span that an outer middleware has opened, is only completed.

Source: OpenTelemetry semantic conventions, HTTP spans (stable since 1.23).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    get_current_span,
    set_span_in_context,
)

from otel_kit.captured_headers import CapturedHeaders
from otel_kit.context import RequestRecord
from otel_kit.faults import fault

__all__ = [
    "ServerSpans",
    "adopt",
    "complete",
    "complete_foreign",
    "correct",
    "exception_attributes",
    "open_server_span",
]


class StartsSpans(Protocol):
    """
    Makes server spans from clean attributes: `telemetry.server_tracer.ServerTracer`.
    """

    def start(
        self, name: str, context: Context, attributes: dict[str, Any], links: Sequence[Link], start_ns: int
    ) -> Span: ...


class ServerSpans:
    """
    Starts and ends the server spans of one application.
    """

    def __init__(
        self,
        tracer: StartsSpans,
        request_headers: CapturedHeaders | None = None,
        answer_headers: CapturedHeaders | None = None,
    ) -> None:
        self._tracer = tracer
        self._request_headers = request_headers or None
        self._answer_headers = answer_headers or None
        self.captures_answers = self._answer_headers is not None

    def start(self, record: RequestRecord, remote: SpanContext | None, base: Context) -> Context:
        """
        Open the span, put its ids on the record, and give the context in which the application runs.

        Args:
            remote: The caller's span: the parent when the peer is trusted, else a link.
            base: Context with the caller's baggage.
        """
        links: Sequence[Link] = ()
        if remote is not None:
            if record.trusted:
                base = set_span_in_context(NonRecordingSpan(remote), base)
            else:
                links = (Link(remote),)
        name = _verb(record)
        span = self._tracer.start(name, base, _attributes(record), links, record.started_ns)
        adopt(record, span)
        if self._request_headers is not None and span.is_recording():
            span.set_attributes(self._request_headers.attributes(record.scope["headers"]))
        return set_span_in_context(span, base)

    def answered(self, record: RequestRecord, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """
        Note those headers of the answer that are to be captured. Never raises.
        """
        if self._answer_headers is not None and record.span.is_recording():
            try:
                record.span.set_attributes(self._answer_headers.attributes(headers))
            except Exception as error:
                fault("span", error)

    def end(self, record: RequestRecord, failure: str | None) -> None:
        """
        Complete the span with the outcome and end it.
        """
        span = record.span
        if span.is_recording():
            complete(record, failure)
            if record.failure is not None:
                _record_exception(span, record.failure)
            span.end(record.started_ns + int(record.duration_seconds * 1e9))

    def late(self, record: RequestRecord, failure: str | None) -> None:
        """
        The span of a quiet request that failed after all, with the times that it had.
        """
        self.start(record, None, Context())
        self.end(record, failure)


def adopt(record: RequestRecord, span: Span) -> None:
    """
    Make `span` the server span of the record.
    """
    context = span.get_span_context()
    record.span = span
    record.trace_id = f"{context.trace_id:032x}"
    record.span_id = f"{context.span_id:016x}"
    record.trace_flags = context.trace_flags & 1


def correct(record: RequestRecord, stranger: SpanContext | None) -> None:
    """
    Set what the kit knows better than the engine that has made the span: id, addresses, and who called.

    Args:
        stranger: The caller's span, where it was not to be joined.
    """
    attributes = {"correlation_id": record.correlation_id}
    if record.client is not None:
        attributes["client.address"] = record.client
    if record.peer is not None:
        attributes["network.peer.address"] = record.peer
    record.span.set_attributes(attributes)
    if stranger is not None:
        record.span.add_link(stranger)


def open_server_span() -> Span | None:
    """
    The server span that something outside of the kit has opened in this process, if any.
    """
    if not otel_context.get_current():
        return None
    span = get_current_span()
    if span is INVALID_SPAN or not span.is_recording() or getattr(span, "kind", None) is not SpanKind.SERVER:
        return None
    return span


def complete(record: RequestRecord, failure: str | None) -> None:
    """
    Set what is known at the end: route, status, error.
    """
    span = record.span
    attributes: dict[str, Any] = {}
    name = _verb(record)
    if record.status_code is not None:
        attributes["http.response.status_code"] = record.status_code
    if record.route is not None:
        attributes["http.route"] = record.route
        name = f"{name} {record.route}"
    if record.disconnected:
        attributes["otel_kit.client_disconnected"] = True
    if failure is not None:
        attributes["error.type"] = failure
    direct = getattr(span, "complete", None)
    if direct is not None:
        direct(name, attributes, failure is not None)
        return
    span.update_name(name)
    span.set_attributes(attributes)
    if failure is not None:
        span.set_status(Status(StatusCode.ERROR))


def complete_foreign(record: RequestRecord, failure: str | None) -> None:
    """
    `complete` for a span that somebody else ends, and may have ended: nobody touches it then.

    With the exception that an answer of 500 or more was given for. The other engine records only what is raised
    through it: that stands there already, or the answer is none.
    """
    span = record.span
    if not span.is_recording():
        return
    complete(record, failure)
    if record.failure is None or (record.status_code or 0) < 500:
        return
    if not any(event.name == "exception" for event in getattr(span, "events", ())):
        _record_exception(span, record.failure)


def _verb(record: RequestRecord) -> str:
    """
    The first word of the span's name: the conventions want `HTTP` for a method that no standard names.
    """
    return "HTTP" if record.method == "_OTHER" else record.method


def _attributes(record: RequestRecord) -> dict[str, Any]:
    scope = record.scope
    attributes: dict[str, Any] = {
        "http.request.method": record.method,
        "url.scheme": scope.get("scheme", "http"),
        "url.path": record.path,
        "network.protocol.version": scope.get("http_version", "1.1"),
        "correlation_id": record.correlation_id,
    }
    if record.method == "_OTHER":
        attributes["http.request.method_original"] = record.original_method
    if record.query:
        attributes["url.query"] = record.query
    if record.user_agent:
        attributes["user_agent.original"] = record.user_agent
    if record.client is not None:
        attributes["client.address"] = record.client
    if record.peer is not None:
        attributes["network.peer.address"] = record.peer
    if record.server is not None:
        attributes["server.address"], port = record.server
        if port is not None:
            attributes["server.port"] = port
    return attributes


def _record_exception(span: Span, failure: Any) -> None:
    """
    One `exception` event; its stack trace becomes text where it is exported.

    Args:
        failure: A `logs.exceptions.ExceptionText`.
    """
    direct = getattr(span, "add_failure", None)
    if direct is not None:
        direct(failure)
    else:
        span.add_event("exception", exception_attributes(failure))


def exception_attributes(failure: Any) -> dict[str, str]:
    """
    Attributes of the `exception` event, by the semantic conventions.
    """
    return {
        "exception.type": failure.type,
        "exception.message": failure.message,
        "exception.stacktrace": failure.stack,
        "exception.escaped": "True",
    }
