"""
What happens to a request at its two ends, in order.

Owns the steps of a request's begin and finish: each concern once, in the order in which it is
asked. Knows nothing of ASGI messages; the rings in `asgi.py` call it.

A request ends with the last piece of its answer and before that piece is sent, so whoever has
read the answer finds the request counted. What comes later (background tasks) belongs to the
trace, but no longer to the request's time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Protocol

from opentelemetry import context as otel_context
from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY, Context
from opentelemetry.trace import INVALID_SPAN, Span, set_span_in_context
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from otel_kit.arrival import Arrivals, Headers
from otel_kit.context import RequestRecord
from otel_kit.faults import fault
from otel_kit.handled import describe_failure, find_error
from otel_kit.health import Health
from otel_kit.ratelimit import Limiter
from otel_kit.refusals import Refusal
from otel_kit.request_metrics import RequestMetrics, content_length, error_type, middleware_duration
from otel_kit.routes import RouteTable
from otel_kit.server_span import ServerSpans, adopt, complete, complete_foreign, correct, open_server_span

__all__ = ["PEER_KEY", "RECORD_KEY", "RequestPath", "with_id"]

RECORD_KEY = "otel_kit.record"
PEER_KEY = "otel_kit.peer"
CORRELATION_HEADER = b"x-correlation-id"
LENGTH_OF_HEADER = len(CORRELATION_HEADER)
CLIENT_CLOSED_REQUEST = 499
FORBIDDEN = 403
NOT_CUT_OFF = frozenset({1000, 1001, 1012})
"""Close codes of a client that has finished or goes elsewhere, and of this server's own end (RFC 6455, 7.4)."""


class RequestLog(Protocol):
    """
    Where the one line of a request goes.
    """

    def emit(self, record: RequestRecord) -> None: ...

    def late_error(self, record: RequestRecord, error: BaseException) -> None: ...


class RequestPath:
    """
    What the rings of one application share: each concern once, in the order in which it is asked.
    """

    def __init__(
        self,
        *,
        arrivals: Arrivals,
        spans: ServerSpans | None,
        metrics: RequestMetrics,
        routes: RouteTable,
        log: RequestLog,
        own: Mapping[str, ASGIApp],
        quiet: Callable[[str], bool],
        limiter: Limiter,
        health: Health,
        literals: frozenset[str],
        profile: str,
        contrib: bool = False,
    ) -> None:
        self.arrivals = arrivals
        self.spans = spans
        self.metrics = metrics
        self.routes = routes
        self.log = log
        self.own = own
        self.quiet = quiet
        self.limiter = limiter
        self.health = health
        self.literals = literals
        self.profile = profile
        self.contrib = contrib
        self.captures_answers = spans is not None and spans.captures_answers and not contrib
        self.serving = False
        self.inside = False
        """Whether requests have come here that belong to another application, around this one."""
        self.found_inside: Callable[[str, str], None] = lambda place, profile: None

    def begin(self, scope: Scope, receive: Receive) -> tuple[RequestRecord, Context]:
        """
        The record of the request and the context in which the application is to run.
        """
        record, headers = self.arrivals.record(scope, receive)
        record.owner = self
        record.quiet = self.quiet(record.local_path)
        scope[RECORD_KEY] = record
        scope[PEER_KEY] = record.peer
        # FastAPI's own telemetry leaves a scope alone that has this key, also in mounted applications
        scope.setdefault("fastapi.telemetry", None)
        context = self._open(record, headers)
        self.metrics.live.add(record)
        return record, context

    def _open(self, record: RequestRecord, headers: Headers) -> Context:
        """
        Open the server span, unless another engine does or something outside has done so already.
        """
        if self.contrib:
            record.arriving = True
            context = otel_context.get_current()
            # what instrumentations of HTTP agree on: the other engine makes no span then
            return (
                otel_context.set_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY, True, context) if record.quiet else context
            )
        outer = open_server_span()
        if outer is not None:
            adopt(record, outer)
            record.foreign_span = True
            outer.set_attribute("correlation_id", record.correlation_id)
            return otel_context.get_current()
        remote, context = self.arrivals.parent(record, headers)
        if self.spans is not None and not record.quiet:
            return self.spans.start(record, remote, context)
        return context

    def arrived(self, record: RequestRecord, span: Span) -> Context:
        """
        What another engine has begun becomes the record's, if it has begun anything.

        Args:
            span: The current one. Without the SDK that is the caller's own, and nobody here may take its ids.

        Returns:
            The context in which the application is to run.
        """
        record.arriving = False
        current, found = otel_context.get_current(), span.get_span_context()
        if record.quiet:
            current = otel_context.set_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY, False, current)
        if found.is_valid and not found.is_remote:
            record.foreign_span = True
            adopt(record, span)
            correct(record, self.arrivals.stranger(record))
            return current
        return set_span_in_context(INVALID_SPAN, current) if found.is_remote else current

    def answered(self, record: RequestRecord, message: Message) -> None:
        """
        The answer starts within another engine's span, and nothing inside can change it any more. Never raises.
        """
        try:
            record.status_code = message.get("status", 101)
            record.route = self.route_of(record)
            if record.status_code >= 500:
                find_error(record)
            complete(record, error_type(record))
        except Exception as error:
            fault("asgi", error)

    def answer(self, record: RequestRecord, decision: Refusal | None) -> ASGIApp | None:
        """
        What the kit answers in place of the application: a refusal or a health page; None for neither.
        """
        path = record.local_path
        if decision is not None:
            # routing has not begun; a template without parameters is known all the same
            record.own_route = path if path in self.literals else None
            return decision
        found = self.health.find(path) if record.kind == "http" else None
        if found is None:
            return None
        record.own_route, page = found
        return page

    def met_inside(self, place: str, around: RequestPath) -> None:
        """
        The first request has come that belongs to another application, around this one.
        """
        self.inside = True
        self.found_inside(place, around.profile)

    def started(self, record: RequestRecord, message: Message) -> Message:
        """
        The start of an answer, with the id on it. Never raises: the answer goes out as it is at worst.
        """
        try:
            message = with_id(message, record)
            if self.metrics.measures_sizes:
                record.response_size = content_length(message["headers"])
            if self.spans is not None and self.captures_answers:
                self.spans.answered(record, message["headers"])
        except Exception as error:
            fault("asgi", error)
        return message

    async def refuse(self, record: RequestRecord, scope: Scope, message: Message, send: Send) -> None:
        """
        The application closes a websocket that it has not accepted: the server would answer 403 without the id.

        Where the server lets the answer be written, it is the same with the id on it.
        """
        record.status_code = FORBIDDEN
        # Starlette's test client tells the code of the closing, which tests look at and no server sends
        is_tested = (scope.get("client") or ("",))[0] == "testclient"
        if is_tested or "websocket.http.response" not in scope.get("extensions", {}):
            await send(message)
            return
        start = {"type": "websocket.http.response.start", "status": FORBIDDEN, "headers": []}
        await send(self.started(record, start))
        self.finish(record)
        await send({"type": "websocket.http.response.body", "body": b""})

    def finish(self, record: RequestRecord) -> None:
        """
        The request is over: count it, end its span, write its line. Called once, never raises.
        """
        if record.finished:
            return
        record.finished = True
        started = perf_counter()
        record.duration_seconds = started - record.started
        self.metrics.live.discard(record)
        try:
            self._settle(record)
            failure = error_type(record)
            if record.quiet and failure is not None and self.spans is not None:
                self.spans.late(record, failure)
            exemplar = (record.trace_id, record.span_id) if record.trace_flags and record.trace_id else None
            self.metrics.record(record, exemplar)  # type: ignore[arg-type]
            if record.foreign_span:
                complete_foreign(record, failure)
            elif self.spans is not None:
                self.spans.end(record, failure)
            if not record.quiet or failure is not None:
                self.log.emit(record)
            middleware_duration.observe(record.own_seconds + perf_counter() - started)
        except Exception as error:
            fault("asgi", error)

    def _settle(self, record: RequestRecord) -> None:
        """
        Fill in what the end alone can tell: status, error, route.
        """
        if record.status_code is None:
            record.status_code = CLIENT_CLOSED_REQUEST if record.disconnected else 500
        elif record.status_code >= 500 and record.error is None:
            # the handler of unhandled errors answers inside its `except`, too, before it raises again
            find_error(record)
        describe_failure(record, record.status_code)
        record.route = self.route_of(record)

    def route_of(self, record: RequestRecord) -> str | None:
        """
        The full template, as far as routing has come by now.
        """
        if record.own_route is not None:
            return record.own_route
        return self.routes.template(record.scope, record.entry_path, record.root_path)

    def failed(self, record: RequestRecord, error: BaseException) -> None:
        """
        The application has raised `error`: before its answer was whole, or in a background task after it.
        """
        if not isinstance(error, Exception):
            record.disconnected = True  # cancelled by the server: nobody is left to answer
        elif isinstance(error, WebSocketDisconnect):
            record.disconnected = record.status_code is None or error.code not in NOT_CUT_OFF
        elif not record.finished:
            record.error, record.failure = error, None
        elif error is not record.error and error is not record.raised:
            self.metrics.record_error(record, type(error).__name__)
            self.log.late_error(record, error)


def with_id(message: Message, record: RequestRecord) -> Message:
    """
    The start of an answer with exactly one correlation id, and its status noted.

    The list of headers is made anew: it may belong to a response that is sent more than once.
    """
    record.status_code = message.get("status", 101)
    headers = [
        pair
        for pair in message.get("headers", ())
        # names of another length, nearly all of them, need no second look
        if len(pair[0]) != LENGTH_OF_HEADER or pair[0].lower() != CORRELATION_HEADER
    ]
    headers.append((CORRELATION_HEADER, record.correlation_id.encode("ascii")))
    return {**message, "headers": headers}
