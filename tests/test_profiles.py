"""
How a profile is found, and what fills the metrics of requests.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from otel_kit import setup_observability
from otel_kit.ledger import Counter, Gauge, Summary
from otel_kit.profiles import BUILT_IN, Reading, RequestMetric, Threshold, load_profile
from otel_kit.profiles.readings import increase, mean, quantiles, rate, share
from tests.shop_profile import SHOP, calls, calls_gauge, said, seconds

calls_by_two = Counter("test_profile_calls_total", "Calls.", ["place", "way"], registry=None)


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


@pytest.mark.parametrize("name", ["Todo", "PLATFORM"])
def test_a_documented_system_in_other_letters(name: str) -> None:
    """
    As its variable takes them.
    """
    assert name.lower() == load_profile(name).name


@pytest.mark.parametrize("wanted", ["gobblin", "", ":PROFILE", ".goblin:PROFILE", "os:"])
def test_an_unknown_profile(wanted: str) -> None:
    """
    The line names what is known, and how one's own is written.
    """
    text = said(lambda: load_profile(wanted))
    assert text.startswith(f"profile={wanted!r} can't be used: name one of goblin, todo")
    assert "module:attribute" in text


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("no.such.module:PROFILE", "no module no is found"),
        ("os:nothing", "module os has no nothing"),
        ("os:path", "path is of type module"),
    ],
)
def test_a_profile_of_ones_own_that_is_not_there(wanted: str, part: str) -> None:
    """
    The line names the place where it was asked for, and what is missing.
    """
    text = said(lambda: load_profile(wanted, "--profile"))
    assert text.startswith(f"--profile={wanted!r} can't be used: {part}")


@pytest.mark.parametrize(
    ("program", "parts"),
    [
        ("profile = \n", ["SyntaxError", "line 1"]),
        ("a = 1\n1 / 0\n", ["ZeroDivisionError", "line 2", "harbour.py"]),
        ("import no_such_library\n", ["no_such_library", "harbour.py"]),
        ("import os\nos.nothing\n", ["AttributeError", "nothing", "harbour.py"]),
        ("raise SystemExit('no')\n", ["SystemExit: no"]),
        (
            "from otel_kit.profiles import Field\nField('place', 'rout')\n",
            ["log field place: source 'rout' is unknown"],
        ),
        ("import otel_kit\notel_kit.Counter('calls', 'Calls.', ['le'])\n", ["'le'", "reserved: name it otherwise"]),
    ],
)
def test_a_module_that_fails(program: str, parts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whatever it raises is one line, with the part of the profile or the line of the module.
    """
    (tmp_path / "harbour.py").write_text(program, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "harbour", raising=False)
    text = said(lambda: load_profile("harbour:PROFILE", "OTEL_KIT_PROFILE"))
    assert "OTEL_KIT_PROFILE='harbour:PROFILE' can't be used: " in text
    assert [] == [part for part in parts if part not in text]


def test_a_profile_within_another_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The attribute may have dots.
    """
    program = "import types\nfrom tests.shop_profile import SHOP\nALL = types.SimpleNamespace(shop=SHOP)\n"
    (tmp_path / "harbour.py").write_text(program, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "harbour", raising=False)
    assert SHOP is load_profile("harbour:ALL.shop")


@pytest.mark.parametrize(("given", "place"), [("gobblin", "profile"), (None, "OTEL_KIT_PROFILE")])
def test_the_place_of_an_unknown_profile(given: str | None, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The argument is blamed where it was given, and the variable where that named it.
    """
    monkeypatch.setenv("OTEL_KIT_PROFILE", "no_such_module:PROFILE")
    assert said(lambda: setup_observability(FastAPI(), profile=given)).startswith(f"{place}=")


def test_something_else_than_a_profile() -> None:
    """
    Neither a name nor a profile.
    """
    wrong: Any = 7
    assert "int" in said(lambda: setup_observability(FastAPI(), profile=wrong))


@pytest.mark.parametrize(
    ("role", "metric", "labels", "part"),
    [
        ("total", calls, {"place": "route", "colour": "method"}, "colour"),
        ("total", calls, {}, "label place has no source"),
        ("total", calls, {"place": "size"}, "label place can't be filled from 'size'"),
        ("total", calls, {"place": "error_type"}, "label place can't be filled from 'error_type'"),
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


def test_a_threshold_for_a_reading() -> None:
    """
    By the reading's words.
    """
    readings = (Reading("calls a day", {"": increase("test_profile_calls_total")}),)
    made = replace(SHOP, readings=readings, thresholds=(Threshold("calls", "calls a day", 5),))
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
