"""
`GET /metrics` as an ASGI application.

Owns the answer: who is let in, which methods, which headers. How a page is made it leaves to
`scrape.py`. Reads nothing of the request but its method, headers and peer.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from otel_kit.exposition.access import AccessRule
from otel_kit.exposition.negotiation import form_of
from otel_kit.exposition.scrape import Instruments, Scrapes
from otel_kit.faults import fault
from otel_kit.ledger import Ledger

__all__ = ["MetricsEndpoint"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

METHODS = ("GET", "HEAD")
# a scrape is a moment's truth: no cache may answer in its place
NO_STORE = (b"cache-control", b"no-store")


class MetricsEndpoint:
    """
    The page of one application.

    Args:
        ledger: What the application and the kit count.
        instruments: Where other libraries' instruments are read; None where there are none, or where
            several workers publish them into the ledger.
        token: A bearer token that opens the page to anyone; None for private and loopback peers only.
        has_traces: Whether the traces that exemplars name may be anywhere; where not, the page has none.
    """

    def __init__(
        self,
        ledger: Ledger,
        instruments: Instruments | None = None,
        *,
        token: str | None = None,
        has_traces: Callable[[], bool] = lambda: True,
    ) -> None:
        self._scrapes = Scrapes(ledger, instruments, has_traces=has_traces)
        self._access = AccessRule(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Answer one request of type `http`.
        """
        if scope["method"] not in METHODS:
            allow = (b"allow", ", ".join(METHODS).encode())
            await _refuse(scope, send, 405, "method_not_allowed", "This page answers GET and HEAD.", [allow])
        elif not self._access.admits(scope):
            status, error, message = self._access.refusal(scope)
            challenge = [(b"www-authenticate", b"Bearer")] if status == 401 else []
            await _refuse(scope, send, status, error, message, challenge)
        else:
            await self._show(scope, send)

    async def _show(self, scope: Scope, send: Send) -> None:
        form = form_of(_header(scope, b"accept"), _header(scope, b"accept-encoding"))
        try:
            page = await self._scrapes.page(form)
        except (
            Exception
        ) as error:  # what is foreseen is left out of the page; the host must not answer 500 for the rest
            fault("exposition", error)
            await _refuse(scope, send, 503, "unavailable", "The page could not be made; the fault is counted.", [])
            return
        headers = [(b"content-type", form.content_type), (b"vary", b"Accept, Accept-Encoding")]
        if form.gzip:
            headers.append((b"content-encoding", b"gzip"))
        await _answer(scope, send, 200, page, headers)


async def _refuse(scope: Scope, send: Send, status: int, error: str, message: str, headers: Headers) -> None:
    body = json.dumps({"error": error, "message": message}, ensure_ascii=False).encode()
    await _answer(scope, send, status, body, [(b"content-type", b"application/json"), *headers])


async def _answer(scope: Scope, send: Send, status: int, body: bytes, headers: Headers) -> None:
    headers = [*headers, NO_STORE, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _header(scope: Scope, wanted: bytes) -> str:
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name.lower() == wanted)
