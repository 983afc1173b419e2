"""
The request path: two rings around the application.

Owns the order of events in one request. Knows nothing of exporters or settings files;
everything that it needs is handed to it.

The outer ring stands outside of everything, also of the handler of unhandled errors, so the
correlation id is on every answer. The inner ring stands inside all middleware: a middleware
may hand on a copy of the scope, and only the copy learns the route.

A request ends with the last piece of its answer and before that piece is sent, so whoever has
read the answer finds the request counted. What comes later (background tasks) belongs to the
trace, but no longer to the request's time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Protocol

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import get_current_span
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from otel_kit.arrival import Arrivals, Headers
from otel_kit.context import RequestRecord, current_record
from otel_kit.faults import fault
from otel_kit.request_metrics import RequestMetrics, error_type, middleware_duration
from otel_kit.routes import RouteTable
from otel_kit.server_span import ServerSpans, adopt, complete, open_server_span

__all__ = ["InnerRing", "OuterRing", "RequestPath"]

RECORD_KEY = "otel_kit.record"
PEER_KEY = "otel_kit.peer"
CORRELATION_HEADER = b"x-correlation-id"
CLIENT_CLOSED_REQUEST = 499


class RequestLog(Protocol):
    """
    Where the one line of a request goes.
    """

    def emit(self, record: RequestRecord) -> None: ...

    def late_error(self, error: BaseException) -> None: ...


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
        contrib: bool = False,
    ) -> None:
        self.arrivals = arrivals
        self.spans = spans
        self.metrics = metrics
        self.routes = routes
        self.log = log
        self.own = own
        self.quiet = quiet
        self.contrib = contrib
        self.serving = False

    def begin(self, scope: Scope, receive: Receive) -> tuple[RequestRecord, Context]:
        """
        The record of the request and the context in which the application is to run.
        """
        record, headers = self.arrivals.record(scope, receive)
        record.quiet = self.quiet(_local_path(scope))
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
            return otel_context.get_current()
        outer = open_server_span()
        if outer is not None:
            adopt(record, outer)
            outer.set_attribute("correlation_id", record.correlation_id)
            return otel_context.get_current()
        remote, context = self.arrivals.parent(record, headers)
        if self.spans is not None and not record.quiet:
            return self.spans.start(record, remote, context)
        return context

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
            if self.spans is not None and not self.contrib:
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
            # the handler of unhandled errors answers inside its `except`, before it raises again
            pending = sys.exc_info()[1]
            if isinstance(pending, Exception) and not isinstance(pending, HTTPException):
                record.error = pending
        record.route = self.route_of(record)

    def route_of(self, record: RequestRecord) -> str | None:
        """
        The full template, as far as routing has come by now.
        """
        return self.routes.template(record.scope, record.entry_path, record.root_path)

    def failed(self, record: RequestRecord, error: BaseException) -> None:
        """
        The application has raised `error`: before its answer was whole, or in a background task after it.
        """
        if not isinstance(error, Exception):
            record.disconnected = True  # cancelled by the server: nobody is left to answer
        elif isinstance(error, WebSocketDisconnect):
            record.disconnected = True
        elif not record.finished:
            record.error = error
        elif record.error is not error:
            self.metrics.record_error(record, type(error).__name__)
            self.log.late_error(error)


class OuterRing:
    """
    Outermost middleware: makes the record, ends the request, puts the id on every answer.
    """

    def __init__(self, app: ASGIApp, path: RequestPath, serve: Callable[[], None], lifespan: Any) -> None:
        self.app = app
        self.path = path
        self.serve = serve
        self.lifespan = lifespan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        kind = scope["type"]
        if kind == "lifespan":
            await self.lifespan(self.app, scope, receive, send)
            return
        if kind not in ("http", "websocket") or RECORD_KEY in scope:
            await self.app(scope, receive, send)
            return
        path = self.path
        if not path.serving:
            self.serve()
        own = path.own.get(_local_path(scope)) if kind == "http" else None
        if own is not None:
            await self._answer_own(own, scope, receive, send)
            return
        try:
            record, context = path.begin(scope, receive)
        except Exception as error:
            fault("asgi", error)
            await self.app(scope, receive, send)
            return

        async def receive_watching() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect" and not record.finished:
                record.disconnected = True
            return message

        async def send_with_id(message: Message) -> None:
            message_type = message["type"]
            if message_type in _STARTS:
                message = _with_id(message, record)
            elif message_type in _BODIES:
                if not message.get("more_body", False):
                    path.finish(record)
            elif message_type == "websocket.close" and record.status_code is None:
                record.status_code = 403
            await send(message)

        record_token = current_record.set(record)
        context_token = otel_context.attach(context)
        record.own_seconds = perf_counter() - started
        try:
            await self.app(scope, receive_watching, send_with_id)
        except BaseException as error:
            path.failed(record, error)
            raise
        finally:
            path.finish(record)
            otel_context.detach(context_token)
            current_record.reset(record_token)

    async def _answer_own(self, own: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        record, _ = self.path.arrivals.record(scope, receive)
        scope[PEER_KEY] = record.peer

        async def send_with_id(message: Message) -> None:
            await send(_with_id(message, record) if message["type"] in _STARTS else message)

        await own(scope, receive, send_with_id)


class InnerRing:
    """
    Innermost middleware: keeps the scope in which the route is found, and the span of another engine.
    """

    def __init__(self, app: ASGIApp, path: RequestPath) -> None:
        self.app = app
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        record = scope.get(RECORD_KEY)
        if record is None or record.scope is not scope or self.path.contrib:
            record = current_record.get()
            if record is not None:
                record.scope = scope
                if record.arriving:
                    send = self._completing(record, send)
        await self.app(scope, receive, send)

    def _completing(self, record: RequestRecord, send: Send) -> Send:
        """
        Adopt the span of the other engine, and complete it when the answer starts: it ends before the outer ring's turn.
        """
        record.arriving = False
        span = get_current_span()
        if not span.get_span_context().is_valid:
            return send
        adopt(record, span)
        span.set_attribute("correlation_id", record.correlation_id)

        async def send_completing(message: Message) -> None:
            if message["type"] in _STARTS:
                record.route = self.path.route_of(record)
                complete(record, None)
            await send(message)

        return send_completing


_STARTS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
_BODIES = frozenset({"http.response.body", "websocket.http.response.body"})


def _with_id(message: Message, record: RequestRecord) -> Message:
    """
    The start of an answer with exactly one correlation id, and its status noted.

    The list of headers is made anew: it may belong to a response that is sent more than once.
    """
    record.status_code = message.get("status", 101)
    headers = [pair for pair in message.get("headers", ()) if pair[0].lower() != CORRELATION_HEADER]
    headers.append((CORRELATION_HEADER, record.correlation_id.encode("ascii")))
    return {**message, "headers": headers}


def _local_path(scope: Scope) -> str:
    """
    The path below the server's own prefix.
    """
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(root) else path
