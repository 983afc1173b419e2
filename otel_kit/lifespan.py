"""
The two ends of serving, seen on the ASGI lifespan protocol.

Owns when the kit starts to serve and when it flushes: before the application's own start-up,
and after its own shut-down, so that what it logs there is kept. No lifespan function of the
application is touched, so a user's `lifespan=` and routers' lifespans work as ever.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio.to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_kit.faults import fault

__all__ = ["Lifespan"]

_ENDS = frozenset({"lifespan.shutdown.complete", "lifespan.shutdown.failed", "lifespan.startup.failed"})


class Lifespan:
    """
    Runs an application's lifespan between the kit's start and its flush.

    None of the callables may raise.

    Args:
        start: Called once before the application's start-up.
        ready: Awaited when the application's start-up is complete, before the server is told so.
        stopping: Called when the server asks the application to shut down.
        closing: Awaited when the application has shut down, before the flush.
        end: Blocking flush within the kit's deadline; run in a thread.
    """

    def __init__(
        self,
        start: Callable[[], None],
        ready: Callable[[], Awaitable[None]],
        stopping: Callable[[], None],
        closing: Callable[[], Awaitable[None]],
        end: Callable[[], object],
    ) -> None:
        self._start = start
        self._ready = ready
        self._stopping = stopping
        self._closing = closing
        self._end = end

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Serve one lifespan scope.
        """
        self._start()
        ended = False

        async def receive_noting() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self._stopping()
            return message

        async def send_after_flush(message: Message) -> None:
            nonlocal ended
            if message["type"] == "lifespan.startup.complete":
                await self._ready()
            elif message["type"] in _ENDS and not ended:
                ended = True
                await self._flush()
            await send(message)

        try:
            await app(scope, receive_noting, send_after_flush)
        finally:
            if not ended:
                await self._flush()

    async def _flush(self) -> None:
        await self._closing()
        try:
            await anyio.to_thread.run_sync(self._end)
        except Exception as error:
            fault("shutdown", error)
