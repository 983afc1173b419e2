"""
The short way through the limiter, for nearly all requests of nearly all services.

Owns which policies and clients may take it: one rate, counted in memory, by the client's address.
It counts in the windows of the long way, without asking `limits` for a strategy, which would ask for the same.
It only ever admits. Whoever is not admitted here goes the long way, which refuses and says why; so
the two ways never disagree, and the long way alone need be complete.

Nothing is remembered here, so a decision costs the same whether one client comes or a million.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_kit.context import RequestRecord
from otel_kit.identity import MAX_ADDRESS, client_of
from otel_kit.ratelimit.rules import Policy

if TYPE_CHECKING:
    from otel_kit.ratelimit.memory import MemoryWindows
    from otel_kit.ratelimit.shelf import Shelf

__all__ = ["QuickWay"]


class QuickWay:
    """
    For an application whose clients are their addresses.
    """

    def __init__(self, storage: MemoryWindows) -> None:
        self._storage = storage
        self._places: dict[Policy, tuple[Shelf, int] | None] = {}

    def admits(self, policy: Policy, record: RequestRecord) -> bool:
        """
        Whether the request was counted and passes; False says nothing.
        """
        try:
            place = self._places[policy]
        except KeyError:
            place = self._places[policy] = self._place(policy)
        if place is None or record.method == "OPTIONS":
            return False
        shelf, amount = place
        client = record.client
        if client is None or ":" in client or len(client) > MAX_ADDRESS:
            client = client_of(client)
        if not self._storage.take(shelf, client, amount):
            return False
        policy.tallies.admitted.inc()
        return True

    def _place(self, policy: Policy) -> tuple[Shelf, int] | None:
        if not is_simple(policy):
            return None
        ((rate, suffix),) = policy.quotas
        shelf = self._storage.windows.shelf(suffix, rate.seconds, exact=policy.strategy == "moving-window")
        return shelf, rate.amount


def is_simple(policy: Policy) -> bool:
    """
    Whether the policy comes to one window, and a request to one of its amount.
    """
    return len(policy.quotas) == 1 and policy.cost == 1 and not policy.shadow
