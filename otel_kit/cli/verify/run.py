"""
The whole verification: what is sent, in which order, and in which order it is shown.

Owns the plan. The limit comes last, because after it this caller's bucket is used up; the
metrics come after the other requests, which are counted there.
"""

from __future__ import annotations

from collections.abc import Awaitable

from otel_kit.cli.verify.answers import (
    CONCURRENT,
    CORRELATION_REQUESTS,
    CORS_REQUESTS,
    HEALTH_REQUESTS,
    check_correlation,
    check_cors,
    check_health,
    check_performance,
)
from otel_kit.cli.verify.caller import Caller, NoAnswer
from otel_kit.cli.verify.exposition import METRICS_REQUESTS, MetricsChecks, check_metrics
from otel_kit.cli.verify.leaks import check_leaks
from otel_kit.cli.verify.limits import check_limits, limit_requests
from otel_kit.cli.verify.logs import check_logs
from otel_kit.cli.verify.routes import check_routes, route_requests
from otel_kit.cli.verify.target import Target
from otel_kit.cli.verify.verdict import Check, Verdict, failed

__all__ = ["announcement", "requests_at_most", "verify"]

CORRELATION = "Correlation id (echoed, replaced when unsafe, on 404 as well)"
NAMES = "Documented metrics by name, kind and labels"
SAMPLES = "Samples of all documented metrics"
ROUTES = "Documented health routes"
LEAKS = "No stack trace, file path or version on error pages"

SILENCE = "look at the service's log"


def requests_at_most(target: Target) -> int:
    """
    What all checks together may send.
    """
    return _reads(target) + limit_requests(target)


def _reads(target: Target) -> int:
    cors = CORS_REQUESTS if target.origin is not None else 0
    return HEALTH_REQUESTS + CORRELATION_REQUESTS + cors + CONCURRENT + route_requests(target) + METRICS_REQUESTS


def announcement(target: Target) -> str:
    """
    One line: what will be sent, and what that costs the caller.
    """
    documented = [route.path for route in target.health_routes]
    # the first is asked most
    paths = dict.fromkeys([*([target.asked_path] if documented else []), *documented, target.profile.metrics_path])
    total, logins = requests_at_most(target), limit_requests(target)
    asked = f"{_reads(target)} that change nothing ({', '.join(paths)}, a path that does not exist)"
    line = f"sends at most {total} requests to {target.base_url}: {asked}"
    if not logins:
        return line
    window = str(target.rate).partition(" per ")[2]
    used = f"which uses up this caller's own limit there for {window} (--skip-limits leaves it out)"
    return f"{line}, and {logins} × POST {target.login_path}, {used}"  # noqa: RUF001


async def verify(target: Target, caller: Caller) -> list[Check]:
    """
    Run every check.

    Raises:
        NoAnswer: Nobody answers the very first request, so there is nothing to verify.
    """
    health = await check_health(target, caller)
    correlation = await _settled(check_correlation(target, caller))
    cors = await _settled(check_cors(target, caller))
    performance = await _settled(check_performance(target, caller))
    routes = await _settled(check_routes(target, caller))
    metrics = await _metrics(target, caller)
    logs = await check_logs(target)
    limits = await _settled(check_limits(target, caller))
    lines = target.documented
    verdicts = {
        lines.health: health,
        lines.metrics: metrics.endpoint,
        _limits_name(target): limits,
        lines.cors: cors,
        lines.logs: logs,
        lines.performance: performance,
        CORRELATION: correlation,
        ROUTES: routes,
        NAMES: metrics.names,
        SAMPLES: metrics.samples,
        LEAKS: check_leaks(caller.answers),
    }
    return [Check(name, verdict.status, verdict.detail) for name, verdict in verdicts.items()]


def _limits_name(target: Target) -> str:
    rate, name = target.rate, target.documented.limits
    return name.replace("{count}", str(rate.amount)) if rate else name.partition(" (")[0]


async def _settled(check: Awaitable[Verdict]) -> Verdict:
    """
    The verdict; that nobody answers any more is one too.
    """
    try:
        return await check
    except NoAnswer as silence:
        return failed(str(silence), SILENCE)


async def _metrics(target: Target, caller: Caller) -> MetricsChecks:
    try:
        return await check_metrics(target, caller)
    except NoAnswer as silence:
        verdict = failed(str(silence), SILENCE)
        return MetricsChecks(verdict, verdict, verdict)
