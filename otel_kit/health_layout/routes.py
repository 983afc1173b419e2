"""
What the health routes of a profile are, as data.

Owns the vocabulary in which a profile states them: a path, what it answers for, its word for how the service is, the
HTTP status of each word, and how the document is made of the facts. Knows nothing of checks, HTTP or the event loop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

from otel_kit.errors import ProfileError
from otel_kit.health_layout.report import HealthReport
from otel_kit.shape import check_callable, check_flag, check_items, check_mapping, check_path, check_word, shown

__all__ = ["STATUSES", "WORDS", "Form", "HealthKind", "HealthRoute", "HealthRoutes", "shape_of"]

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

WORDS: Mapping[HealthKind, tuple[str, ...]] = MappingProxyType(
    {
        "live": ("healthy",),
        "started": ("started", "starting"),
        "ready": ("ready", "not_ready"),
        "all": ("healthy", "degraded", "unhealthy"),
        "one": ("healthy", "unhealthy"),
        "metrics": ("healthy",),
    }
)
"""Words of routes that have none of their own."""

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

_PARAMETER = re.compile(r"\{[^{}]*\}")
_NAMED_BY_ITS_END = re.compile(r"[^{}]*/\{[A-Za-z_]\w*\}")


@dataclass(frozen=True)
class HealthRoute:
    """
    A path that tells how the service is, what it answers for, and the function that makes its document.

    Raises:
        ProfileError: A kind or form that there is not, a template that does not fit the kind, a word of the route
            that has no status, or a document that can't be made.
    """

    path: str
    """The template. Of kind `one` its last segment is a parameter; others have none."""
    kind: HealthKind
    """What it answers for, and so which checks it asks."""
    document: Document
    """Makes of the `HealthReport` what is answered as JSON."""
    state: Callable[[HealthReport], str] | None = None
    """
    Gives the word for how the service is, which the document finds in `report.state`.

    None: `healthy`, `started` or `starting`, `ready` or `not_ready`, or the worst of the checks: `healthy`, `degraded`,
    `unhealthy`.
    """
    statuses: Mapping[str, int | Literal["by setting"]] = field(default_factory=lambda: STATUSES)
    """HTTP status of each word. `by setting`: 200 or 503, as `OTEL_KIT_HEALTH_DEGRADED_STATUS` says."""
    form: Form = "json"
    """`trpc`: in the envelope of tRPC 11, as the procedure that the path ends with."""
    asks_providers: bool = False
    """Whether the document tells of AI providers: `report.providers` is empty without it."""
    tells_of: tuple[str, ...] = ()
    """Checks that the system documents by name. Where one is not declared, the kit's report says so."""
    own_names: tuple[str, ...] = ()
    """Names that stand in the document where those of checks do: no check can be called so."""
    limited: bool = True
    """Whether the limits of its path hold for it. Probes (`ready`, `started`) never count, unless limited by name."""

    def __post_init__(self) -> None:
        place = f"health route {self.path}"
        check_path(place, "path", self.path)
        check_word(place, "kind", self.kind, get_args(HealthKind))
        check_word(place, "form", self.form, get_args(Form))
        check_callable(place, "document", self.document)
        if self.state is not None:
            check_callable(place, "state", self.state)
        check_flag(place, "asks_providers", self.asks_providers)
        check_flag(place, "limited", self.limited)
        check_items(place, "tells_of", self.tells_of, str, "a check's name")
        check_items(place, "own_names", self.own_names, str, "a name")
        _check_template(place, self)
        if self.statuses is not STATUSES:
            _check_statuses(place, self)

    def state_of(self, report: HealthReport) -> str:
        """
        The word for how it is.
        """
        return (self.state or _STATES[self.kind])(report)


@dataclass(frozen=True)
class HealthRoutes:
    """
    All health routes of a profile.

    Raises:
        ProfileError: Two of them answer the same paths.
    """

    routes: tuple[HealthRoute, ...] = ()
    """`KUBERNETES_PROBES` has two that go beside any others."""

    def __post_init__(self) -> None:
        check_items("health routes", "routes", self.routes, HealthRoute, "a HealthRoute")
        known: dict[str, str] = {}
        for route in self.routes:
            before = known.setdefault(shape_of(route.path), route.path)
            if before != route.path or [one.path for one in self.routes].count(route.path) > 1:
                raise ProfileError(
                    f"health route {route.path}",
                    f"{before} answers the same paths",
                    "give each route a path of its own",
                )

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
        Paths that are limited only by name; of kind `one` the template.

        An orchestrator's probes often come from the address of its traffic: what that traffic uses up must not take
        the service out of rotation.
        """
        free = [route for route in self.routes if route.kind in ("ready", "started") or not route.limited]
        return tuple(route.path for route in free)


def shape_of(template: str) -> str:
    """
    The template with its parameters nameless: `/health/{service}` and `/health/{name}` are the same route.
    """
    return _PARAMETER.sub("{}", template.rstrip("/") or "/")


def _check_template(place: str, route: HealthRoute) -> None:
    if route.kind == "one" and route.form == "trpc":
        remedy = "a procedure has one name: give it another kind, or the form json"
        raise ProfileError(place, "a route of kind one can't be a procedure", remedy)
    if route.kind == "one" and not _NAMED_BY_ITS_END.fullmatch(route.path):
        raise ProfileError(place, "nothing in it names the check", "end it with one parameter: /health/{service}")
    if route.kind != "one" and ("{" in route.path or "}" in route.path):
        raise ProfileError(
            place, f"a route of kind {route.kind} has no parameter", "write the path out, or use kind one"
        )


def _check_statuses(place: str, route: HealthRoute) -> None:
    check_mapping(place, "statuses", route.statuses, None)
    for word, status in route.statuses.items():
        plain = isinstance(status, int) and not isinstance(status, bool) and 200 <= status <= 599
        if not plain and status != "by setting":
            remedy = "give a number from 200 to 599, or 'by setting'"
            raise ProfileError(place, f"status {shown(status)} of the word {word!r} can't be used", remedy)
    missing = [] if route.state is not None else [word for word in WORDS[route.kind] if word not in route.statuses]
    if missing:
        remedy = "give each word one: {**STATUSES, …} has those of the others"
        raise ProfileError(place, f"no status for {', '.join(missing)}", remedy)
