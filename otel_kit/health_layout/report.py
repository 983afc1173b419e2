"""
What a health document can tell: the checks, the providers, the service and the machine.

Owns the facts as values. Knows nothing of how they are found, nor of routes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

__all__ = ["CheckReport", "Facts", "HealthReport", "HealthStatus", "Memory", "Phase"]

HealthStatus = Literal["healthy", "degraded", "unhealthy"]
"""The worst of several checks. `degraded`: those that fail are all declared as not critical."""

Phase = Literal["starting", "serving", "draining"]
"""Where the service is in its life. `draining`: it has been told to end and is still answering."""


@dataclass(frozen=True)
class CheckReport:
    """
    The last answer of one check.
    """

    name: str
    """As in `checks=` of the set-up."""
    healthy: bool
    """What it said when it was last asked."""
    critical: bool
    """False: its failure degrades the service and does not make it unhealthy."""
    latency_ms: float
    """How long it took to answer, in milliseconds."""
    error: str | None = None
    """Why it is not healthy, for peers that are trusted; None for others."""
    type: str | None = None
    """What is asked, as people write it: "SQLite". None where nobody has said."""


@dataclass(frozen=True)
class Memory:
    """
    Of the machine, or of the container where its limit is the nearer one.
    """

    used_percent: float
    """From 0 to 100."""
    available_mb: float
    """What can still be taken without swapping, in units of 1024 * 1024 bytes."""


def _unknown_memory() -> Memory | None:
    return None


@dataclass(frozen=True)
class Facts:
    """
    The service and where it runs.
    """

    version: str | None = None
    """`APP_VERSION`, else the application's own; None where neither was given."""
    environment: str = "development"
    """`ENVIRONMENT`."""
    debug: bool = False
    """The application's debug flag."""
    log_level: str = "INFO"
    """The profile's word for the level that is in force now."""
    read_memory: Callable[[], Memory | None] = _unknown_memory
    """What `memory` asks, once for a document."""

    @cached_property
    def memory(self) -> Memory | None:
        """
        Read when a document asks; None where the system does not tell.
        """
        return self.read_memory()


@dataclass(frozen=True)
class HealthReport:
    """
    The facts of which a document is made.
    """

    phase: Phase
    """Where the service is in its life."""
    checks: tuple[CheckReport, ...]
    """Those that the route answers for: none, one or all, in the order in which they were declared."""
    at: datetime
    """Of the answer, in UTC."""
    uptime_seconds: float
    """Since the application was set up."""
    providers: Mapping[str, bool] = field(default_factory=dict)
    """Whether each declared provider is configured, where the route asks for them."""
    facts: Facts = field(default_factory=Facts)
    """The service and where it runs."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """What is measured, by name; only for routes of kind `metrics`."""
    state: str = ""
    """The route's word for how it is."""

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

    @property
    def timestamp(self) -> str:
        """
        `at` in ISO 8601, with microseconds and offset: `2025-10-01T05:08:03.580606+00:00`.
        """
        return self.at.isoformat(timespec="microseconds")

    def check(self, name: str) -> CheckReport | None:
        """
        The check of this name; None where it is not declared, or not asked by the route.
        """
        return next((check for check in self.checks if check.name == name), None)
