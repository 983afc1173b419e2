"""
The windows of one request, by what is to be decided together.

Owns their making from policies. Knows nothing of storages, nor of what is answered.
"""

from __future__ import annotations

from otel_kit.ratelimit.rates import Rate
from otel_kit.ratelimit.rules import Policy, Quota
from otel_kit.ratelimit.storage import Window

__all__ = ["Group"]


class Group:
    """
    Windows that are taken together: those of all policies that may refuse, or of one in shadow mode.

    `parts` are the policies with their quotas, in the order of their windows.
    """

    __slots__ = ("parts", "windows")

    def __init__(self) -> None:
        self.parts: list[tuple[Policy, tuple[Quota, ...]]] = []
        self.windows: list[Window] = []

    def add(self, policy: Policy, quotas: tuple[Quota, ...], key_start: str, cost: int) -> None:
        """
        Add all windows of one policy.
        """
        self.parts.append((policy, quotas))
        for (amount, _, _, seconds), suffix in quotas:
            taken = cost if cost < amount else amount
            self.windows.append(Window(amount, seconds, policy.strategy, key_start + suffix, taken))

    def owner(self, position: int) -> tuple[Policy, Rate]:
        """
        Whose window stands there, and its rate.
        """
        owners = [(policy, quota.rate) for policy, quotas in self.parts for quota in quotas]
        return owners[position]

    def part(self, on_failure: str) -> Group:
        """
        What belongs to those policies that say this for a storage that is away.
        """
        group = Group()
        begin = 0
        for policy, quotas in self.parts:
            end = begin + len(quotas)
            if policy.on_failure == on_failure:
                group.parts.append((policy, quotas))
                group.windows += self.windows[begin:end]
            begin = end
        return group
