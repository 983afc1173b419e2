"""
Uploads to an ASGI application, without a server: pieces of a body in, messages of the answer out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

from starlette.types import ASGIApp, Message

from otel_kit.guards import Guard
from tests.asgi_client import Answer, answer_of, http_scope

__all__ = ["STALLS", "Upload", "guarded"]

STALLS: None = None
"""A piece that does not come."""


class Upload:
    """
    One request whose body comes in pieces, the last of them marked as such; `STALLS` is one that never comes.

    Args:
        pieces: May be without end.
    """

    def __init__(self, pieces: Iterable[bytes | None] = (), *, http_version: str = "1.1", **scope: Any) -> None:
        self.scope = {**http_scope(**{"method": "POST", **scope}), "http_version": http_version}
        self.sent: list[Message] = []
        self.taken = 0
        """Pieces that were asked for."""
        self._pieces: Iterator[bytes | None] = iter(pieces)
        self._next = next(self._pieces, b"")
        self._whole = False
        self._answered = asyncio.Event()

    async def receive(self) -> Message:
        """
        The server's side of reading.
        """
        if self._whole:
            await self._answered.wait()
            return {"type": "http.disconnect"}
        self.taken += 1
        piece = self._next
        if piece is STALLS:
            await asyncio.Event().wait()
        try:
            self._next = next(self._pieces)
        except StopIteration:
            self._whole = True
        return {"type": "http.request", "body": piece, "more_body": not self._whole}

    async def send(self, message: Message) -> None:
        """
        The server's side of answering.
        """
        self.sent.append(dict(message))
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._answered.set()

    async def to(self, app: ASGIApp) -> Answer:
        """
        What the application answers to it.
        """
        await app(self.scope, self.receive, self.send)
        return answer_of(self.sent)


def guarded(app: ASGIApp, limit: int = 10, **options: Any) -> Guard:
    """
    The application behind a guard, by default with a limit on bodies alone.
    """
    defaults: dict[str, Any] = {"per_path": {}, "max_in_flight": None, "never_shed": lambda path: False}
    return Guard(app, max_body_bytes=limit, **{**defaults, **options})
