"""
A limiter without a server: requests in, decisions out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import isawaitable
from typing import Any

from pydantic import SecretStr
from starlette.requests import HTTPConnection
from starlette.types import Scope

from otel_kit.context import RequestRecord
from otel_kit.identity import Identities
from otel_kit.ratelimit import Limit, Limiter, build_rules
from otel_kit.ratelimit.decisions import decisions_total
from otel_kit.ratelimit.storage import Outcome, StorageState, Window
from otel_kit.refusals import Refusal
from otel_kit.settings import ApiKey

__all__ = ["AwayStorage", "SlowStorage", "ask", "ask_later", "limiter_of", "outcomes", "request", "share"]

Pairs = list[tuple[bytes, bytes]]


def limiter_of(
    limits: Mapping[str, str | Limit | None],
    *,
    identify: Callable[[HTTPConnection], Any] | None = None,
    api_keys: Sequence[ApiKey] = (),
    enabled: bool = True,
    exempt: Sequence[str] = (),
) -> Limiter:
    """
    A limiter in memory with these rules.
    """
    return Limiter(
        build_rules(limits, exempt=exempt),
        identities=Identities(api_keys, None, ()),
        identify=identify,
        enabled=enabled,
        storage_url=SecretStr("memory://"),
    )


def request(
    path: str = "/",
    *,
    client: str | None = "192.0.2.1",
    method: str = "GET",
    kind: str = "http",
    headers: Pairs | None = None,
    root_path: str = "",
) -> tuple[RequestRecord, Scope]:
    """
    A request as it comes to the inner ring.
    """
    scope: Scope = {
        "type": kind,
        "method": method,
        "path": path,
        "root_path": root_path,
        "query_string": b"",
        "headers": headers or [],
    }
    record = RequestRecord(scope, "id")
    record.client, record.method = client, method
    return record, scope


def ask(limiter: Limiter, path: str = "/", **differs: Any) -> Refusal | None:
    """
    The decision on one request, which must be there at once.
    """
    decision = limiter.judge(*request(path, **differs))
    assert not isinstance(decision, Awaitable)
    return decision


async def ask_later(limiter: Limiter, path: str = "/", **differs: Any) -> Refusal | None:
    """
    The decision on one request, whether it is there at once or not.
    """
    decision = limiter.judge(*request(path, **differs))
    return await decision if isawaitable(decision) else decision


def outcomes(policy: str) -> dict[str, int]:
    """
    What was decided by one policy in this process so far, without what never happened.
    """
    counts = {}
    for outcome in ("admitted", "refused", "shadow", "exempt", "off", "failed"):
        (count,) = decisions_total.labels(policy, outcome).values()
        counts[outcome] = int(count)
    return {outcome: count for outcome, count in counts.items() if count}


class SlowStorage:
    """
    A shared storage in the stead of Redis: answers later, by a storage in memory.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.calls: list[Sequence[Window]] = []

    async def acquire(self, windows: Sequence[Window]) -> Outcome:
        """
        What the inner storage says.
        """
        self.calls.append(windows)
        outcome: Outcome = self.inner.acquire(windows)
        return outcome

    def state(self) -> StorageState:
        """
        As Redis says.
        """
        return "shared"

    async def start(self) -> None:
        """
        Nothing.
        """

    async def close(self) -> None:
        """
        Nothing.
        """


class AwayStorage(SlowStorage):
    """
    A shared storage that can't be asked: it raises at once, or when awaited.
    """

    def __init__(self, error: Exception, *, at_once: bool) -> None:
        super().__init__(None)
        self.error = error
        self.at_once = at_once

    def acquire(self, windows: Sequence[Window]) -> Any:
        """
        The error, now or later.
        """
        if self.at_once:
            raise self.error
        return self._later()

    async def _later(self) -> Outcome:
        raise self.error

    def state(self) -> StorageState:
        """
        As the breaker says.
        """
        return "local"


def share(limiter: Limiter, storage: Any) -> Limiter:
    """
    The limiter, counting in this storage as in a Redis.
    """
    limiter._shared = limiter._storage = storage
    return limiter
