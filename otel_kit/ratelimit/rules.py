"""
Rules: which limits hold for a path and a tier.

Owns what a user may write in `limits=`, its check at set-up, and the look-up by path. Knows
nothing of requests or of how anything is counted.

A prefix means whole segments: `/auth` is `/auth` and all below it, not `/authors`. The longest
prefix wins; `*` holds for every path in addition. A rule without a rate exempts its
paths from all limits, `*` included. What the kit exempts itself is one path alone, and
nothing below it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from otel_kit.errors import ConfigurationError
from otel_kit.ratelimit.decisions import Tallies, Uncounted
from otel_kit.ratelimit.limit import MAX_NAME, Limit, check_limit, rates_of
from otel_kit.ratelimit.rates import Rate

__all__ = ["EVERYWHERE", "Policy", "Quota", "Rules", "build_policy", "build_rules"]

EVERYWHERE = "*"


class Quota(NamedTuple):
    """
    One rate of one policy. `suffix` ends the keys of its windows and is different for any other quota.
    """

    rate: Rate
    suffix: str


class Policy:
    """
    One rule, ready for use. `name` is its prefix, `header_name` the same as a structured field may say it.

    Policies with one `bucket` count together where their rates agree. `tallies` are there once the policy is in use.
    """

    __slots__ = (
        "bucket",
        "by_tier",
        "cost",
        "exempt",
        "header_name",
        "name",
        "on_failure",
        "quotas",
        "shadow",
        "strategy",
        "tallies",
    )

    tallies: Tallies | Uncounted

    def __init__(self, name: str, limit: Limit, place: str, bucket: str | None = None) -> None:
        check_limit(limit, place)
        self.name = name
        self.bucket = bucket or name
        self.header_name = quote(name, safe="/*:@!$&'()+,;=~ ")
        self.strategy = limit.strategy
        self.cost = limit.cost
        self.shadow = limit.shadow
        self.on_failure = limit.on_storage_failure
        burst = rates_of(limit.burst, f"{place}.burst", limit.strategy)
        self.quotas = self._with_burst(rates_of(limit.rate, place, limit.strategy), burst)
        self.by_tier = {
            tier: self._with_burst(rates_of(rate, f"{place}.tiers[{tier!r}]", limit.strategy), burst)
            for tier, rate in limit.tiers.items()
        }
        self.exempt = limit.rate is None and not limit.tiers

    def quotas_of(self, tier: str | None) -> tuple[Quota, ...]:
        """
        What holds for a client of this tier; empty: nothing.
        """
        return self.by_tier.get(tier, self.quotas) if tier is not None else self.quotas

    @property
    def key(self) -> tuple[str, ...]:
        """
        What tells this policy's windows from all others'.
        """
        return tuple(quota.suffix for quotas in (self.quotas, *self.by_tier.values()) for quota in quotas)

    def _with_burst(self, rates: tuple[Rate, ...], burst: tuple[Rate, ...]) -> tuple[Quota, ...]:
        if not rates:
            return ()
        windows = {(rate.amount, rate.seconds): rate for rate in reversed((*rates, *burst))}
        return tuple(Quota(rate, self._suffix(rate)) for rate in reversed(windows.values()))

    def _suffix(self, rate: Rate) -> str:
        facts = "\0".join((self.bucket, str(rate.amount), str(rate.seconds), self.strategy))
        return hashlib.blake2b(facts.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class Rules:
    """
    All policies of an application. `everywhere` is the policy of `*`; those of `exact` hold for that path alone.
    """

    def __init__(
        self, policies: Mapping[str, Policy], body_limits: Mapping[str, int], exact: Iterable[str] = ()
    ) -> None:
        self.policies = dict(policies)
        self.body_limits = dict(body_limits)
        self._exact = frozenset(exact)
        prefixes = self.policies.keys() - self._exact
        self.everywhere = self.policies.get(EVERYWHERE)
        self.fallback = self.policies["/"] if "/" in prefixes else None
        by_segment: dict[str, list[tuple[str, str | tuple[str, ...], Policy]]] = {}
        for prefix in sorted(prefixes - {EVERYWHERE, "/"} | self._exact, key=len, reverse=True):
            segment, *_ = prefix[1:].split("/", 1)
            rows = by_segment.setdefault(f"/{segment}", [])
            # no path begins with one of none
            below: str | tuple[str, ...] = () if prefix in self._exact else f"{prefix}/"
            rows.append((prefix, below, self.policies[prefix]))
        self._by_segment = {segment: tuple(rows) for segment, rows in by_segment.items()}

    def find(self, path: str) -> Policy | None:
        """
        The policy with the longest prefix of `path`.
        """
        end = path.find("/", 1)
        rows = self._by_segment.get(path if end < 0 else path[:end])
        if rows is not None:
            for prefix, below, policy in rows:
                if path == prefix or path.startswith(below):
                    return policy
        return self.fallback

    def report(self) -> list[dict[str, Any]]:
        """
        The rules as data: rates by prefix and tier, and what departs from the defaults.
        """
        # no keys of the user's: in a log line the value of a key like `/auth` would be taken for a secret
        return [
            {"path" if name in self._exact else "prefix": name, **_described(policy)}
            for name, policy in sorted(self.policies.items())
        ]


def build_rules(limits: Mapping[str, str | Limit | None], *, exempt: Iterable[str] = ()) -> Rules:
    """
    Rules from what the user or the profile says.

    Args:
        limits: By path prefix, or `*` for all paths.
        exempt: Paths without any limit, unless `limits` names them itself. Where one ends with a parameter, whatever
            stands below the rest is exempt.

    Raises:
        ConfigurationError: Names the entry at fault.
    """
    if not isinstance(limits, Mapping):
        raise ConfigurationError("limits", type(limits).__name__, 'give a dict like {"/auth": "10/minute"}')
    wanted: dict[str, Limit] = {}
    for prefix, given in limits.items():
        name = _prefix(prefix)
        if name in wanted:
            raise ConfigurationError("limits", prefix, "write each prefix once, without a slash at its end")
        wanted[name] = given if isinstance(given, Limit) else Limit(given)
    asked = frozenset(wanted)
    exact = _exempt(wanted, exempt)
    policies = {name: build_policy(name, limit) for name, limit in wanted.items()}
    for name in policies.keys() - asked:
        # a prober's questions are no requests that bypassed a limit
        policies[name].tallies = Uncounted()
    bodies = {name: limit.max_body_bytes for name, limit in wanted.items() if limit.max_body_bytes is not None}
    return Rules(policies, bodies, exact)


def _exempt(wanted: dict[str, Limit], paths: Iterable[str]) -> list[str]:
    """
    Add a rule without a rate for each; returns those that hold for no path below.
    """
    exact = []
    for path in paths:
        stem, _, last = path.rpartition("/")
        name = _prefix(stem or "/") if last.startswith("{") else _prefix(path)
        if name not in wanted:
            wanted[name] = Limit(None)
            if not last.startswith("{"):
                exact.append(name)
    return exact


def build_policy(name: str, limit: Limit, place: str | None = None, bucket: str | None = None) -> Policy:
    """
    One policy, ready to count.

    Args:
        place: Where the limit stands, for the error.
        bucket: What its windows belong to, where that is not the name.

    Raises:
        ConfigurationError: Something in it can't be used.
    """
    policy = Policy(name, limit, place or f"limits[{name!r}]", bucket)
    policy.tallies = Tallies(name, shows=() if policy.exempt else ("admitted", "refused"))
    return policy


def _prefix(prefix: object) -> str:
    """
    A prefix as it is looked up: without a slash at its end.
    """
    if prefix == EVERYWHERE or prefix == "/":
        return str(prefix)
    if not isinstance(prefix, str) or not prefix.startswith("/"):
        raise ConfigurationError("limits", prefix, "start a prefix with /, or use * for all paths")
    if (
        len(prefix) > MAX_NAME
        or not prefix.isprintable()
        or any(sign in prefix for sign in '{}*?#\\"')
        or "//" in prefix
    ):
        raise ConfigurationError("limits", prefix, "write a plain prefix like /users, without parameters or patterns")
    return prefix.rstrip("/")


def _described(policy: Policy) -> dict[str, Any]:
    facts: dict[str, Any] = {"rate": _shown(policy.quotas)}
    if policy.by_tier:
        facts["tiers"] = {tier: _shown(quotas) for tier, quotas in policy.by_tier.items()}
    if policy.strategy != Limit.strategy:
        facts["strategy"] = policy.strategy
    if policy.on_failure != Limit.on_storage_failure:
        facts["on_storage_failure"] = policy.on_failure
    if policy.shadow:
        facts["shadow"] = True
    return facts


def _shown(quotas: tuple[Quota, ...]) -> str:
    return "; ".join(str(quota.rate) for quota in quotas) or "unlimited"
