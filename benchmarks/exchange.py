"""
One HTTP exchange with an ASGI application, without a server: what a server hands over, and nothing more.

Used by every measurement that runs in process. The scope is shaped like uvicorn's; the seven headers are those
of a browser-like client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

Message = MutableMapping[str, Any]
Application = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

HEADERS = [
    (b"host", b"127.0.0.1:8000"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) benchmarks/1.0"),
    (b"accept", b"application/json, text/plain, */*"),
    (b"accept-language", b"en-GB,en;q=0.9"),
    (b"accept-encoding", b"identity"),
    (b"connection", b"keep-alive"),
    (b"cache-control", b"no-cache"),
]
CHAT_BODY = b'{"model":"small","message":"hello there"}'
CHAT_HEADERS = [
    *HEADERS,
    (b"content-type", b"application/json"),
    (b"content-length", str(len(CHAT_BODY)).encode()),
]


@dataclass(frozen=True)
class Request:
    """What is asked for; `client` is the peer's address as a server would report it."""

    method: str
    path: str
    headers: list[tuple[bytes, bytes]] = field(default_factory=lambda: HEADERS)
    body: bytes = b""
    client: tuple[str, int] = ("127.0.0.1", 50000)


GET = Request("GET", "/items")
POST = Request("POST", "/chat/completions", CHAT_HEADERS, CHAT_BODY)
KINDS = {"GET": GET, "POST": POST}


class UnexpectedAnswer(Exception):
    """An answer other than 200: the variant would be measured doing something else."""


async def send_request(app: Application, request: Request) -> bytes:
    """
    Run one request through `app` and return the body.

    Raises:
        UnexpectedAnswer: The status is not 200.
    """
    status = 0
    chunks: list[bytes] = []
    body_is_read = False

    async def receive() -> Message:
        nonlocal body_is_read
        if body_is_read:
            # a server reports no disconnect while the client waits; asked only by middlewares that listen for one
            await asyncio.get_running_loop().create_future()
        body_is_read = True
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            chunks.append(message.get("body", b""))

    await app(build_scope(request), receive, send)
    if status != 200:
        raise UnexpectedAnswer(f"{request.method} {request.path} answered {status}: {b''.join(chunks)[:200]!r}")
    return b"".join(chunks)


def build_scope(request: Request) -> MutableMapping[str, Any]:
    """
    A fresh scope, as applications and middlewares write into it.
    """
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": request.client,
        "scheme": "http",
        "method": request.method,
        "root_path": "",
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": b"",
        "headers": list(request.headers),
        "state": {},
    }


class Lifespan:
    """The application between start-up and shutdown, as a server runs it; `async with Lifespan(app):`."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()
        self.outgoing: asyncio.Queue[Message] = asyncio.Queue()

    async def __aenter__(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        self.task = asyncio.ensure_future(self.app(scope, self.incoming.get, self.outgoing.put))
        await self._ask("lifespan.startup")

    async def __aexit__(self, *_: object) -> None:
        await self._ask("lifespan.shutdown")
        await self.task

    async def _ask(self, event: str) -> None:
        await self.incoming.put({"type": event})
        answer = await self.outgoing.get()
        if answer["type"] != f"{event}.complete":
            raise UnexpectedAnswer(f"{event}: {answer}")
