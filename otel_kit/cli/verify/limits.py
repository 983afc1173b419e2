"""
The check of the rate limit: as many requests as it lets through, and one more.

Owns which documented rate holds for a path, and what a refusal must look like. Sends no request
more than `MOST_REQUESTS`, whatever the rate, and none after the first refusal.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from otel_kit.cli.verify.caller import Answer, Caller
from otel_kit.cli.verify.target import Target
from otel_kit.cli.verify.verdict import Verdict, clean, failed, info, passed, skipped
from otel_kit.ratelimit.rates import Rate, parse_rates

__all__ = ["MOST_REQUESTS", "check_limits", "limit_requests", "rate_of"]

MOST_REQUESTS = 11
EDGE_SECONDS = 2.0
# each over a connection of its own, so that a limit that every worker counts for itself does show
HEADERS = {"Content-Type": "application/json", "Connection": "close"}
EVERYWHERE = "*"
MALFORMED = b'{"email":'

_OFF = (
    "set RATELIMIT_ENABLED=true in the service, and where it has several workers or instances a Redis by "
    "OTEL_KIT_RATELIMIT_STORAGE_URL; leave this out with --skip-limits where there is no limit by intent"
)


def rate_of(limits: Mapping[str, Any], path: str) -> Rate | None:
    """
    The rate that holds for a path: the longest prefix by whole segments wins, of several rates the least.

    None where no limit is documented for it.

    Raises:
        ValueError: A rate can't be read.
    """
    fitting = [prefix for prefix in limits if f"{path}/".startswith(f"{prefix.rstrip('/')}/")]
    # this one holds beside the longest
    rules = {max(fitting, key=len)} if fitting else set()
    # a `Limit` has its rate as a text; None is no limit
    texts = [getattr(limits[rule], "rate", limits[rule]) for rule in {*rules, EVERYWHERE} & limits.keys()]
    return min((rate for text in texts if text is not None for rate in parse_rates(text)), default=None)


def limit_requests(target: Target) -> int:
    """
    Requests to the login path that the check sends at most; 0 where it sends none.
    """
    rate = target.rate
    if target.skip_limits or rate is None or rate.amount >= MOST_REQUESTS:
        return 0
    return rate.amount + 1


async def check_limits(target: Target, caller: Caller) -> Verdict:
    """
    The documented number passes, the next is refused, as documented.
    """
    rate = target.rate
    if target.skip_limits:
        return skipped("left out by --skip-limits")
    if rate is None:
        return info(f"the profile {target.profile.name} documents no limit for {target.login_path}")
    most = limit_requests(target)
    if not most:
        return info(f"{rate} can't be shown with {MOST_REQUESTS} requests")
    await _leave_the_edge(rate)
    for number in range(most):
        # one that no login can read, for the sake of its error page
        content = MALFORMED if number == 0 else target.documented.login_body
        answer = await caller.ask("POST", target.login_path, headers=HEADERS, content=content)
        if answer.status == 429:
            return _judge_refusal(answer, number, rate)
        if 300 <= answer.status < 400:
            # what stands in front answers; ten more would show nothing of the service
            return answer.unwanted("")
    return failed(f"all of {most} requests to {target.login_path} were let through, the last by {answer.status}", _OFF)


async def _leave_the_edge(rate: Rate) -> None:
    """
    Wait until the window's edge is past where it is near.

    Across the edge a sliding window counter may let one more through, which would look like a fault.
    """
    left = rate.seconds - time.time() % rate.seconds
    if left < min(EDGE_SECONDS, rate.seconds / 4):
        await asyncio.sleep(left)


def _judge_refusal(answer: Answer, admitted: int, rate: Rate) -> Verdict:
    faults = list(_refusal_faults(answer, rate))
    if faults:
        why = f"request {admitted + 1} is refused, but {'; '.join(faults)}"
        return failed(why, "see that the kit's own limiter answers, with the limits of this profile")
    if admitted < rate.amount:
        return passed(f"after {admitted} only: earlier requests of this caller have used up the rest of {rate}")
    return passed()


def _refusal_faults(answer: Answer, rate: Rate) -> list[str]:
    document = answer.json()
    body = document if isinstance(document, dict) else {}
    wait, header = body.get("retry_after"), answer.header("retry-after")
    message = body.get("message")
    faults = []
    if body.get("error") != "rate_limit_exceeded":
        faults.append("its body has no error rate_limit_exceeded")
    if message != f"Rate limit exceeded: {rate}":
        faults.append(f"its message is {clean(repr(message), 80)}, not 'Rate limit exceeded: {rate}'")
    if not _is_wait(wait, rate):
        faults.append(f"its retry_after is {clean(repr(wait), 20)}, not the whole seconds to wait")
    elif header != str(wait):
        faults.append(f"its Retry-After is {clean(repr(header), 20)}, and its body says {wait}")
    faults += [f"it has no {name}" for name in ("RateLimit", "RateLimit-Policy") if not answer.header(name)]
    return faults


def _is_wait(value: object, rate: Rate) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= rate.seconds
