"""
The check of the documented health routes: each is there, answers by a documented status, and says JSON.

Owns what is expected of an answer. Which routes there are is the profile's; that of one check is left out, since
nobody here knows a check's name, and so is the one of metrics, which is not for everyone.
"""

from __future__ import annotations

import json
from typing import Any

from otel_kit.cli.verify.caller import Answer, Caller
from otel_kit.cli.verify.target import Target, statuses_of
from otel_kit.cli.verify.verdict import Verdict, clean, failed, passed
from otel_kit.health_layout import HealthRoute

__all__ = ["check_routes", "route_requests"]

_SET_UP = "see that the service is set up with this profile, and has no route of its own there"
NOT_THE_SERVICE = (*range(300, 400), 429)
"""What stands in front answers, or this caller's limit: no other route would tell more."""
ENVELOPES = ("result", "error")
"""One of them stands around each answer of tRPC."""


def route_requests(target: Target) -> int:
    """
    How many requests the check sends at most.
    """
    return len(target.health_routes)


async def check_routes(target: Target, caller: Caller) -> Verdict:
    """
    One request each.
    """
    faults = []
    for route in target.health_routes:
        answer = await caller.ask("GET", route.path)
        if answer.status in NOT_THE_SERVICE and answer.status not in statuses_of(route):
            return answer.unwanted(_SET_UP)
        fault = _fault(route, answer)
        if fault is not None:
            faults.append(f"{route.path} {fault}")
    return failed(clean("; ".join(faults), 400), _SET_UP) if faults else passed()


def _fault(route: HealthRoute, answer: Answer) -> str | None:
    statuses = statuses_of(route)
    if answer.status not in statuses:
        return f"answers {answer.status}, not one of {', '.join(map(str, sorted(statuses)))}"
    document = _document(answer)
    if not isinstance(document, dict):
        return "is no JSON object"
    if route.form == "trpc" and not any(name in document for name in ENVELOPES):
        return "has no envelope of tRPC"
    return None


def _document(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
