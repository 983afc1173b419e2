"""
The rings around the application.

Owns what is done to ASGI messages, and that the application is called exactly once, with its
answer and its exceptions unchanged whatever happens to the kit. What the steps are is in
`request_path.py`.

The outer ring stands outside of everything, also of the handler of unhandled errors, so the
correlation id is on every answer. The inner ring stands inside all middleware: a middleware
may hand on a copy of the scope, and only the copy learns the route.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.trace import get_current_span
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from otel_kit.context import current_record, local_path
from otel_kit.faults import fault
from otel_kit.guards import ANSWERED
from otel_kit.refusals import Refusal
from otel_kit.request_metrics import error_type
from otel_kit.request_path import PEER_KEY, RECORD_KEY, RequestPath, with_id
from otel_kit.server_span import adopt, complete

__all__ = ["AdoptingRing", "InnerRing", "OuterRing"]


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
        own = path.own.get(local_path(scope)) if kind == "http" else None
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
                message = path.started(record, message)
            elif message_type in _BODIES:
                if not message.get("more_body", False) or ANSWERED in message:
                    path.finish(record)
            elif message_type == "websocket.close" and record.status_code is None:
                await path.refuse(record, scope, message, send)
                return
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
            record.let_go()

    async def _answer_own(self, own: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """
        A page of the kit's: an id on the answer, and no other trace.
        """
        try:
            record, _ = self.path.arrivals.record(scope, receive)
        except Exception as error:
            fault("asgi", error)
            await own(scope, receive, send)
            return
        scope[PEER_KEY] = record.peer

        async def send_with_id(message: Message) -> None:
            await send(with_id(message, record) if message["type"] in _STARTS else message)

        await own(scope, receive, send_with_id)


class InnerRing:
    """
    Innermost middleware: judges limits, answers for health, keeps the scope in which the route is found.

    It also keeps what the application raises: a middleware further out may answer for an exception,
    so that nobody else gets to see it.
    """

    def __init__(self, app: ASGIApp, path: RequestPath) -> None:
        self.app = app
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        record = scope.get(RECORD_KEY)
        if record is None:
            await self.app(scope, receive, send)
            return
        record.scope = scope
        application = self.app
        path = self.path
        # a mounted application that is set up as well meets requests that the outer one has judged
        if record.owner is path:
            decision = path.limiter.judge(record, scope)
            if decision is not None and not isinstance(decision, Refusal):
                decision = await decision
            application = path.answer(record, decision) or application
        try:
            await application(scope, receive, send)
        except Exception as error:
            if not isinstance(error, WebSocketDisconnect):
                record.raised = error
                if record.status_code is not None and not record.finished:
                    record.error = error  # the answer breaks off in the middle
            raise


class AdoptingRing:
    """
    Outside of the application's middleware, inside another engine's span: makes that one the server span.

    It ends before the outer ring's turn, so it is completed when the answer starts.
    """

    def __init__(self, app: ASGIApp, path: RequestPath) -> None:
        self.app = app
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        record = scope.get(RECORD_KEY)
        span = get_current_span()
        if record is None or not record.arriving or not span.get_span_context().is_valid:
            await self.app(scope, receive, send)
            return
        record.arriving, record.foreign_span = False, True
        adopt(record, span)
        span.set_attribute("correlation_id", record.correlation_id)

        async def send_completing(message: Message) -> None:
            if message["type"] in _STARTS:
                record.status_code = message.get("status", 101)
                record.route = self.path.route_of(record)
                complete(record, error_type(record))
            await send(message)

        await self.app(scope, receive, send_completing)


_STARTS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
_BODIES = frozenset({"http.response.body", "http.response.pathsend", "websocket.http.response.body"})
