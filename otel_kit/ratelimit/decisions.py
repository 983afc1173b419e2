"""
What the limiter decided, counted by policy and outcome.

Owns the one metric of the limiter. Knows nothing of how a decision is made.

`admitted` and `refused` are what limits do, also those that hold locally while the shared storage is away.
`shadow`: would have been refused. `exempt`: no limit holds for this path or tier. `off`:
limits are switched off. `failed`: nobody counted, and the rule's `on_storage_failure` decided.
"""

from __future__ import annotations

from collections.abc import Iterable

from otel_kit.ledger import Counter
from otel_kit.ledger.children import CounterChild

__all__ = ["OUTCOMES", "Tallies", "Uncounted", "decisions_total"]

OUTCOMES = ("admitted", "refused", "shadow", "exempt", "off", "failed")

decisions_total = Counter(
    "otel_kit_ratelimit_decisions_total", "Decisions of the rate limiter.", labelnames=("policy", "outcome")
)


class Tallies:
    """
    The counts of one policy, looked up once: each is a series to call `inc()` on.

    The usual two are there from the start, so that a rate over them is; the others come with their first use.
    """

    __slots__ = ("_policy", *OUTCOMES)

    def __init__(self, policy: str, *, shows: Iterable[str] = ("admitted", "refused")) -> None:
        self._policy = policy
        for outcome in shows:
            getattr(self, outcome)

    def __getattr__(self, outcome: str) -> CounterChild:
        if outcome not in OUTCOMES:
            raise AttributeError(outcome)
        child = decisions_total.labels(self._policy, outcome)
        setattr(self, outcome, child)
        return child


class Uncounted:
    """
    In the place of tallies, for what the kit exempts itself: its own pages.
    """

    __slots__ = ()

    def __getattr__(self, outcome: str) -> Uncounted:
        return self

    def inc(self) -> None:
        """
        Nothing.
        """
