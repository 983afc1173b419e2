"""
The short way through the limiter, for nearly all requests of nearly all services.

Owns which policies and clients may take it: one rate, counted in memory, by the client's address.
It only ever admits. Whoever is not admitted here goes the long way, which refuses and says why; so
the two ways never disagree, and the long way alone need be complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_kit.context import RequestRecord
from otel_kit.identity import Identities
from otel_kit.ratelimit.clients import key_start
from otel_kit.ratelimit.rules import Policy
from otel_kit.ratelimit.storage import Window

if TYPE_CHECKING:
    from otel_kit.ratelimit.memory import MemoryWindows

__all__ = ["QuickWay"]

MAX_KNOWN = 4096
MAX_ADDRESS = 64


class QuickWay:
    """
    For an application whose clients are their addresses.
    """

    def __init__(self, storage: MemoryWindows, identities: Identities, service: str = "") -> None:
        self._service = service
        self._storage = storage
        self._identities = identities
        self._known: dict[tuple[Policy, str | None], Window] = {}

    def admits(self, policy: Policy, record: RequestRecord) -> bool:
        """
        Whether the request was counted and passes; False says nothing.
        """
        if record.method == "OPTIONS":
            return False
        window = self._known.get((policy, record.client))
        if window is None:
            if not is_simple(policy):
                return False
            window = self._window(policy, record.client)
        if not self._storage.take(window):
            return False
        policy.tallies.admitted.inc()
        return True

    def _window(self, policy: Policy, client: str | None) -> Window:
        quota = policy.quotas[0]
        key = key_start(self._identities.of((), client), self._service) + quota.suffix
        window = Window(quota.rate.amount, quota.rate.seconds, policy.strategy, key)
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        if client is None or len(client) <= MAX_ADDRESS:
            self._known[policy, client] = window
        return window


def is_simple(policy: Policy) -> bool:
    """
    Whether the policy comes to one window, and a request to one of its amount.
    """
    return len(policy.quotas) == 1 and policy.cost == 1 and not policy.shadow
