"""
The answer to a refused request: status 429, and three ways of saying when to come again.

Owns the document and the header fields. Knows nothing of how the decision came about.

Sources: RFC 6585, section 4 (429); RFC 9110, section 10.2.3 (`Retry-After`);
draft-ietf-httpapi-ratelimit-headers-11 (`RateLimit`, `RateLimit-Policy`: lists of RFC 9651). All of
them name the same moment.
"""

from __future__ import annotations

import math

from otel_kit.ratelimit.rates import Rate
from otel_kit.refusals import Refusal

__all__ = ["refusal_by", "refusal_uncounted", "retry_after"]

TOO_MANY_REQUESTS = 429
BESIDE = 0.001
"""
Seconds that a wait is taken to be longer, so that who comes at the very second named does pass.
"""
ASK_AGAIN_SECONDS = 1.0
"""
When who was denied for a storage that is away may try again: it is probed that often.
"""


def retry_after(reset_after: float, window_seconds: int) -> int:
    """
    Whole seconds a refused client should wait: at least 1, at most the window.
    """
    return min(max(1, math.ceil(reset_after + BESIDE)), window_seconds)


def refusal_by(header_name: str, rate: Rate, reset_after: float, remaining: int) -> Refusal:
    """
    The answer that names the limit that was hit.

    Args:
        header_name: The policy's name, fit to stand in a structured field's string.
        remaining: What is left, where the request wanted more than that.
    """
    return _refusal(f"Rate limit exceeded: {rate}", header_name, rate, reset_after, remaining)


def refusal_uncounted(header_name: str, rate: Rate) -> Refusal:
    """
    The answer of a limit that refuses all while nobody can count: none was hit, so it names none.
    """
    return _refusal("Rate limits can't be counted at the moment", header_name, rate, ASK_AGAIN_SECONDS, 0)


def _refusal(message: str, header_name: str, rate: Rate, reset_after: float, remaining: int) -> Refusal:
    wait = retry_after(reset_after, rate.seconds)
    policy = f'"{header_name}";q={rate.amount};w={rate.seconds}'
    state = f'"{header_name}";r={remaining};t={wait}'
    return Refusal(
        TOO_MANY_REQUESTS,
        "rate_limit_exceeded",
        message,
        fields={"retry_after": wait},
        headers=(
            (b"retry-after", str(wait).encode("ascii")),
            (b"ratelimit-policy", policy.encode("ascii")),
            (b"ratelimit", state.encode("ascii")),
        ),
    )
