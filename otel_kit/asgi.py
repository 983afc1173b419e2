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

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.trace import get_current_span
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from otel_kit.context import RequestRecord, current_record, local_path
from otel_kit.faults import fault
from otel_kit.guards import ANSWERED
from otel_kit.handled import note_handled
from otel_kit.refusals import Refusal
from otel_kit.request_path import PEER_KEY, RECORD_KEY, RequestPath, with_id

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
        A page of the kit's: an id on the answer, its limit where one was given, and no other trace.
        """
        try:
            record, _ = self.path.arrivals.record(scope, receive)
        except Exception as error:
            fault("asgi", error)
            await own(scope, receive, send)
            return
        scope[PEER_KEY] = record.peer
        token = current_record.set(record)
        try:
            decision = self.path.limiter.judge(record, scope)
            if decision is not None and not isinstance(decision, Refusal):
                decision = await decision
            await (decision or own)(scope, receive, _with_id(record, send))
        finally:
            current_record.reset(token)


class InnerRing:
    """
    Innermost middleware: judges limits, answers for health, keeps the scope in which the route is found.

    It also keeps what the application raises: a middleware further out may answer for an exception,
    so that nobody else gets to see it.

    Args:
        inside: Whether other middleware stands between the rings. One of those may pass the answer on from another
            task, where the outer ring can't see the exception that is being handled. Without one nothing is watched.
    """

    def __init__(self, app: ASGIApp, path: RequestPath, inside: bool = True) -> None:
        self.app = app
        self.path = path
        self.inside = inside

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
        elif not path.inside:
            path.met_inside(scope.get("root_path", ""), record.owner)
        try:
            await application(scope, receive, _noting(record, send) if self.inside else send)
        except Exception as error:
            # what comes after the answer is whole is no part of it
            if not record.finished and not isinstance(error, WebSocketDisconnect):
                record.raised, record.failure = error, None
                if record.status_code is not None:
                    record.error = error  # the answer breaks off in the middle
            raise


def _with_id(record: RequestRecord, send: Send) -> Send:
    """
    `send`, that puts the id on the answer.
    """

    def send_with_id(message: Message) -> Awaitable[None]:
        return send(with_id(message, record) if message["type"] in _STARTS else message)

    return send_with_id


def _noting(record: RequestRecord, send: Send) -> Send:
    """
    `send`, that looks for the exception behind an answer of 500 or more.
    """

    # a plain function costs half of what a coroutine around another does
    def send_noting(message: Message) -> Awaitable[None]:
        if message.get("status", 0) >= 500:  # only the start of an answer has one
            note_handled(record)
        return send(message)

    return send_noting


class AdoptingRing:
    """
    Outside of the application's middleware, inside another engine's span: makes that one the server span.

    It ends before the outer ring's turn, so it is completed when the answer starts; and a request ends here where
    its span is about to: a websocket, an answer that breaks off.
    """

    def __init__(self, app: ASGIApp, path: RequestPath) -> None:
        self.app = app
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        record = scope.get(RECORD_KEY)
        if record is None or not record.arriving:
            await self.app(scope, receive, send)
            return
        path = self.path
        try:
            context = path.arrived(record, get_current_span())
        except Exception as error:
            fault("asgi", error)
            context = otel_context.get_current()

        def send_completing(message: Message) -> Awaitable[None]:
            if message["type"] in _STARTS and record.foreign_span:
                path.answered(record, message)
            return send(message)

        token = otel_context.attach(context)
        try:
            await self.app(scope, receive, send_completing)
        except BaseException as error:
            # for what comes before the answer, the handler of unhandled errors makes one outside of here
            answerless = record.status_code is None and record.kind == "http" and isinstance(error, Exception)
            if not answerless and not record.finished:
                path.failed(record, error)
                path.finish(record)
            raise
        else:
            path.finish(record)
        finally:
            otel_context.detach(token)


_STARTS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
_BODIES = frozenset({"http.response.body", "http.response.pathsend", "websocket.http.response.body"})
