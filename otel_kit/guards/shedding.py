"""
The cap on requests in flight: beyond it the service says so at once, instead of answering all of them late.

Owns the count of one application in one process, so workers have a cap each.

A websocket is refused at its handshake while the cap is reached, but one that is open counts for
nothing: it is idle most of its time, and a hundred of them must not lock out every request. How
many connections there may be is for the server to say (`uvicorn --limit-concurrency`).
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from otel_kit.context import local_path
from otel_kit.guards.naming import name_route
from otel_kit.ledger import Counter
from otel_kit.refusals import Refusal

__all__ = ["Shedding", "requests_shed_total"]

RETRY_AFTER_SECONDS = 1

requests_shed_total = Counter(
    "otel_kit_requests_shed_total", "Requests refused because as many as may be were in flight."
)

_overloaded = Refusal(
    503,
    "overloaded",
    "Too many requests are in flight. Try again shortly.",
    fields={"retry_after": RETRY_AFTER_SECONDS},
    headers=[(b"retry-after", str(RETRY_AFTER_SECONDS).encode())],
)


class Shedding:
    """
    ASGI middleware.

    Args:
        never_shed: Paths, below the server's own prefix, that are answered however many requests there
            are. They count among those in flight.
        literals: As in `Guard`.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_in_flight: int,
        never_shed: Callable[[str], bool],
        literals: frozenset[str] = frozenset(),
    ) -> None:
        self.app = app
        self._max_in_flight = max_in_flight
        self._never_shed = never_shed
        self._literals = literals
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif self._in_flight >= self._max_in_flight and not self._never_shed(local_path(scope)):
            requests_shed_total.inc()
            name_route(self._literals)
            await _overloaded(scope, receive, send)
        elif kind == "websocket":
            await self.app(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._in_flight += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._in_flight -= 1
