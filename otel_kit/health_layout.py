"""
What the health routes of a profile are, and what their documents look like, as data.

Owns the vocabulary in which a profile states them: a path, what it answers for, how the document is made of
the facts. Knows nothing of checks, HTTP or the event loop.

A profile of another system writes its own `HealthRoute`s with functions of its own for the documents. What a
document holds is for everyone to read: `CheckReport.error` is None but for peers that are trusted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

__all__ = [
    "GOBLIN_HEALTH",
    "KUBERNETES_PROBES",
    "CheckReport",
    "HealthKind",
    "HealthReport",
    "HealthRoute",
    "HealthRoutes",
    "HealthStatus",
    "Phase",
]

HealthStatus = Literal["healthy", "degraded", "unhealthy"]

Phase = Literal["starting", "serving", "draining"]
"""Where the service is in its life. `draining`: it has been told to end and is still answering."""

HealthKind = Literal["live", "started", "ready", "all", "one"]
"""
What a route answers for.

`live`: the process answers at all; runs no check. `started`: start-up is complete. `ready`: serving, and no critical
check fails. `all`: every check. `one`: the check named by the last segment of the path.
"""


@dataclass(frozen=True)
class CheckReport:
    """
    The last answer of one check.
    """

    name: str
    healthy: bool
    critical: bool
    """False: its failure degrades the service and does not make it unhealthy."""
    latency_ms: float
    error: str | None = None
    """Why it is not healthy, for peers that are trusted; None for others."""


@dataclass(frozen=True)
class HealthReport:
    """
    The facts of which a document is made.
    """

    phase: Phase
    checks: tuple[CheckReport, ...]
    """Those that the route answers for: none, one or all, in the order in which they were declared."""
    at: datetime
    """Of the answer, in UTC."""
    uptime_seconds: float

    @property
    def status(self) -> HealthStatus:
        """
        The worst that the checks say.
        """
        failing = [check for check in self.checks if not check.healthy]
        if not failing:
            return "healthy"
        return "unhealthy" if any(check.critical for check in failing) else "degraded"

    @property
    def ready(self) -> bool:
        """
        Whether requests should be sent here.
        """
        return self.phase == "serving" and self.status != "unhealthy"


Document = Callable[[HealthReport], Any]
"""Makes what is answered as JSON."""


@dataclass(frozen=True)
class HealthRoute:
    """
    One route.

    A good answer has status 200, an unhealthy one or one that is not ready 503. A degraded one has 200.
    """

    path: str
    """The template. Of kind `one` its last segment is a parameter; others have none."""
    kind: HealthKind
    document: Document
    by_setting: tuple[HealthStatus, ...] = ()
    """States for which the profile documents 200 and 503 both, so that the setting decides."""


@dataclass(frozen=True)
class HealthRoutes:
    """
    All health routes of a profile.
    """

    routes: tuple[HealthRoute, ...] = ()

    @property
    def reserved_names(self) -> frozenset[str]:
        """
        Names that no check can have, since a route of the profile would hide it.
        """
        stems = {route.path.rpartition("/")[0] for route in self.routes if route.kind == "one"}
        places = (route.path.rpartition("/") for route in self.routes if route.kind != "one")
        return frozenset(last for stem, _, last in places if stem in stems)


def _live(report: HealthReport) -> dict[str, Any]:
    return {"status": "healthy"}


def _started(report: HealthReport) -> dict[str, Any]:
    return {"status": "starting" if report.phase == "starting" else "started"}


def _ready(report: HealthReport) -> dict[str, Any]:
    if report.ready:
        return {"status": "ready", "services": _services(report)}
    reason = report.status if report.phase == "serving" else report.phase
    return {"status": "not_ready", "reason": reason, "services": _services(report)}


def _all(report: HealthReport) -> dict[str, Any]:
    return {"status": report.status, "services": _services(report)}


def _one(report: HealthReport) -> dict[str, Any]:
    return _service(report.checks[0])


def _services(report: HealthReport) -> dict[str, Any]:
    return {check.name: _service(check) for check in report.checks}


def _service(check: CheckReport) -> dict[str, Any]:
    document = {"status": "healthy" if check.healthy else "unhealthy", "latency_ms": check.latency_ms}
    return document if check.error is None else {**document, "error": check.error}


KUBERNETES_PROBES = (HealthRoute("/readyz", "ready", _ready), HealthRoute("/startupz", "started", _started))
"""Beside the documented routes of a profile, under the names that Kubernetes' own components use."""

GOBLIN_HEALTH = HealthRoutes(
    (
        HealthRoute("/health", "live", _live),
        HealthRoute("/health/all", "all", _all, by_setting=("degraded",)),
        HealthRoute("/health/{service}", "one", _one),
        *KUBERNETES_PROBES,
    )
)
"""The routes of the goblin profile."""
