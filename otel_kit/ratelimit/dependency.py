"""
A limit of a single route: `Depends(kit.limit("3/minute"))`.

Owns which routes count together. The decision, the storage and the answer are the limiter's, so a
route's limit holds beside those by path.

Annotations are no strings in this module: FastAPI 0.115 can't resolve them on an object with `__call__`.
"""

from inspect import isawaitable
from typing import Any

from starlette.requests import HTTPConnection

from otel_kit.context import current_record
from otel_kit.errors import ConfigurationError
from otel_kit.faults import fault
from otel_kit.ratelimit.limit import MAX_NAME, Cost, Limit
from otel_kit.ratelimit.limiter import Limiter
from otel_kit.ratelimit.rules import Policy, build_policy
from otel_kit.refusals import Refusal, refuse

__all__ = ["RateLimit"]

COUNTED_KEY = "otel_kit.limits_counted"
"""In the scope: the buckets that this request was counted in, so that a router's and a route's same limit is one."""


class RateLimit:
    """
    A dependency that refuses with 429 what is over a limit, in routes for HTTP and for websockets.

    Each route counts by itself, unless a name is given: then all that bear it count together. The
    policy's name on metrics is this name, else the name of the route's function.

    Raises:
        ConfigurationError: The limit can't be used.
    """

    def __init__(self, limiter: Limiter, limit: str | Limit, *, cost: Cost = 1, name: str | None = None) -> None:
        if name is not None and (not isinstance(name, str) or not name.isprintable() or not 1 <= len(name) <= MAX_NAME):
            raise ConfigurationError("limit(name=)", name, f"use 1 to {MAX_NAME} printable characters")
        self._limiter = limiter
        self._limit = limit if isinstance(limit, Limit) else Limit(limit, cost=cost)
        self._name = name
        self._policies: dict[str, Policy] = {}
        # a limit that can't be used is an error where it is written, not at the first request
        Policy("limit", self._limit, "limit()")

    async def __call__(self, connection: HTTPConnection) -> None:
        """
        Called by FastAPI, before the route's own function.
        """
        refusal = await self._judge(connection)
        if refusal is not None:
            refuse(connection, refusal)

    async def _judge(self, connection: HTTPConnection) -> Refusal | None:
        try:
            record = current_record.get()
            if record is None:
                return None
            policy = self._policy(connection.scope.get("endpoint"), connection.scope.get("route"))
            counted = connection.scope.setdefault(COUNTED_KEY, set())
            if policy.key in counted:
                return None
            counted.add(policy.key)
            decision = self._limiter.judge_by((policy,), record, connection.scope)
            return await decision if isawaitable(decision) else decision
        except Exception as error:
            fault("ratelimit", error)
            return None

    def _policy(self, endpoint: Any, route: Any) -> Policy:
        bucket = self._name or " ".join(
            str(getattr(source, name, ""))
            for source, name in ((endpoint, "__module__"), (endpoint, "__qualname__"), (route, "path"))
        )
        policy = self._policies.get(bucket)
        if policy is None:
            name = self._name or getattr(endpoint, "__name__", "route")[:MAX_NAME]
            policy = self._policies[bucket] = build_policy(name, self._limit, "limit()", f"route {bucket}")
            self._limiter.utilization.add(policy)
        return policy
