"""
One request to an ASGI application, without a server: exact bytes in, messages out.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message, Scope

__all__ = ["Answer", "call", "http_scope"]

Pairs = list[tuple[bytes, bytes]]


class Answer(NamedTuple):
    """
    What the application sent.
    """

    status: int
    headers: Pairs
    body: bytes
    messages: list[Message]

    def all(self, name: str) -> list[str]:
        """
        Every value of a header.
        """
        return [value.decode("latin-1") for key, value in self.headers if key.lower() == name.lower().encode()]

    def header(self, name: str) -> str:
        """
        The one value of a header; an error when there are none or several.
        """
        (value,) = self.all(name)
        return value


def http_scope(
    *,
    method: str = "GET",
    path: str = "/",
    query: bytes = b"",
    headers: dict[str, str] | Pairs | None = None,
    client: tuple[str, int] | None = ("127.0.0.1", 50000),
    root_path: str = "",
) -> Scope:
    """
    A scope as a server would make it.
    """
    pairs = (
        headers if isinstance(headers, list) else [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()]
    )
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": query,
        "root_path": root_path,
        "headers": [(b"host", b"testserver"), *pairs],
        "client": client,
        "server": ("127.0.0.1", 8000),
    }


async def call(app: ASGIApp, body: bytes = b"", *, sent: list[Message] | None = None, **scope: Any) -> Answer:
    """
    Send one request and collect the answer. An exception that the application lets out is raised here.

    Args:
        sent: Takes the messages, for those who want them in spite of an exception.
    """
    sent = [] if sent is None else sent
    incoming = [{"type": "http.request", "body": body, "more_body": False}]
    answered = asyncio.Event()

    async def receive() -> Message:
        if incoming:
            return incoming.pop(0)
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(dict(message))
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            answered.set()

    await app(http_scope(**scope), receive, send)
    return answer_of(sent)


def answer_of(sent: list[Message]) -> Answer:
    """
    The answer that these messages make up.
    """
    start = next(message for message in sent if message["type"] == "http.response.start")
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return Answer(start["status"], list(start["headers"]), body, sent)
