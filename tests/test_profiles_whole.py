"""
What contradicts itself within a profile is one line at set-up that names the profile, the part and the remedy.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from otel_kit.derived import Share
from otel_kit.event_layout import SECURITY_EVENTS, EventCount, SecurityEvent, counted, with_events
from otel_kit.health_layout import HealthRoute, HealthRoutes
from otel_kit.layout import Field, LogLayout
from otel_kit.ledger import Counter, Gauge
from otel_kit.profiles import Reading, RequestMetric, Threshold
from tests.shop_profile import CORRELATION, SHOP, calls, calls_gauge, document, said, seconds, worst

calls_by_two = Counter("test_profile_calls_total", "Calls.", ["place", "way"], registry=None)
errors = Counter("test_profile_errors_total", "Errors.", registry=None)
percent = Gauge("test_profile_percent", "Percent.", registry=None)
added_up = Gauge("test_profile_added", "Up.", ["service"], registry=None)
state = Gauge("test_profile_state", "State.", ["state"], registry=None, multiprocess_mode="max")
up = HealthRoute("/up", "live", document)


@pytest.mark.parametrize(
    ("part", "value", "line"),
    [
        ("name", None, "profile None: name None is no name or text"),
        ("name", "", "profile : name '' is no name or text"),
        ("unmatched", None, "profile shop: unmatched None is no name or text"),
        ("metrics", None, "profile shop: metrics None is no tuple"),
        ("metrics", calls, "profile shop: metrics of type Counter is no tuple; write one, also around a Counter"),
        ("metrics", ("calls_total",), "profile shop: metrics[0] 'calls_total' can't be used; each must be a Counter"),
        ("requests", None, "profile shop: requests None is no tuple"),
        ("requests", (calls,), "profile shop: requests[0] of type Counter can't be used; each must be a RequestMetric"),
        ("layout", None, "profile shop: layout None can't be used; give a LogLayout"),
        ("layout", (CORRELATION,), "profile shop: layout of type tuple can't be used; give a LogLayout"),
        ("health", None, "profile shop: health None can't be used; give HealthRoutes"),
        ("health", (up,), "profile shop: health of type tuple can't be used; give HealthRoutes"),
        ("events", None, "profile shop: events None is no tuple"),
        ("events", SECURITY_EVENTS[0], "profile shop: events of type SecurityEvent is no tuple"),
        ("derived", (calls_gauge,), "profile shop: derived[0] of type Gauge can't be used; each must be a Share"),
        ("quiet", "/ops", "profile shop: quiet is the one text '/ops'; write a tuple: ('/ops',)"),
        ("quiet", ("ops",), "profile shop: quiet prefix 'ops' is no path; a path begins with /"),
        ("metrics_path", None, "profile shop: metrics_path None is no name or text"),
        ("metrics_path", "metrics", "profile shop: metrics_path 'metrics' is no path"),
        ("limits", ["/pay"], "profile shop: limits of type list is no mapping"),
        ("max_body_bytes", [5], "profile shop: max_body_bytes of type list is no mapping"),
        (
            "max_body_bytes",
            {"/pay": "5"},
            "profile shop: max_body_bytes['/pay'] '5' can't be used; give a whole number",
        ),
        ("max_body_bytes", {"/pay": -1}, "profile shop: max_body_bytes['/pay'] -1 can't be used; give a whole number"),
        ("max_body_bytes", {"/pay": True}, "profile shop: max_body_bytes['/pay'] True can't be used"),
        ("max_body_bytes", {"pay": 5}, "profile shop: prefix of max_body_bytes 'pay' is no path"),
        ("environment", ["LOG_LEVEL"], "profile shop: environment of type list is no mapping"),
        ("environment", {"LOG_LEVEL": None}, "profile shop: environment['LOG_LEVEL'] None can't be used"),
        ("environment", {"LOG_LEVEL": "loud"}, "profile shop, environment: LOG_LEVEL='loud' is refused; use TRACE"),
        ("verification", None, "profile shop: verification None can't be used; give a Verification"),
        ("readings", (5,), "profile shop: readings[0] 5 can't be used; each must be a Reading"),
        ("thresholds", "slow", "profile shop: thresholds is the one text 'slow'"),
    ],
)
def test_a_part_of_the_wrong_kind(part: str, value: Any, line: str) -> None:
    """
    Told by the name of the part.
    """
    assert said(lambda: replace(SHOP, **{part: value})).startswith(line)


@pytest.mark.parametrize(
    ("metrics", "line"),
    [
        (
            (calls, calls_by_two),
            "profile shop, metric test_profile_calls_total: metric test_profile_calls_total takes the name",
        ),
        (
            (calls, calls_gauge),
            "profile shop, metric test_profile_calls: metric test_profile_calls_total takes the name test_profile_call",
        ),
        (
            (calls, calls),
            "profile shop, metric test_profile_calls_total: it is listed twice; declare and list each name",
        ),
    ],
)
def test_one_name_twice(metrics: tuple[Any, ...], line: str) -> None:
    """
    With other labels, as another kind, or the same again.
    """
    assert said(lambda: replace(SHOP, metrics=metrics)).startswith(line)


def test_a_name_that_stands_twice_is_the_same_in_each_run() -> None:
    """
    Of several names that two metrics share the same one is told, whatever the seed of hashes.
    """
    program = (
        "from dataclasses import replace\nfrom tests.shop_profile import SHOP, calls\nfrom otel_kit import Counter\n"
        "again = Counter('test_profile_calls_total', 'Calls.', registry=None)\n"
        "try: replace(SHOP, metrics=(calls, again))\nexcept ValueError as error: print(error)\n"
    )
    lines = {
        subprocess.check_output(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}, timeout=60
        )
        for seed in ("1", "2", "4")
    }
    assert 1 == len(lines)


@pytest.mark.parametrize(
    ("changes", "user"),
    [
        ({"requests": (RequestMetric("duration", seconds),)}, "metric test_profile_seconds: the request path"),
        ({"derived": (Share(percent, calls, calls),)}, "metric test_profile_percent: a derived gauge"),
        (
            {"metrics": (calls, percent), "derived": (Share(percent, errors, calls),)},
            "metric test_profile_errors_total: a derived gauge",
        ),
        (
            {"metrics": (calls, percent), "derived": (Share(percent, calls, errors),)},
            "metric test_profile_errors_total: a derived gauge",
        ),
        (
            {"events": with_events(counted("rls_violation", errors))},
            "metric test_profile_errors_total: a security event",
        ),
    ],
)
def test_a_metric_that_is_used_and_not_listed(changes: dict[str, Any], user: str) -> None:
    """
    It would be written and never shown, or differ between workers.
    """
    assert said(lambda: replace(SHOP, **changes)).startswith(
        f"profile shop, {user} uses it and it is not listed; add it"
    )


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"health_gauge": calls}, "profile shop: health_gauge of type Counter can't be used; give an otel_kit.Gauge"),
        ({"health_gauge": state}, "profile shop, health_gauge test_profile_state: it is not listed"),
        (
            {"metrics": (calls_gauge,), "requests": (), "health_gauge": calls_gauge},
            "profile shop, health_gauge test_profile_calls: its labels are none; declare",
        ),
        (
            {"metrics": (calls, added_up), "health_gauge": added_up},
            "profile shop, health_gauge test_profile_added: the ones of several workers would add up; declare it",
        ),
        (
            {"metrics": (calls, added_up), "status_gauge": added_up},
            "profile shop, status_gauge test_profile_added: the ones of several workers",
        ),
        (
            {"metrics": (calls, state), "status_gauge": state},
            "profile shop, status_gauge test_profile_state: no health route has its words; add a",
        ),
        (
            {"status_gauge": worst, "health_gauge": worst},
            "profile shop, status_gauge test_profile_up: it is the health",
        ),
    ],
)
def test_a_gauge_of_health(changes: dict[str, Any], line: str) -> None:
    """
    A listed gauge with one label that several workers do not add up, and a route that has the words.
    """
    assert said(lambda: replace(SHOP, **changes)).startswith(line)


@pytest.mark.parametrize(
    ("layout", "line"),
    [
        (LogLayout((CORRELATION, CORRELATION)), "profile shop, log field correlation_id: it stands twice"),
        (LogLayout((CORRELATION, Field("log.class"))), "profile shop, log field log.class: each line has that behind"),
        (LogLayout((CORRELATION, Field("trace_id"))), "profile shop, log field trace_id: each line has that behind"),
        (LogLayout((CORRELATION, Field("exception"))), "profile shop, log field exception: each line has that behind"),
        (
            LogLayout((CORRELATION,), exception_key="span_id"),
            "profile shop, log layout: exception_key 'span_id' is taken",
        ),
        (
            LogLayout((Field("message", "message"),)),
            "profile shop, log layout: no field has the correlation id; add Fi",
        ),
        (
            LogLayout((Field("correlation_id", "correlation_id", on="request"),)),
            "profile shop, log layout: no field has the correlation id",
        ),
    ],
)
def test_a_line_that_loses_something(layout: LogLayout, line: str) -> None:
    """
    Names that stand once, and a correlation id on each line.
    """
    assert said(lambda: replace(SHOP, layout=layout)).startswith(line)


@pytest.mark.parametrize("path", ["/metrics", "/metrics/"])
def test_a_health_route_on_the_page_of_the_metrics(path: str) -> None:
    """
    Only one of the two would be answered.
    """
    routes = HealthRoutes((HealthRoute(path, "live", document),))
    assert f"profile shop, health route {path}: the metrics have this path" in said(
        lambda: replace(SHOP, health=routes)
    )


@pytest.mark.parametrize(
    ("threshold", "line"),
    [
        (
            Threshold("slow", "no such", 5),
            "threshold slow: the profile has no reading 'no such'; use one of calls, times",
        ),
        (
            Threshold("slow", "times", 5, legend="p99"),
            "threshold slow: the reading 'times' has no query with the legend",
        ),
        (
            Threshold("slow", "times", 5),
            "threshold slow: the reading 'times' has no query with the legend ''; use one of",
        ),
    ],
)
def test_a_threshold_for_nothing(threshold: Threshold, line: str) -> None:
    """
    It names a reading that the profile does not have, or none of its queries.
    """
    assert said(lambda: replace(SHOP, thresholds=(threshold,))).startswith(f"profile shop, {line}")


def test_a_reading_twice() -> None:
    """
    A threshold could not say which.
    """
    readings = (Reading("calls", {"": "a"}), Reading("calls", {"": "b"}))
    assert said(lambda: replace(SHOP, readings=readings)).startswith("profile shop, reading calls: it stands twice")


def test_an_event_twice() -> None:
    """
    Its words would depend on the order.
    """
    event = SecurityEvent("door", "audit", "INFO", "Door open", counts=(EventCount(calls, {"place": "a"}),))
    said_of = said(lambda: replace(SHOP, events=(event, event)))
    assert said_of.startswith("profile shop, security event door: it stands twice")
