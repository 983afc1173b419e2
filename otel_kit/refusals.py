"""
Answers by which the kit refuses a request: JSON that says why, for HTTP and for websockets.

Owns the shape of such an answer and its two media types. Knows nothing of limits, keys or bodies:
whoever refuses hands over the status and what is to be said.

A client that asks for `application/problem+json` gets a problem document (RFC 9457) with the
same facts; everybody else gets the fields as they are.
"""

from __future__ import annotations

import http
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

__all__ = ["PROBLEM_JSON", "Refusal", "RefusedError", "refuse", "wants_problem"]

PROBLEM_JSON = b"application/problem+json"
POLICY_VIOLATION = 1008
"""Close code of a refused websocket where the server can't answer by HTTP (RFC 6455, section 7.4.1)."""
MAX_ACCEPT = 1024
_NO_WEIGHT = re.compile(rb"q=0(\.0*)?")

Header = tuple[bytes, bytes]


class Refusal:
    """
    One answer, as an ASGI application.

    Args:
        error: Machine-readable name, in snake case.
        message: A sentence for people; nothing of it may come from the client.
        fields: Further members of the body, after `error` and `message`.
        headers: Further headers, lower-case names.
    """

    def __init__(
        self,
        status: int,
        error: str,
        message: str,
        *,
        fields: Mapping[str, Any] | None = None,
        headers: Iterable[Header] = (),
    ) -> None:
        self.status = status
        self.error = error
        self.message = message
        self.fields = dict(fields or {})
        self.headers = tuple(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = "http.response"
        if scope["type"] == "websocket":
            if "websocket.http.response" not in scope.get("extensions", {}):
                # the handshake must be read before it may be closed
                await receive()
                await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": self.error})
                return
            kind = "websocket.http.response"
        body, media_type = self._body(problem=wants_problem(scope["headers"]))
        headers = [(b"content-type", media_type), (b"content-length", str(len(body)).encode()), *self.headers]
        await send({"type": f"{kind}.start", "status": self.status, "headers": headers})
        if scope.get("method") == "HEAD":
            body = b""
        await send({"type": f"{kind}.body", "body": body})

    def _body(self, *, problem: bool) -> tuple[bytes, bytes]:
        if not problem:
            return orjson.dumps({"error": self.error, "message": self.message, **self.fields}), b"application/json"
        document = {
            "type": "about:blank",
            "title": http.HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.message,
            "error": self.error,
            **self.fields,
        }
        return orjson.dumps(document), PROBLEM_JSON


def wants_problem(headers: Iterable[Header]) -> bool:
    """
    Whether the client names `application/problem+json` among what it accepts; with a weight of 0 it does not.

    Source: RFC 9110, sections 12.4.2 and 12.5.1.
    """
    return any(name == b"accept" and _names_problem(value[:MAX_ACCEPT].lower()) for name, value in headers)


def _names_problem(accept: bytes) -> bool:
    for accepted in accept.split(b","):
        media_type, *parameters = (part.strip() for part in accepted.split(b";"))
        if media_type == PROBLEM_JSON:
            return not any(_NO_WEIGHT.fullmatch(parameter) for parameter in parameters)
    return False


class RefusedError(HTTPException):
    """
    What a dependency raises to refuse a request: raised by `refuse`, it is answered by its `refusal`.

    Raised in any other way it is an ordinary `HTTPException` with the same status, headers and facts.
    """

    def __init__(self, refusal: Refusal) -> None:
        headers: dict[str, str] = {}
        for raw_name, raw_value in refusal.headers:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        super().__init__(refusal.status, headers=headers)
        self.detail: Any = {"error": refusal.error, "message": refusal.message, **refusal.fields}
        self.refusal = refusal


def refuse(connection: HTTPConnection, refusal: Refusal) -> NoReturn:
    """
    Raise, from a dependency, what the application at hand will answer by `refusal`.

    Each application, mounted ones too, has a table of handlers of its own and leaves it in the
    scope. The handler is put into the one that will be asked, unless it has one for `RefusedError`.
    """
    handlers = connection.scope.get(_HANDLERS_KEY)
    if handlers:
        handlers[0].setdefault(RefusedError, _answer)
    raise RefusedError(refusal)


async def _answer(connection: HTTPConnection, error: RefusedError) -> Refusal | None:
    if not isinstance(connection, WebSocket):
        return error.refusal
    # an older Starlette does not send what the handler of a websocket returns
    await error.refusal(connection.scope, connection.receive, connection.send)
    return None


_HANDLERS_KEY = "starlette.exception_handlers"
