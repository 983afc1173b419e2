"""
What a user may say about one prefix or one route: a `Limit`, and the check of it.

Owns the fields and their bounds. Knows nothing of prefixes, keys or counting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from starlette.requests import HTTPConnection

from otel_kit.errors import ConfigurationError
from otel_kit.ratelimit.rates import MAX_AMOUNT, Rate, parse_rates
from otel_kit.ratelimit.storage import Strategy

__all__ = ["MAX_NAME", "Cost", "Limit", "check_limit", "rates_of"]

MAX_NAME = 128
MAX_EXACT = 10_000
"""Largest amount of a moving window, which keeps a time for each request."""

Cost = int | Callable[[HTTPConnection], int]


@dataclass(frozen=True)
class Limit:
    """
    What may pass below one path prefix.

    Raises:
        ConfigurationError: When rules are built from it.
    """

    rate: str | None
    """
    `10/minute`, several joined by `;`. None: no limit here, not even that of `*`.
    """
    tiers: Mapping[str, str | None] = field(default_factory=dict)
    """
    Rates by tier; a tier that is not named has `rate`. None: as for `rate`.
    """
    burst: str | None = None
    """
    A further, short window that holds for every tier with a limit: `5/second`.
    """
    cost: Cost = 1
    """
    What a request takes of the amount, or a function that says so.
    """
    strategy: Strategy = "sliding-window-counter"
    shadow: bool = False
    """
    Count, but never refuse.
    """
    on_storage_failure: Literal["local", "deny", "allow"] = "local"
    """
    While Redis is away: count in this process, refuse all, or let all pass.
    """
    max_body_bytes: int | None = None
    """
    Largest request body below this prefix; None: the general limit.
    """


def rates_of(text: object, place: str, strategy: Strategy) -> tuple[Rate, ...]:
    """
    The rates of one text; none for None.

    Raises:
        ConfigurationError: They can't be used.
    """
    if text is None:
        return ()
    try:
        rates = parse_rates(text)
    except ValueError as error:
        raise ConfigurationError(place, text, str(error)) from None
    if strategy == "moving-window" and any(rate.amount > MAX_EXACT for rate in rates):
        remedy = f"a moving window keeps each request's time, at most {MAX_EXACT}; use sliding-window-counter"
        raise ConfigurationError(place, text, remedy)
    return rates


_CHOICES: dict[str, tuple[object, ...]] = {
    "strategy": ("sliding-window-counter", "moving-window"),
    "on_storage_failure": ("local", "deny", "allow"),
}


def check_limit(limit: Limit, place: str) -> None:
    """
    Raise `ConfigurationError` for what can be used in no rule; rates are checked by `rates_of`.
    """
    for name, known in _CHOICES.items():
        if getattr(limit, name) not in known:
            raise ConfigurationError(f"{place}.{name}", getattr(limit, name), f"use {' or '.join(map(str, known))}")
    if not isinstance(limit.shadow, bool):
        raise ConfigurationError(f"{place}.shadow", limit.shadow, "use True or False")
    if not isinstance(limit.tiers, Mapping):
        raise ConfigurationError(f"{place}.tiers", limit.tiers, 'give a dict like {"paid": "600/minute"}')
    for tier in limit.tiers:
        if not isinstance(tier, str) or not tier.strip() or len(tier) > MAX_NAME:
            raise ConfigurationError(f"{place}.tiers", tier, f"name a tier by 1 to {MAX_NAME} characters")
    if limit.burst is not None and limit.rate is None and not any(limit.tiers.values()):
        raise ConfigurationError(f"{place}.burst", limit.burst, "give a rate as well: a burst stands beside one")
    if not callable(limit.cost) and not _is_count(limit.cost, MAX_AMOUNT):
        raise ConfigurationError(f"{place}.cost", limit.cost, "give a whole number from 1, or a function")
    if limit.max_body_bytes is not None and not _is_count(limit.max_body_bytes, 2**63):
        raise ConfigurationError(f"{place}.max_body_bytes", limit.max_body_bytes, "give a whole number from 1, or None")


def _is_count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most
