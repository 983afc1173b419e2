"""
The answer of one health route in plain JSON, as an ASGI application.

Owns methods, headers and bytes. Status and document are made by others, and the same for every form.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from otel_kit.faults import fault
from otel_kit.health_layout import HealthRoute
from otel_kit.refusals import Refusal

__all__ = ["NO_STORE", "Answerer", "Page"]

METHODS = ("GET", "HEAD")
# health is a moment's truth: no cache may answer in its place
NO_STORE = (b"cache-control", b"no-store")

OTHER_METHOD = Refusal(
    405,
    "method_not_allowed",
    "This page answers GET and HEAD.",
    headers=[(b"allow", ", ".join(METHODS).encode()), NO_STORE],
)
UNAVAILABLE = Refusal(503, "unavailable", "The answer could not be made; the fault is counted.", headers=[NO_STORE])

Answerer = Callable[[HealthRoute, str | None, Scope], Awaitable["tuple[int, Any] | Refusal"]]
"""From a route, the name of the one check it is asked for, and the request: HTTP status and document."""


@dataclass(frozen=True)
class Page:
    """
    One route; where it is of kind `one`, for the check of this name.
    """

    route: HealthRoute
    name: str | None
    answer: Answerer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Answer one request of type `http`.
        """
        if scope["method"] not in METHODS:
            await OTHER_METHOD(scope, receive, send)
            return
        try:
            answered = await self.answer(self.route, self.name, scope)
            body = b"" if isinstance(answered, Refusal) else orjson.dumps(answered[1], default=str)
        except Exception as error:  # a profile's document may be the user's own code
            fault("health", error, **{"health.route": self.route.path})
            answered = UNAVAILABLE
        if isinstance(answered, Refusal):
            await answered(scope, receive, send)
            return
        length = (b"content-length", str(len(body)).encode())
        headers = [(b"content-type", b"application/json"), NO_STORE, length]
        await send({"type": "http.response.start", "status": answered[0], "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
