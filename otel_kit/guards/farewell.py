"""
An answer to a client that is still sending: the last one of its connection, and one that arrives.

Owns how the connection ends. `Connection: close` is needed: a client that waits for `100 Continue`
will not send the body that it announced, so what comes next on the connection could be either, and
one that streams could go on for ever. To close at once would be as wrong: with bytes unread the
system resets the connection, and the client may lose the answer. So the answer is sent whole, what
still comes is thrown away for a while, and only then the server is told that it is complete.

Source: RFC 9112, section 9.6 (half-close and read on before closing).
"""

from __future__ import annotations

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_kit.guards.limits import is_http1

__all__ = ["ANSWERED", "answer_and_part"]

ANSWERED = "otel_kit.answered"
"""
Key of the message with which an answer is whole, though `more_body` is true because the connection lingers.
"""

IDLE_SECONDS = 1.0
"""A client that has sent nothing for so long has nothing on its way."""
LINGER_SECONDS = 10.0
"""Together. A client that goes on sending then gets a reset."""


async def answer_and_part(answer: ASGIApp, scope: Scope, receive: Receive, send: Send, *, more: bool) -> None:
    """
    Send the answer, one message of body long, and see the client off.

    Args:
        more: Whether there may be more of the request's body.
    """
    if not is_http1(scope):
        # streams of HTTP/2 end one by one, and their connection has no such header
        await answer(scope, receive, send)
        return

    async def send_holding(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        else:
            message = {**message, "more_body": more, ANSWERED: True}
        await send(message)

    await answer(scope, receive, send_holding)
    if more:
        await _read_on(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _read_on(receive: Receive) -> None:
    """
    Throw away what still comes, up to the end of the body.
    """
    until = anyio.current_time() + LINGER_SECONDS
    while (left := until - anyio.current_time()) > 0:
        message: Message = {}
        with anyio.move_on_after(min(left, IDLE_SECONDS)):
            message = await receive()
        if not message.get("more_body", False):
            return
