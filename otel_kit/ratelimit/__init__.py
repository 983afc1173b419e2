"""
Rate limits: per client, by path, identity and tier.

`build_rules` reads what the user wants, `Limiter.judge` decides a request. Loading this package and
building a limiter imports neither `limits` nor `redis`: the first decision, or `start`, does.
"""

from __future__ import annotations

from otel_kit.ratelimit.limit import Limit
from otel_kit.ratelimit.limiter import Decision, Limiter
from otel_kit.ratelimit.rules import Rules, build_rules

__all__ = ["Decision", "Limit", "Limiter", "Rules", "build_rules"]
