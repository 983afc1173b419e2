"""
Profiles: what one documented system calls its metrics, log fields and routes, as data.

Owns the shape of a profile and how one is found by name. The kit's code reads profiles and
knows none of them by name; a team's own profile is one more file like `goblin.py`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from otel_kit.errors import ConfigurationError
from otel_kit.health_layout import KUBERNETES_PROBES, HealthRoutes
from otel_kit.layout import LogLayout
from otel_kit.ledger import Counter, Gauge, Histogram, Summary

__all__ = ["Profile", "RequestMetric", "load_profile"]

Metric = Counter | Gauge | Histogram | Summary
Role = Literal["total", "duration", "errors", "in_progress"]
Source = Literal["method", "route", "status", "error_type"]

BUILT_IN = ("goblin",)


@dataclass(frozen=True)
class RequestMetric:
    """
    A metric that the request path writes, and which field of the record fills each label.
    """

    role: Role
    metric: Metric
    sources: tuple[Source, ...]
    """One for each label of the metric, in the order of its declaration."""


@dataclass(frozen=True)
class Profile:
    """
    The names and shapes of one system.
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
    """The metric of every check: 1 healthy, 0 not."""

    def __post_init__(self) -> None:
        for item in self.requests:
            if len(item.sources) != len(item.metric.labelnames):
                raise ConfigurationError(
                    f"profile {self.name}", item.metric.name, "give one source for each label of a request metric"
                )

    def quiet_rule(self) -> Callable[[str], bool]:
        """
        Whether a path lies under one of the quiet prefixes, by whole segments.
        """
        exact, nested = frozenset(self.quiet), tuple(f"{prefix}/" for prefix in self.quiet)
        return lambda path: path in exact or path.startswith(nested)


def load_profile(wanted: str | Profile) -> Profile:
    """
    The profile itself, a built-in one by name, or a user's by `module:attribute`.

    Raises:
        ConfigurationError: Nothing of that name, or what is there is not a `Profile`.
    """
    if isinstance(wanted, Profile):
        return wanted
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
