"""
The shape of a profile: what contradicts itself is one clear line at set-up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from otel_kit import setup_observability
from otel_kit.errors import ConfigurationError
from otel_kit.health_layout import HealthRoute, HealthRoutes
from otel_kit.layout import Field, LogLayout
from otel_kit.ledger import Counter, Gauge, Histogram, Summary
from otel_kit.profiles import BUILT_IN, Profile, Reading, RequestMetric, Threshold, load_profile
from otel_kit.profiles.readings import increase, mean, quantiles, rate, share

calls = Counter("test_profile_calls_total", "Calls.", ["place"], registry=None)
calls_by_two = Counter("test_profile_calls_total", "Calls.", ["place", "way"], registry=None)
calls_gauge = Gauge("test_profile_calls", "Calls.", registry=None)
seconds = Histogram("test_profile_seconds", "Seconds.", registry=None)

GOOD = Profile(
    name="shop",
    metrics=(calls,),
    requests=(RequestMetric("total", calls, {"place": "route"}),),
    layout=LogLayout(fields=(Field("message", "message"),)),
)


def said(make: Callable[[], Any]) -> str:
    """
    The one line of the error.
    """
    with pytest.raises(ConfigurationError) as caught:
        make()
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_documented_system_is_there(name: str) -> None:
    """
    By its name.
    """
    assert name == load_profile(name).name


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_code_knows_no_profile_by_name(name: str) -> None:
    """
    Beside the profile itself its name stands in the list of names, and where documents about goblin are the subject.
    """
    allowed = {"profiles", "settings", "cli", "assets"}
    package = Path(setup_observability.__globals__["__file__"]).parent
    knowing = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if path.relative_to(package).parts[0] not in allowed and f'"{name}"' in path.read_text(encoding="utf-8")
    }
    assert set() == knowing


@pytest.mark.parametrize("wanted", ["gobblin", "", "os:path", "no.such.module:PROFILE", "otel_kit.errors:NONE"])
def test_an_unknown_profile(wanted: str) -> None:
    """
    The line names what is known, or what could not be imported.
    """
    assert "OTEL_KIT_PROFILE" in said(lambda: load_profile(wanted))


def test_something_else_than_a_profile() -> None:
    """
    Neither a name nor a profile.
    """
    wrong: Any = 7
    assert "int" in said(lambda: setup_observability(FastAPI(), profile=wrong))


@pytest.mark.parametrize(
    ("metrics", "name"),
    [
        ((calls, calls_by_two), "test_profile_calls_total"),
        ((calls, calls_gauge), "test_profile_calls"),
        ((calls, calls), "test_profile_calls_total"),
    ],
)
def test_one_name_twice(metrics: tuple[Any, ...], name: str) -> None:
    """
    With other labels, as another kind, or the same again.
    """
    text = said(lambda: replace(GOOD, metrics=metrics))
    assert (True, True) == ("profile shop" in text, name in text)


@pytest.mark.parametrize(
    ("role", "metric", "labels", "part"),
    [
        ("total", calls, {"place": "route", "colour": "method"}, "colour"),
        ("total", calls, {}, "place: None"),
        ("total", calls, {"place": "size"}, "place: size"),
        ("total", calls, {"place": "error_type"}, "place: error_type"),
        ("in_progress", calls_gauge, {"place": "route"}, "place"),
        ("in_progress", calls, {"place": "route"}, "gauge"),
        ("total", seconds, {}, "counter"),
        ("duration", calls, {"place": "route"}, "histogram"),
        ("response_size", calls_gauge, {}, "summary"),
        ("requests", calls, {"place": "route"}, "in_progress"),
    ],
)
def test_a_request_metric_that_cannot_be_filled(role: Any, metric: Any, labels: Mapping[str, Any], part: str) -> None:
    """
    A label that is not declared, one that nothing fills, a kind that can't hold the role, a role that is none.
    """
    assert part in said(lambda: RequestMetric(role, metric, labels))


def test_a_label_in_progress_that_only_the_end_can_tell() -> None:
    """
    A status is not known while a request runs.
    """
    running = Gauge("test_profile_running", "Running.", ["status"], registry=None)
    assert "method, route" in said(lambda: RequestMetric("in_progress", running, {"status": "status"}))


def test_a_request_metric_that_is_not_listed() -> None:
    """
    It would be written and never shown.
    """
    assert "test_profile_seconds" in said(lambda: replace(GOOD, requests=(RequestMetric("duration", seconds),)))


def test_a_health_gauge_needs_the_name_of_the_check() -> None:
    """
    One label, and a place among the metrics.
    """
    assert "health gauge" in said(lambda: replace(GOOD, health_gauge=calls_gauge))
    assert "health gauge" in said(lambda: replace(GOOD, metrics=(calls_gauge,), requests=(), health_gauge=calls_gauge))


def test_a_log_field_twice() -> None:
    """
    One of the two would be lost.
    """
    layout = LogLayout(fields=(Field("message", "message"), Field("message", "logger")))
    assert "message" in said(lambda: replace(GOOD, layout=layout))


@pytest.mark.parametrize("path", ["/metrics", "health"])
def test_a_health_route_that_cannot_be_served(path: str) -> None:
    """
    On the page of the metrics, or without a beginning.
    """
    routes = HealthRoutes((HealthRoute(path, "live", lambda report: {}),))
    assert path in said(lambda: replace(GOOD, health=routes))


def test_a_threshold_for_nothing() -> None:
    """
    It names a reading that the profile does not have.
    """
    assert "calls a day" in said(lambda: replace(GOOD, thresholds=(Threshold("calls", "calls a day", 5),)))


def test_a_threshold_for_a_reading() -> None:
    """
    By the reading's words.
    """
    readings = (Reading("calls a day", {"": increase("test_profile_calls_total")}),)
    made = replace(GOOD, readings=readings, thresholds=(Threshold("calls", "calls a day", 5),))
    assert 5 == made.thresholds[0].target


def test_sources_stand_in_the_order_of_the_labels() -> None:
    """
    However the mapping is written.
    """
    metric = RequestMetric("total", calls_by_two, {"way": "method", "place": "route"})
    assert ("route", "method") == metric.sources


def test_summaries_take_sizes() -> None:
    """
    As histograms do.
    """
    sizes = Summary("test_profile_bytes", "Bytes.", registry=None)
    assert "request_size" == RequestMetric("request_size", sizes).role


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (rate("a_total"), "sum(rate(a_total[5m]))"),
        (rate("a_total", "x, y", 'z="1"'), 'sum by (x, y)(rate(a_total{z="1"}[5m]))'),
        (increase("a_total", window="1m"), "sum(increase(a_total[1m]))"),
        (quantiles("b", 95)["p95"], "histogram_quantile(0.95, sum by (le)(rate(b_bucket[5m])))"),
        (quantiles("b", 50, by="x")["p50"], "histogram_quantile(0.5, sum by (le, x)(rate(b_bucket[5m])))"),
        (mean("b"), "sum(rate(b_sum[5m])) / sum(rate(b_count[5m]))"),
        (share("p", "w"), "(p or vector(0)) / w"),
    ],
)
def test_the_usual_questions(query: str, expected: str) -> None:
    """
    In PromQL.
    """
    assert expected == query
