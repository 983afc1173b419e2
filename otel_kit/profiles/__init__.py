"""
Profiles: what one documented system calls its metrics, log fields and routes, as data.

Owns the shape of a profile, the errors of one that contradicts itself, and how one is found by name. The kit's
code reads profiles and knows none of them by name; a team's own profile is one more file like `goblin.py`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

from otel_kit.catalogue import Kind
from otel_kit.derived import Share
from otel_kit.errors import ConfigurationError
from otel_kit.event_layout import SECURITY_EVENTS, EventCount, SecurityEvent, counted, with_events
from otel_kit.health_layout import (
    KUBERNETES_PROBES,
    STATUSES,
    CheckReport,
    HealthReport,
    HealthRoute,
    HealthRoutes,
    all_services,
    one_service,
    state_only,
)
from otel_kit.layout import Field, LogLayout
from otel_kit.ledger import Counter, Gauge, Histogram, Summary
from otel_kit.profiles.readings import Reading, Threshold

__all__ = [
    "BUILT_IN",
    "KUBERNETES_PROBES",
    "STATUSES",
    "CheckReport",
    "EventCount",
    "Field",
    "HealthReport",
    "HealthRoute",
    "HealthRoutes",
    "LogLayout",
    "Metric",
    "Profile",
    "Reading",
    "RequestMetric",
    "SecurityEvent",
    "Share",
    "Threshold",
    "all_services",
    "counted",
    "load_profile",
    "one_service",
    "state_only",
    "with_events",
]

Metric = Counter | Gauge | Histogram | Summary

Role = Literal["total", "duration", "errors", "in_progress", "request_size", "response_size"]
"""
What the request path writes into a metric.

`total`: one for each request. `duration`: seconds to the last byte; websockets have none. `errors`: one for an
unhandled exception or a status from 500. `in_progress`: requests that are being answered now. `request_size` and
`response_size`: the `Content-Length` in bytes that the request and the answer name, else 0.
"""

Source = Literal["method", "route", "status", "status_class", "error_type"]
"""What fills a label. `status_class` is `2xx` to `5xx`; `error_type` an exception's class, else the status from 500."""

BUILT_IN = ("goblin", "todo", "xionimus", "platform")

_KINDS: dict[str, tuple[Kind, ...]] = {
    "total": ("counter",),
    "errors": ("counter",),
    "in_progress": ("gauge",),
}
_MEASURED: tuple[Kind, ...] = ("histogram", "summary")
_KNOWN_AT: dict[str, tuple[Source, ...]] = {
    "in_progress": ("method", "route"),
    "errors": get_args(Source),
}
_AT_THE_END: tuple[Source, ...] = ("method", "route", "status", "status_class")


@dataclass(frozen=True)
class RequestMetric:
    """
    A metric that the request path writes.

    Raises:
        ConfigurationError: A label that the metric does not declare, one without a source, a metric of a kind that
            can't hold the role, or a source that is not known at that time.
    """

    role: Role
    metric: Metric
    labels: Mapping[str, Source] = field(default_factory=dict)
    """Each label of the metric, and what fills it."""
    websockets: bool = True
    """For the role `total`: whether a websocket counts as a request. Times and sizes are of HTTP in any case."""

    def __post_init__(self) -> None:
        place = f"request metric {self.metric.name}"
        if self.role not in get_args(Role):
            raise ConfigurationError(place, self.role, f"give one of the roles {', '.join(get_args(Role))}")
        kind, kinds = self.metric.declaration.kind, _KINDS.get(self.role, _MEASURED)
        if kind not in kinds:
            raise ConfigurationError(place, kind, f"the role {self.role} wants a {' or '.join(kinds)}")
        for label in self.labels:
            if label not in self.metric.labelnames:
                raise ConfigurationError(place, label, f"declare the label, or fill one of {', '.join(self.metric.labelnames)}")
        for label in self.metric.labelnames:
            source = self.labels.get(label)
            known = _KNOWN_AT.get(self.role, _AT_THE_END)
            if source not in known:
                raise ConfigurationError(place, f"{label}: {source}", f"fill the label from one of {', '.join(known)}")

    @property
    def sources(self) -> tuple[Source, ...]:
        """
        In the order of the metric's labels.
        """
        return tuple(self.labels[label] for label in self.metric.labelnames)


@dataclass(frozen=True)
class Profile:
    """
    The names and shapes of one system.

    Raises:
        ConfigurationError: It contradicts itself: a name twice, a metric that is used and not declared, a
            threshold for a reading that is not there, a log field or health route twice.
    """

    name: str
    metrics: tuple[Metric, ...]
    """All documented metrics: they stand on `/metrics` from the start, with or without a sample."""
    requests: tuple[RequestMetric, ...]
    layout: LogLayout
    metrics_path: str = "/metrics"
    quiet: tuple[str, ...] = ()
    """Path prefixes, by whole segments, whose requests have no span and no line below status 500."""
    unmatched: str = "unmatched"
    """Label of the route where none was found."""
    limits: Mapping[str, str] = field(default_factory=dict)
    """Path prefix, by whole segments, to the rate of one client; the longest prefix wins."""
    max_body_bytes: Mapping[str, int] = field(default_factory=dict)
    """Path prefix, by whole segments, to the largest request body where the setting's is not to hold."""
    health: HealthRoutes = field(default_factory=partial(HealthRoutes, KUBERNETES_PROBES))
    """Health routes and their documents."""
    health_gauge: Gauge | None = None
    """The metric of every check, by its name in the one label: 1 healthy, 0 not."""
    status_gauge: Gauge | None = None
    """The metric of the whole service, by the words of its route of kind `all` in the one label: 1 for what holds."""
    derived: tuple[Share, ...] = ()
    """Gauges that are worked out of other metrics whenever somebody reads."""
    events: tuple[SecurityEvent, ...] = SECURITY_EVENTS
    """Security and audit events by name: `with_events(…)` for the catalogue with some of the profile's own."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that the system documents, and their defaults."""
    readings: tuple[Reading, ...] = ()
    """What is documented as a rate, a percentile or a share, and is asked of Prometheus."""
    thresholds: tuple[Threshold, ...] = ()
    """Figures that the system documents for its readings."""

    def __post_init__(self) -> None:
        for check in (_check_names, _check_uses, _check_layout, _check_routes, _check_thresholds):
            for value, remedy in check(self):
                raise ConfigurationError(f"profile {self.name}", value, remedy)

    def quiet_rule(self) -> Callable[[str], bool]:
        """
        Whether a path lies under one of the quiet prefixes, by whole segments.
        """
        # a batch of procedures has its names side by side, with commas
        exact = frozenset(self.quiet)
        nested = tuple(prefix + end for prefix in self.quiet for end in "/,")
        return lambda path: path in exact or path.startswith(nested)


Problems = Iterator[tuple[str, str]]
"""What is wrong, and the remedy."""


def _check_names(profile: Profile) -> Problems:
    claimed: dict[str, Metric] = {}
    for metric in profile.metrics:
        for name in metric.declaration.claimed_names:
            if name in claimed:
                yield metric.name, f"two metrics of the profile use the name {name}: declare it once"
            claimed[name] = metric


def _check_uses(profile: Profile) -> Problems:
    uses: dict[str, list[Any]] = {
        "request metric": [item.metric for item in profile.requests],
        "derived gauge": [share.gauge for share in profile.derived],
        "counter of events": [count.metric for event in profile.events for count in event.counts],
    }
    for what, metrics in uses.items():
        for metric in metrics:
            if metric not in profile.metrics:
                yield metric.declaration.name, f"list the {what} among the profile's metrics"
    for gauge, value in ((profile.health_gauge, "the check's name"), (profile.status_gauge, "the state")):
        if gauge is not None and (gauge not in profile.metrics or len(gauge.labelnames) != 1):
            yield gauge.name, f"list the health gauge among the profile's metrics, with one label for {value}"


def _check_layout(profile: Profile) -> Problems:
    names = [each.name for each in profile.layout.fields]
    for name in names:
        if names.count(name) > 1:
            yield name, "a log field stands twice: name it once"


def _check_routes(profile: Profile) -> Problems:
    paths = [profile.metrics_path, *(route.path for route in profile.health.routes)]
    for path in paths:
        if paths.count(path) > 1:
            yield path, "two pages of the profile have one path: give each its own"
        if not path.startswith("/"):
            yield path, "a path begins with /"


def _check_thresholds(profile: Profile) -> Problems:
    known = {reading.what for reading in profile.readings}
    for threshold in profile.thresholds:
        if threshold.reading not in known:
            yield threshold.name, f"no reading {threshold.reading!r} in the profile: a threshold is a figure for one"


def load_profile(wanted: str | Profile) -> Profile:
    """
    The profile itself, a built-in one by name, or a user's by `module:attribute`.

    Raises:
        ConfigurationError: Nothing of that name, or what is there is not a `Profile`, or contradicts itself.
    """
    if isinstance(wanted, Profile):
        return wanted
    if not isinstance(wanted, str):
        raise ConfigurationError("profile", type(wanted).__name__, "give a name, module:attribute, or a Profile")
    module, _, attribute = wanted.partition(":")
    if not attribute and module in BUILT_IN:
        module, attribute = f"{__name__}.{module}", "PROFILE"
    if not attribute:
        names = ", ".join(BUILT_IN)
        raise ConfigurationError("OTEL_KIT_PROFILE", wanted, f"name one of {names}, or module:attribute of your own")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        remedy = f"module:attribute of a Profile that can be imported ({error})"
        raise ConfigurationError("OTEL_KIT_PROFILE", wanted, remedy) from error
    if not isinstance(found, Profile):
        raise ConfigurationError("OTEL_KIT_PROFILE", wanted, "the attribute must be an otel_kit.profiles.Profile")
    return found
