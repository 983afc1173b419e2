"""
The guard: the limit on bodies, and inside of it the cap on requests in flight.

Owns the order of the two, and that what is off costs nothing. A body that is too large is so
however many requests there are; and a client that is seen off takes no place under the cap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from otel_kit.context import local_path
from otel_kit.guards.body import Intake, refuse, report
from otel_kit.guards.limits import PathLimits, declared_bytes
from otel_kit.guards.naming import name_route
from otel_kit.guards.shedding import Shedding

__all__ = ["Guard"]


class Guard:
    """
    ASGI middleware in front of the application's own.

    Args:
        max_body_bytes: Largest body where `per_path` says nothing.
        per_path: Largest body by path prefix; prefixes mean whole segments, the longest one that
            fits wins, and `*` stands in for `max_body_bytes`.
        max_in_flight: Requests of this process at the same time; None for any number.
        never_shed: Whether a path is answered however many there are.
        literals: Templates without parameters: a request that is refused before routing is counted under them.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int,
        per_path: Mapping[str, int],
        max_in_flight: int | None,
        never_shed: Callable[[str], bool],
        literals: frozenset[str] = frozenset(),
    ) -> None:
        self.app = app if max_in_flight is None else Shedding(app, max_in_flight, never_shed, literals)
        self.literals = literals
        self.limits = PathLimits(max_body_bytes, per_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced = declared_bytes(scope) if scope["type"] == "http" else None
        if announced is None:
            await self.app(scope, receive, send)
            return
        limit = self.limits.of(local_path(scope))
        if announced > limit:
            name_route(self.literals)
            await refuse(limit, scope, receive, send, more=True)
            return
        intake = Intake(receive, send, limit)
        try:
            await self.app(scope, intake.receive, intake.send)
        except Exception:
            # a consequence of the refusal; whatever else is wrong shows in requests that are not refused
            if not intake.exceeded:
                raise
        if intake.refused:
            await refuse(limit, scope, receive, send, more=intake.more)
        elif intake.exceeded:
            report(limit)
