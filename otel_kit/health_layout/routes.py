"""
What the health routes of a profile are, as data.

Owns the vocabulary in which a profile states them: a path, what it answers for, its word for how the service is, the
HTTP status of each word, and how the document is made of the facts. Knows nothing of checks, HTTP or the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from otel_kit.health_layout.report import HealthReport

__all__ = ["STATUSES", "Form", "HealthKind", "HealthRoute", "HealthRoutes"]

HealthKind = Literal["live", "started", "ready", "all", "one", "metrics"]
"""
What a route answers for.

`live`: the process answers at all; runs no check. `started`: start-up is complete. `ready`: serving, and no critical
check fails. `all`: every check. `one`: the check named by the last segment of the path. `metrics`: what is measured,
for those who may read the page of metrics.
"""

Form = Literal["json", "trpc"]
"""`trpc`: the document in the envelope of tRPC 11; the last segment of the path is the procedure's name."""

Document = Callable[[HealthReport], Any]
"""Makes what is answered as JSON."""

STATUSES: Mapping[str, int | Literal["by setting"]] = MappingProxyType(
    {
        "healthy": 200,
        "degraded": 200,
        "unhealthy": 503,
        "started": 200,
        "starting": 503,
        "ready": 200,
        "not_ready": 503,
    }
)
"""HTTP status of the words that routes have without words of their own."""

_STATES: Mapping[HealthKind, Callable[[HealthReport], str]] = MappingProxyType(
    {
        "live": lambda report: "healthy",
        "started": lambda report: "starting" if report.phase == "starting" else "started",
        "ready": lambda report: "ready" if report.ready else "not_ready",
        "all": lambda report: report.status,
        "one": lambda report: "healthy" if report.checks[0].healthy else "unhealthy",
        "metrics": lambda report: "healthy",
    }
)


@dataclass(frozen=True)
class HealthRoute:
    """
    One route.
    """

    path: str
    """The template. Of kind `one` its last segment is a parameter; others have none."""
    kind: HealthKind
    document: Document
    state: Callable[[HealthReport], str] | None = None
    """
    Gives the word for how the service is, which the document finds in `report.state`.

    None: `healthy`, `started` or `starting`, `ready` or `not_ready`, or the worst of the checks: `healthy`, `degraded`,
    `unhealthy`.
    """
    statuses: Mapping[str, int | Literal["by setting"]] = field(default_factory=lambda: STATUSES)
    """HTTP status of each word. `by setting`: 200 or 503, as `OTEL_KIT_HEALTH_DEGRADED_STATUS` says."""
    form: Form = "json"
    asks_providers: bool = False
    """Whether the document tells of AI providers."""
    tells_of: tuple[str, ...] = ()
    """Checks that the system documents by name. Where one is not declared, the kit's report says so."""
    own_names: tuple[str, ...] = ()
    """Names that stand in the document where those of checks do: no check can be called so."""
    limited: bool = True
    """Whether the limits of its path hold for it. Probes (`ready`, `started`) never count, unless limited by name."""

    def state_of(self, report: HealthReport) -> str:
        """
        The word for how it is.
        """
        return (self.state or _STATES[self.kind])(report)


@dataclass(frozen=True)
class HealthRoutes:
    """
    All health routes of a profile.
    """

    routes: tuple[HealthRoute, ...] = ()

    @property
    def reserved_names(self) -> frozenset[str]:
        """
        Names that no check can have, since a route of the profile would hide it or a document uses it.
        """
        stems = {route.path.rpartition("/")[0] for route in self.routes if route.kind == "one"}
        places = (route.path.rpartition("/") for route in self.routes if route.kind != "one")
        hidden = {last for stem, _, last in places if stem in stems}
        return frozenset(hidden.union(*(route.own_names for route in self.routes)))

    @property
    def unlimited(self) -> tuple[str, ...]:
        """
        Path prefixes that are limited only by name.

        An orchestrator's probes often come from the address of its traffic: what that traffic uses up must not take
        the service out of rotation.
        """
        free = [route for route in self.routes if route.kind in ("ready", "started") or not route.limited]
        paths = (route.path.rpartition("/")[0] if route.kind == "one" else route.path for route in free)
        return tuple(path for path in paths if path)
