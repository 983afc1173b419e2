"""
Profiles: what one documented system calls its metrics, log fields and routes, as data.

Owns the shape of a profile and how one is found by name; whether it fits together is judged in `judgement.py`. The
kit's code reads profiles and knows none of them by name; a team's own profile is one more file like `goblin.py`.

What each field and word means stands below it in the code, and for all of them in docs/reference/profile-vocabulary.md.
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import Any

from otel_kit.derived import Share
from otel_kit.errors import ConfigurationError, OtelKitError
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
from otel_kit.ledger import Gauge
from otel_kit.profiles.judgement import judge
from otel_kit.profiles.readings import Reading, Threshold
from otel_kit.profiles.requests import Metric, RequestMetric, Role, Source
from otel_kit.profiles.verification import Verification
from otel_kit.settings.formats import PROFILE_NAMES

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
    "Role",
    "SecurityEvent",
    "Share",
    "Source",
    "Threshold",
    "Verification",
    "all_services",
    "counted",
    "load_profile",
    "one_service",
    "state_only",
    "with_events",
]

BUILT_IN = PROFILE_NAMES
"""In whatever case they are written."""


@dataclass(frozen=True)
class Profile:
    """
    The names and shapes of one system.

    Raises:
        ProfileError: It contradicts itself, such as by a name that stands twice, a metric that is used and not listed,
            a threshold for a reading that is not there; or a part is of the wrong type.
    """

    name: str
    """Stands in the start-up block and in `kit.report()`."""
    metrics: tuple[Metric, ...]
    """All documented metrics: they stand on `/metrics` from the start, with or without a sample."""
    requests: tuple[RequestMetric, ...]
    """Those that the kit writes for each request."""
    layout: LogLayout
    """The log line."""
    metrics_path: str = "/metrics"
    """Where the metrics are read."""
    quiet: tuple[str, ...] = ()
    """Path prefixes, by whole segments, whose requests have no span and no line below status 500."""
    unmatched: str = "unmatched"
    """Label of the route where none was found."""
    limits: Mapping[str, Any] = field(default_factory=dict)
    """
    Path prefix, by whole segments, to the rate of one client, `"10/minute"`; the longest prefix wins.

    A `Limit` in place of the text says more, None that there is no limit.
    """
    max_body_bytes: Mapping[str, int] = field(default_factory=dict)
    """Path prefix, by whole segments, to the largest request body in bytes where the setting's is not to hold."""
    health: HealthRoutes = field(default_factory=partial(HealthRoutes, KUBERNETES_PROBES))
    """Health routes and their documents."""
    health_gauge: Gauge | None = None
    """
    The metric of every check, by its name in the one label: 1 healthy, 0 not.

    Of several workers it shows the worst with `multiprocess_mode="min"`, the best with `"max"`; they never add up.
    """
    status_gauge: Gauge | None = None
    """
    The metric of the whole service, by the words of its first route of kind `all` in the one label: 1 for what holds.

    With `multiprocess_mode="max"` a word is 1 while it holds in one of the workers: two that differ show two words.
    """
    derived: tuple[Share, ...] = ()
    """Gauges that are worked out of other metrics whenever somebody reads."""
    events: tuple[SecurityEvent, ...] = SECURITY_EVENTS
    """Security and audit events by name: `with_events(…)` for the catalogue with some of the profile's own."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that the system documents, and their defaults: for the reference page and the conformance tests."""
    readings: tuple[Reading, ...] = ()
    """What is documented as a rate, a percentile or a share, and is asked of Prometheus."""
    thresholds: tuple[Threshold, ...] = ()
    """Figures that the system documents for its readings."""
    verification: Verification = field(default_factory=Verification)
    """What the system documents of its verification: names of checks, and the login that is tried."""

    def __post_init__(self) -> None:
        judge(self)

    def quiet_rule(self) -> Callable[[str], bool]:
        """
        Whether a path lies under one of the quiet prefixes, by whole segments.
        """
        # a batch of procedures has its names side by side, with commas
        exact = frozenset(self.quiet)
        nested = tuple(prefix + end for prefix in self.quiet for end in "/,")
        return lambda path: path in exact or path.startswith(nested)


def load_profile(wanted: str | Profile, place: str = "profile") -> Profile:
    """
    The profile itself, a built-in one by name, or a user's by `module:attribute`.

    Args:
        place: Where it was named, for the error: a variable or an argument.

    Raises:
        ConfigurationError: Nothing of that name, or what is there is not a `Profile`, or contradicts itself.
    """
    if isinstance(wanted, Profile):
        return wanted
    if not isinstance(wanted, str):
        raise ConfigurationError(place, type(wanted).__name__, "give a name, module:attribute, or a Profile")
    module, _, attribute = wanted.partition(":")
    if wanted.lower() in BUILT_IN:
        module, attribute = f"{__name__}.{wanted.lower()}", "PROFILE"
    if module[:1] in ("", ".") or not attribute:
        remedy = f"name one of {', '.join(BUILT_IN)}, or write module:attribute for a profile of your own"
        raise ConfigurationError(place, wanted, remedy)
    try:
        found = attrgetter(attribute)(importlib.import_module(module))
    except (Exception, SystemExit) as error:
        # the module is the user's, and may raise what it likes
        raise ConfigurationError(place, wanted, _why(module, attribute, error)) from error
    if not isinstance(found, Profile):
        remedy = f"{attribute} is of type {type(found).__name__}, and must be an otel_kit.profiles.Profile"
        raise ConfigurationError(place, wanted, remedy)
    return found


def _why(module: str, attribute: str, error: BaseException) -> str:
    """
    Why there is no profile, and what to do, on one line.
    """
    text = " ".join(str(error).split())
    if isinstance(error, OtelKitError):
        return text
    if isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}."):
        return f"no module {error.name} is found; start in its directory, or install it"
    last = traceback.extract_tb(error.__traceback__)[-1]
    if isinstance(error, AttributeError) and last.filename == __file__:
        return f"module {module} has no {attribute}; write the name that the profile has there"
    where = "" if isinstance(error, SyntaxError) else f" in line {last.lineno} of {last.filename}"
    return f"its module can't be imported ({type(error).__name__}: {text}{where}); repair it there"
