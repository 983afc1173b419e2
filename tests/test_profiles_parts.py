"""
The parts of a profile judge themselves: what can't be used is one line where it is declared.
"""

from __future__ import annotations

from typing import Any

import prometheus_client
import pytest

from otel_kit.derived import Share
from otel_kit.event_layout import EventCount, SecurityEvent
from otel_kit.health_layout import STATUSES, HealthRoute, HealthRoutes
from otel_kit.layout import Field, LogLayout
from otel_kit.ledger import Gauge
from otel_kit.profiles import Reading, RequestMetric, Threshold
from tests.shop_profile import CORRELATION, calls, calls_gauge, document, said, seconds, worst

foreign = prometheus_client.Counter("test_foreign_calls", "Calls.", registry=None)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"name": "place2", "source": "rout"}, "log field place2: source 'rout' is unknown; use one of timestamp"),
        ({"name": "place2", "source": ["route"]}, "log field place2: source of type list is unknown"),
        ({"name": None}, "log field None: name None is no name or text"),
        ({"name": ""}, "log field : name '' is no name or text"),
        ({"name": "a", "on": "never"}, "log field a: on 'never' is unknown; use one of every, request"),
        ({"name": "a", "caller": "yes"}, "log field a: caller 'yes' is no yes or no; use True or False"),
    ],
)
def test_a_log_field(arguments: dict[str, Any], line: str) -> None:
    """
    A name, a known source, a known place.
    """
    assert said(lambda: Field(**arguments)).startswith(line)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"fields": None}, "log layout: fields None is no tuple"),
        ({"fields": CORRELATION}, "log layout: fields of type Field is no tuple"),
        ({"fields": ("message",)}, "log layout: fields[0] 'message' can't be used; each must be a Field"),
        ({"timestamp": "minutes"}, "log layout: timestamp 'minutes' is unknown; use one of milliseconds, seconds"),
        ({"exception_form": "dict"}, "log layout: exception_form 'dict' is unknown; use one of text, object"),
        ({"exception_key": ""}, "log layout: exception_key '' is no name"),
        ({"duration_digits": "2"}, "log layout: duration_digits '2' can't be used; give a whole number from 0 to 9"),
        ({"request_message": None}, "log layout: request_message None is no name or text"),
        ({"unmatched": 7}, "log layout: unmatched 7 is no name or text"),
        ({"level_names": ["WARN"]}, "log layout: level_names of type list is no mapping"),
        ({"level_names": {"WARN": "warn"}}, "log layout: level_names['WARN'] is no level of Python's; use DEBUG"),
        ({"level_names": {"LOUD": "loud"}}, "log layout: level_names['LOUD'] is no level of Python's"),
        ({"level_names": {"INFO": None}}, "log layout: level_names['INFO'] None can't be used; give a text"),
    ],
)
def test_a_log_layout(arguments: dict[str, Any], line: str) -> None:
    """
    Fields, and forms that there are.
    """
    assert said(lambda: LogLayout(**{"fields": (CORRELATION,), **arguments})).startswith(line)


def test_levels_that_have_no_name_of_their_own() -> None:
    """
    Python calls them by their number, and a profile may have a word for them.
    """
    layout = LogLayout((CORRELATION,), level_names={"Level 5": "TRACE", "WARNING": "WARN"})
    assert "TRACE" == layout.level_names["Level 5"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"path": "up"}, "health route up: path 'up' is no path; a path begins with /"),
        ({"path": None}, "health route None: path None is no name or text"),
        ({"path": "/up?all"}, "health route /up?all: path '/up?all' is no path"),
        ({"kind": "everything"}, "health route /up: kind 'everything' is unknown; use one of live, started, ready"),
        ({"form": "xml"}, "health route /up: form 'xml' is unknown; use one of json, trpc"),
        ({"document": None}, "health route /up: document None can't be called; give a function"),
        ({"state": "healthy"}, "health route /up: state 'healthy' can't be called"),
        ({"kind": "one"}, "health route /up: nothing in it names the check; end it with one parameter"),
        ({"kind": "one", "path": "/{a}/{b}"}, "health route /{a}/{b}: nothing in it names the check"),
        ({"kind": "one", "path": "/up/x{a}"}, "health route /up/x{a}: nothing in it names the check"),
        ({"path": "/up/{name}"}, "health route /up/{name}: a route of kind all has no parameter; write the path out"),
        ({"kind": "one", "path": "/t/{a}", "form": "trpc"}, "health route /t/{a}: a route of kind one can't be a proc"),
        ({"statuses": {"healthy": 200}}, "health route /up: no status for degraded, unhealthy; give each word one"),
        ({"statuses": {}, "kind": "ready"}, "health route /up: no status for ready, not_ready"),
        ({"statuses": [200]}, "health route /up: statuses of type list is no mapping"),
        (
            {"statuses": {**STATUSES, "degraded": "by settings"}},
            "health route /up: status 'by settings' of the word 'degraded' can't be used; give a number from 200",
        ),
        ({"statuses": {**STATUSES, "degraded": 99}}, "health route /up: status 99 of the word 'degraded'"),
        ({"statuses": {**STATUSES, "degraded": True}}, "health route /up: status True of the word 'degraded'"),
        (
            {"tells_of": "database"},
            "health route /up: tells_of is the one text 'database'; write a tuple: ('database',)",
        ),
        ({"own_names": (7,)}, "health route /up: own_names[0] 7 can't be used"),
        ({"limited": 0}, "health route /up: limited 0 is no yes or no"),
        ({"asks_providers": None}, "health route /up: asks_providers None is no yes or no"),
    ],
)
def test_a_health_route(arguments: dict[str, Any], line: str) -> None:
    """
    A path that fits its kind, a document, and a status for each word.
    """
    given = {"path": "/up", "kind": "all", "document": document, **arguments}
    assert said(lambda: HealthRoute(**given)).startswith(line)


@pytest.mark.parametrize(
    ("paths", "line"),
    [
        (("/up", "/up"), "health route /up: /up answers the same paths; give each route a path of its own"),
        (("/up", "/up/"), "health route /up/: /up answers the same paths"),
    ],
)
def test_two_health_routes_of_one_path(paths: tuple[str, ...], line: str) -> None:
    """
    One of them would never be asked.
    """
    assert line in said(lambda: HealthRoutes(tuple(HealthRoute(path, "live", document) for path in paths)))


def test_two_health_routes_of_one_shape() -> None:
    """
    However their parameters are called.
    """
    routes = (HealthRoute("/up/{a}", "one", document), HealthRoute("/up/{b}", "one", document))
    assert "health route /up/{b}: /up/{a} answers the same paths" in said(lambda: HealthRoutes(routes))


@pytest.mark.parametrize("routes", [HealthRoute("/up", "live", document), None, "/up"])
def test_health_routes_that_are_no_tuple(routes: Any) -> None:
    """
    One route alone needs its comma.
    """
    assert said(lambda: HealthRoutes(routes)).startswith("health routes: routes ")


@pytest.mark.parametrize(
    ("metric", "labels", "line"),
    [
        (None, {}, "request metric None: metric None can't be used; give a Counter"),
        ("calls_total", {}, "request metric 'calls_total': metric 'calls_total' can't be used; give a Counter"),
        (foreign, {}, "request metric of type Counter: metric of type Counter can't be used; give a Counter, Gauge"),
        (calls, None, "request metric test_profile_calls_total: labels None is no mapping"),
        (calls, ["place"], "request metric test_profile_calls_total: labels of type list is no mapping"),
        (calls, {"place": None}, "request metric test_profile_calls_total: label place can't be filled from None"),
        (calls, {"place": ["route"]}, "request metric test_profile_calls_total: label place can't be filled from"),
    ],
)
def test_a_request_metric(metric: Any, labels: Any, line: str) -> None:
    """
    A metric of the kit, and labels by name.
    """
    assert said(lambda: RequestMetric("total", metric, labels)).startswith(line)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"gauge": None}, "derived gauge None: gauge None can't be used; give an otel_kit.Gauge"),
        ({"gauge": calls}, "derived gauge test_profile_calls_total: gauge of type Counter can't be used"),
        ({"gauge": worst}, "derived gauge test_profile_up: it has the label service; declare it without labels"),
        ({"part": None}, "derived gauge test_profile_calls: part None can't be used; give a Counter"),
        ({"whole": calls_gauge}, "derived gauge test_profile_calls: whole of type Gauge can't be used"),
        ({"window_seconds": "300"}, "derived gauge test_profile_calls: window_seconds '300' can't be used"),
        ({"scale": -1}, "derived gauge test_profile_calls: scale -1 can't be used; give a number above 0"),
    ],
)
def test_a_share(arguments: dict[str, Any], line: str) -> None:
    """
    A gauge of two metrics that only grow.
    """
    assert said(lambda: Share(**{"gauge": calls_gauge, "part": calls, "whole": seconds, **arguments})).startswith(line)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"fields": "user_id"}, "security event door: fields is the one text 'user_id'; write a tuple: ('user_id',)"),
        ({"fields": None}, "security event door: fields None is no tuple"),
        ({"counts": EventCount(calls, {"place": "a"})}, "security event door: counts of type EventCount is no tuple"),
        ({"counts": (calls,)}, "security event door: counts[0] of type Counter can't be used; each must be an Event"),
        ({"level": "WARN"}, "security event door: level 'WARN' is unknown; use one of DEBUG, INFO"),
        ({"log_class": None}, "security event door: log_class None is unknown; use one of security, audit"),
        ({"name": None}, "security event: name None can't be a label; name it in snake case"),
    ],
)
def test_a_security_event(arguments: dict[str, Any], line: str) -> None:
    """
    A name, a class, a level, and tuples.
    """
    given: dict[str, Any] = {"name": "door", "log_class": "audit", "level": "INFO", "message": "Door open", **arguments}
    assert said(lambda: SecurityEvent(**given)).startswith(line)


@pytest.mark.parametrize(
    ("metric", "labels", "line"),
    [
        (None, {}, "event count by metric None: it is no counter of the kit"),
        (foreign, {}, "event count by metric of type Counter: it is no counter of the kit"),
        (calls, ["place"], "event count by metric test_profile_calls_total: labels of type list is no mapping"),
        (
            calls,
            {},
            "event count by metric test_profile_calls_total: its labels are place, and none given; give a value",
        ),
        (calls, {"place": 7}, "event count by metric test_profile_calls_total: labels['place'] 7 can't be used"),
    ],
)
def test_an_event_count(metric: Any, labels: Any, line: str) -> None:
    """
    A counter, with a text for each of its labels.
    """
    assert said(lambda: EventCount(metric, labels)).startswith(line)


@pytest.mark.parametrize(
    ("queries", "line"),
    [
        ("sum(calls_total)", "reading calls: queries 'sum(calls_total)' is no mapping; write a dict"),
        ({}, "reading calls: it has no query; give a PromQL expression"),
        ({"": ""}, "reading calls: queries[''] '' is no name or text"),
        ({"p95": None}, "reading calls: queries['p95'] None can't be used"),
    ],
)
def test_a_reading(queries: Any, line: str) -> None:
    """
    Queries by their legends.
    """
    assert said(lambda: Reading("calls", queries)).startswith(line)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({}, "threshold slow: it has no figure; give a target"),
        ({"target": "5"}, "threshold slow: target '5' can't be used; give a number"),
        ({"warning": float("nan")}, "threshold slow: warning nan can't be used; give a number"),
        ({"target": 5, "legend": None}, "threshold slow: legend None is no name or text"),
        ({"target": 5, "at_least": "yes"}, "threshold slow: at_least 'yes' is no yes or no"),
    ],
)
def test_a_threshold(arguments: dict[str, Any], line: str) -> None:
    """
    At least one figure.
    """
    assert said(lambda: Threshold("slow", "times", **arguments)).startswith(line)


def test_a_word_of_ones_own_needs_no_usual_one() -> None:
    """
    What a route's own function says, nobody knows beforehand.
    """
    route = HealthRoute("/mood", "all", document, state=lambda report: "fine", statuses={"fine": 200})
    assert {"fine": 200} == dict(route.statuses)


def test_a_gauge_of_another_kind_is_no_part() -> None:
    """
    What may fall has no increase.
    """
    free = Gauge("test_profile_free", "Free.", registry=None)
    assert "a gauge may fall" in said(lambda: Share(free, calls_gauge, calls))  # type: ignore[arg-type]
