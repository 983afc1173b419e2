"""
The answer of one health route, as an ASGI application.

Owns methods, headers and status. What is said is the profile's document, made of a report that others hand over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson
from starlette.types import Receive, Scope, Send

from otel_kit.faults import fault
from otel_kit.health_layout import HealthReport, HealthRoute
from otel_kit.refusals import Refusal

__all__ = ["Page", "Reporter"]

METHODS = ("GET", "HEAD")
# health is a moment's truth: no cache may answer in its place
NO_STORE = (b"cache-control", b"no-store")

UNKNOWN_SERVICE = Refusal(404, "not_found", "No check of this name is declared.", headers=[NO_STORE])
OTHER_METHOD = Refusal(
    405,
    "method_not_allowed",
    "This page answers GET and HEAD.",
    headers=[(b"allow", ", ".join(METHODS).encode()), NO_STORE],
)
UNAVAILABLE = Refusal(503, "unavailable", "The answer could not be made; the fault is counted.", headers=[NO_STORE])

Reporter = Callable[[HealthRoute, str | None, Scope], Awaitable[HealthReport | None]]
"""From a route, the name of the one check it is asked for, and the request; None for an unknown name."""


@dataclass(frozen=True)
class Page:
    """
    One route; where it is of kind `one`, for the check of this name.
    """

    route: HealthRoute
    name: str | None
    report: Reporter
    degraded_status: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Answer one request of type `http`.
        """
        if scope["method"] not in METHODS:
            await OTHER_METHOD(scope, receive, send)
            return
        try:
            report = await self.report(self.route, self.name, scope)
            body = b"" if report is None else orjson.dumps(self.route.document(report), default=str)
        except Exception as error:  # a profile's document may be the user's own code
            fault("health", error)
            await UNAVAILABLE(scope, receive, send)
            return
        if report is None:
            await UNKNOWN_SERVICE(scope, receive, send)
            return
        length = (b"content-length", str(len(body)).encode())
        headers = [(b"content-type", b"application/json"), NO_STORE, length]
        await send({"type": "http.response.start", "status": self._status(report), "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _status(self, report: HealthReport) -> int:
        kind = self.route.kind
        if kind == "live":
            return 200
        if kind == "started":
            return 503 if report.phase == "starting" else 200
        if kind == "ready":
            return 200 if report.ready else 503
        if report.status in self.route.by_setting:
            return self.degraded_status
        bad = report.status == "unhealthy" or (kind == "one" and report.status == "degraded")
        return 503 if bad else 200
