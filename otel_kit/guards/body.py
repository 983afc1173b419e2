"""
The limit on request bodies: what the headers announce, and what really arrives.

Owns when a body is too large, and that the client then gets one 413, whatever the application does
about it. Knows nothing of correlation ids or CORS: both are put on the answer further out.

An application that reads more than the limit gets an `HTTPException` of status 413, which stops
what is made with FastAPI or Starlette without a line in the log, and `http.disconnect` if it asks
again. Its own answer is thrown away, since nobody can tell what it is an answer to. Where an answer
has begun already, the application is told that the client has gone, and nothing more of the answer
is sent, so that the server cuts it off: it must not look whole, though a middleware may round it off
when the application fails. A body that nobody reads is not counted.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from otel_kit.guards.farewell import answer_and_part
from otel_kit.refusals import Refusal
from otel_kit.security import security_event

__all__ = ["Intake", "refuse", "report"]

TOO_LARGE = 413
MAX_DISCARDED = 64
"""Messages of an answer that goes nowhere; one that is longer than this may have no end."""


class BodyTooLarge(HTTPException):
    """
    Raised into the application from its `receive`, or where it goes on to answer.
    """

    def __init__(self) -> None:
        super().__init__(TOO_LARGE, "Content Too Large")


class Intake:
    """
    The messages of one request, counted.

    `exceeded`: more has come than may. `refused`: so it is, and no answer had begun. `more`: the
    body has not come to its end.
    """

    __slots__ = ("_begun", "_discarded", "_left", "_receive", "_send", "exceeded", "more", "refused")

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive = receive
        self._send = send
        self._left = limit
        self._begun = False
        self._discarded = 0
        self.exceeded = False
        self.refused = False
        self.more = True

    async def receive(self) -> Message:
        """
        What the server says, as long as the body keeps to its limit.

        Raises:
            BodyTooLarge: It does not, for the first time.
        """
        if self.exceeded:
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                self.exceeded = True
                self.more = message.get("more_body", False)
                if self._begun:
                    return {"type": "http.disconnect"}
                self.refused = True
                raise BodyTooLarge
        return message

    async def send(self, message: Message) -> None:
        """
        Pass the answer on, as long as the body keeps to its limit.

        Raises:
            BodyTooLarge: The answer goes on and on, though nobody takes it.
        """
        if self.exceeded:
            self._discarded += 1
            if self._discarded > MAX_DISCARDED:
                raise BodyTooLarge
            return
        if message["type"] == "http.response.start":
            self._begun = True
        await self._send(message)


async def refuse(limit: int, scope: Scope, receive: Receive, send: Send, *, more: bool) -> None:
    """
    Answer that the body is larger than so many bytes.

    Args:
        more: Whether there may be more of it.
    """
    report(limit)
    message = f"The request body is larger than {limit} bytes."
    answer = Refusal(TOO_LARGE, "body_too_large", message, fields={"max_bytes": limit})
    await answer_and_part(answer, scope, receive, send, more=more)


def report(limit: int) -> None:
    """
    Have it known that a body was larger than so many bytes.
    """
    security_event("body_too_large", max_bytes=limit)
