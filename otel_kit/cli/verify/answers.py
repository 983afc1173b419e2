"""
Checks of ordinary answers: health, correlation id, CORS, ten requests at once.

Each check takes the target and its caller and gives a verdict; `NoAnswer` is the caller's to
treat. The constants beside them say how many requests they send at most.
"""

from __future__ import annotations

import asyncio
import re
import time

from otel_kit.cli.verify.caller import Answer, Caller
from otel_kit.cli.verify.target import Target
from otel_kit.cli.verify.verdict import Verdict, clean, failed, info, passed
from otel_kit.propagation import CORRELATION_HEADER

__all__ = [
    "CONCURRENT",
    "CORRELATION_REQUESTS",
    "CORS_REQUESTS",
    "HEALTH_REQUESTS",
    "check_correlation",
    "check_cors",
    "check_health",
    "check_performance",
]

HEALTH_REQUESTS = 1
CORRELATION_REQUESTS = 3
CORS_REQUESTS = 2
CONCURRENT = 10

LIMIT_SECONDS = 1.0
UNSAFE_ID = "otel kit {verify} <unsafe>"
FOREIGN_ORIGIN = "https://otel-kit-verify.invalid"

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_SET_UP = "see that the service is set up by setup_observability and nothing in front of it changes the header"


async def check_health(target: Target, caller: Caller) -> Verdict:
    """
    The health page answers by the status that is documented for a service that is well.
    """
    answer = await caller.ask("GET", target.asked_path)
    if target.health_route is None:
        return info(f"the profile {target.profile.name} documents no health route that can be asked")
    if answer.status in target.good_statuses:
        return passed()
    return answer.unwanted("look at the service's log, or at what stands in front of it")


async def check_correlation(target: Target, caller: Caller) -> Verdict:
    """
    A good id comes back, on a page that does not exist as well; a bad one is replaced.

    Sends a method that nothing here serves too, so that its error page can be looked at.
    """
    given, path = {CORRELATION_HEADER: target.run_id}, target.asked_path
    missing = await caller.ask("GET", target.missing_path, headers=given)
    refused = await caller.ask("OPTIONS", path, headers=given)
    replaced = await caller.ask("GET", path, headers={CORRELATION_HEADER: UNSAFE_ID})
    faults = [
        f"{answer.method} {clean(answer.path)} ({answer.status}) {fault}"
        for answer, fault in (
            (missing, _echo_fault(missing, target.run_id)),
            (refused, _echo_fault(refused, target.run_id)),
            (replaced, _replacement_fault(replaced)),
        )
        if fault
    ]
    return failed("; ".join(faults), _SET_UP) if faults else passed()


def _echo_fault(answer: Answer, given: str) -> str | None:
    returned = answer.header(CORRELATION_HEADER)
    if not returned:
        return f"has no {CORRELATION_HEADER}"
    return None if returned == given else f"returns another {CORRELATION_HEADER} than it was given"


def _replacement_fault(answer: Answer) -> str | None:
    returned = answer.header(CORRELATION_HEADER)
    if not returned:
        return f"has no {CORRELATION_HEADER}"
    return None if _SAFE_ID.fullmatch(returned) else f"echoes an unsafe {CORRELATION_HEADER}"


async def check_cors(target: Target, caller: Caller) -> Verdict:
    """
    The allowed origin may read the answer, another may not.
    """
    if target.origin is None:
        return info("not tried: name an allowed origin with --origin, or set CORS_ORIGINS as the service has it")
    path = target.asked_path
    ours = await caller.ask("GET", path, headers={"Origin": target.origin})
    foreign = await caller.ask("GET", path, headers={"Origin": FOREIGN_ORIGIN})
    allowed, leaked = _allowed(ours), _allowed(foreign)
    if leaked:
        return failed(f"any origin may read answers ({clean(leaked)})", "list the origins in CORS_ORIGINS")
    if allowed != target.origin:
        why = f"no Access-Control-Allow-Origin for {clean(target.origin)}"
        return failed(why, "add it to the service's CORS_ORIGINS, or name an allowed one with --origin")
    return passed()


def _allowed(answer: Answer) -> str:
    return answer.header("access-control-allow-origin")


async def check_performance(target: Target, caller: Caller) -> Verdict:
    """
    Ten requests at once are all answered within a second.
    """
    path, good = target.asked_path, target.good_statuses
    begun = time.monotonic()
    asked = await asyncio.gather(*(caller.ask("GET", path) for _ in range(CONCURRENT)), return_exceptions=True)
    seconds = time.monotonic() - begun
    for silence in asked:
        if isinstance(silence, BaseException):
            raise silence
    answers = [answer for answer in asked if isinstance(answer, Answer)]
    for answer in answers:
        if answer.status not in good:
            wanted = " or ".join(map(str, sorted(good)))
            return answer.unwanted(f"all {CONCURRENT} must be answered by {wanted}")
    if seconds >= LIMIT_SECONDS:
        why = f"{CONCURRENT} requests to {path} took {seconds:.2f} s"
        return failed(why, "look for what blocks the event loop, and at the way from here to there")
    ids = {answer.header(CORRELATION_HEADER) for answer in answers}
    if len(ids - {""}) not in (0, CONCURRENT):
        return failed("requests without an id share one", _SET_UP)
    return passed()
