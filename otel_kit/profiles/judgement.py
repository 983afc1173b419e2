"""
Whether a profile fits together.

Owns what no part can know of itself: names that two parts claim, what is used and not listed, gauges that workers can't
add up, a log line without its correlation id, defaults that the settings refuse. Each part judges itself when it is
made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from otel_kit.derived import Share
from otel_kit.errors import ProfileError
from otel_kit.event_layout import SecurityEvent
from otel_kit.health_layout import HealthRoutes, shape_of
from otel_kit.layout import RESERVED_NAMES, LogLayout
from otel_kit.ledger import Gauge
from otel_kit.profiles.readings import Reading, Threshold
from otel_kit.profiles.requests import METRICS, Metric, RequestMetric
from otel_kit.profiles.verification import Verification
from otel_kit.settings import judge_settings
from otel_kit.shape import check_instance, check_items, check_mapping, check_number, check_path, check_text

if TYPE_CHECKING:
    from otel_kit.profiles import Profile

__all__ = ["judge"]

EVERYWHERE = "*"

_ITEMS: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "metrics": (METRICS, "a Counter, Gauge, Histogram or Summary of otel_kit"),
    "requests": (RequestMetric, "a RequestMetric"),
    "quiet": (str, "a path prefix"),
    "derived": (Share, "a Share"),
    "events": (SecurityEvent, "a SecurityEvent"),
    "readings": (Reading, "a Reading"),
    "thresholds": (Threshold, "a Threshold"),
}


def judge(profile: Profile) -> None:
    """
    Raise `ProfileError` for the first thing that can't be used.
    """
    place = f"profile {profile.name}"
    for check in _CHECKS:
        check(place, profile)


def _check_kinds(place: str, profile: Profile) -> None:
    check_text(place, "name", profile.name)
    check_text(place, "unmatched", profile.unmatched)
    for name, (kinds, what) in _ITEMS.items():
        check_items(place, name, getattr(profile, name), kinds, what)
    check_instance(place, "layout", profile.layout, LogLayout, "give a LogLayout")
    check_instance(place, "health", profile.health, HealthRoutes, "give HealthRoutes((HealthRoute(…), …))")
    check_instance(place, "verification", profile.verification, Verification, "give a Verification")
    check_mapping(place, "limits", profile.limits, None)


def _check_names(place: str, profile: Profile) -> None:
    claimed: dict[str, Metric] = {}
    for metric in profile.metrics:
        # sorted, so that the same name is told in each run
        for name in sorted(metric.declaration.claimed_names):
            other = claimed.setdefault(name, metric)
            if other is metric and profile.metrics.count(metric) == 1:
                continue
            fault = "it is listed twice" if other is metric else f"metric {other.name} takes the name {name}, too"
            raise ProfileError(f"{place}, metric {metric.name}", fault, "declare and list each name once")


def _check_uses(place: str, profile: Profile) -> None:
    uses = (
        ("the request path", [item.metric for item in profile.requests]),
        ("a derived gauge", [one for share in profile.derived for one in (share.gauge, share.part, share.whole)]),
        ("a security event", [count.metric for event in profile.events for count in event.counts]),
    )
    for user, metrics in uses:
        for metric in metrics:
            if metric not in profile.metrics:
                where = f"{place}, metric {metric.declaration.name}"
                raise ProfileError(where, f"{user} uses it and it is not listed", "add it to the profile's metrics")


def _check_gauges(place: str, profile: Profile) -> None:
    for name, value in (("health_gauge", "the check's name"), ("status_gauge", "the word that holds")):
        gauge = getattr(profile, name)
        if gauge is not None:
            check_instance(place, name, gauge, Gauge, f"give an otel_kit.Gauge with one label, for {value}")
            _check_gauge(f"{place}, {name} {gauge.name}", gauge, profile, value)
    if profile.status_gauge is None:
        return
    where = f"{place}, status_gauge {profile.status_gauge.name}"
    if profile.status_gauge is profile.health_gauge:
        raise ProfileError(where, "it is the health_gauge, too", "declare a gauge for each")
    if not any(route.kind == "all" for route in profile.health.routes):
        raise ProfileError(where, "no health route has its words", "add a HealthRoute of kind all")


def _check_gauge(where: str, gauge: Gauge, profile: Profile, value: str) -> None:
    if gauge not in profile.metrics:
        raise ProfileError(where, "it is not listed", "add it to the profile's metrics")
    if len(gauge.labelnames) != 1:
        fault = f"its labels are {', '.join(gauge.labelnames) or 'none'}"
        raise ProfileError(where, fault, f"declare it with one label, for {value}")
    if gauge.declaration.merge == "sum":
        remedy = 'declare it with multiprocess_mode="min" for the worst of them, or "max"'
        raise ProfileError(where, "the ones of several workers would add up", remedy)


def _check_layout(place: str, profile: Profile) -> None:
    layout = profile.layout
    names = [field.name for field in layout.fields]
    for name in names:
        where = f"{place}, log field {name}"
        if names.count(name) > 1:
            raise ProfileError(where, "it stands twice", "name each field once")
        if name in RESERVED_NAMES or name == layout.exception_key:
            raise ProfileError(where, "each line has that behind its fields already", "leave it out, or rename it")
    if layout.exception_key in RESERVED_NAMES:
        raise ProfileError(f"{place}, log layout", f"exception_key {layout.exception_key!r} is taken", "rename it")
    if not any(field.source == "correlation_id" and field.on == "every" for field in layout.fields):
        remedy = 'add Field("correlation_id", "correlation_id")'
        raise ProfileError(f"{place}, log layout", "no field has the correlation id", remedy)


def _check_paths(place: str, profile: Profile) -> None:
    check_path(place, "metrics_path", profile.metrics_path)
    for prefix in profile.quiet:
        check_path(place, "quiet prefix", prefix)
    for route in profile.health.routes:
        if shape_of(route.path) == shape_of(profile.metrics_path):
            where = f"{place}, health route {route.path}"
            raise ProfileError(where, "the metrics have this path", "give it another one, or set metrics_path")
    check_mapping(place, "max_body_bytes", profile.max_body_bytes, None)
    for prefix, most in profile.max_body_bytes.items():
        if prefix != EVERYWHERE:
            check_path(place, "prefix of max_body_bytes", prefix)
        check_number(place, f"max_body_bytes[{prefix!r}]", most, least=1, whole=True)


def _check_readings(place: str, profile: Profile) -> None:
    known = {reading.what: reading for reading in profile.readings}
    names = [reading.what for reading in profile.readings]
    for reading in profile.readings:
        if names.count(reading.what) > 1:
            raise ProfileError(f"{place}, reading {reading.what}", "it stands twice", "put its queries into one")
    for threshold in profile.thresholds:
        where = f"{place}, threshold {threshold.name}"
        found = known.get(threshold.reading)
        if found is None:
            fault = f"the profile has no reading {threshold.reading!r}"
            raise ProfileError(where, fault, f"use one of {', '.join(known)}" if known else "add a Reading for it")
        alone = not threshold.legend and len(found.queries) == 1
        if not alone and threshold.legend not in found.queries:
            fault = f"the reading {found.what!r} has no query with the legend {threshold.legend!r}"
            raise ProfileError(where, fault, f"use one of {', '.join(map(repr, found.queries))}")


def _check_events(place: str, profile: Profile) -> None:
    names = [event.name for event in profile.events]
    for name in names:
        if names.count(name) > 1:
            raise ProfileError(f"{place}, security event {name}", "it stands twice", "declare each event once")


def _check_environment(place: str, profile: Profile) -> None:
    check_mapping(place, "environment", profile.environment)
    _, refused = judge_settings({name: value for name, value in profile.environment.items() if value})
    for error in refused:
        raise ProfileError(f"{place}, environment", f"{error.variable}={error.value!r} is refused", error.remedy)


_CHECKS: tuple[Callable[[str, Profile], None], ...] = (
    _check_kinds,
    _check_names,
    _check_uses,
    _check_gauges,
    _check_layout,
    _check_paths,
    _check_readings,
    _check_events,
    _check_environment,
)
