"""
What the contract's own page, and what was settled about the four systems beside it, say of all lines at once.
"""

from __future__ import annotations

import re

import pytest

from otel_kit.profiles import load_profile
from tests.conformance.checks.events import GIVEN, reported
from tests.conformance.checks.logs import LEVELS as LINE_LEVELS
from tests.conformance.checks.logs import request_line, said, the_line
from tests.conformance.lines import SYSTEMS, document, leaves
from tests.conformance.script import run_script
from tests.conformance.system import System

LEVELS = {
    **{word: word.upper() for word in ("trace", "debug", "info", "warning", "error", "critical")},
    "warn": "WARNING",
    "fatal": "CRITICAL",
}
"""Python's words and pino's -> the level."""

QUANTILE = re.compile(r"histogram_quantile\(.*?(\w+)_bucket.*> ([\d.]+)$")
ALERTS = [(leaf, QUANTILE.match(str(leaf.value))) for system in SYSTEMS for leaf in leaves(system)]


SET_UP_WITH_EACH = """
for word in sys.argv[1:]:
    os.environ["LOG_LEVEL"] = word
    sys.stderr.write(setup_observability(FastAPI(), profile=kit.profile).settings.log_level + " ")
"""


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_level_is_read_in_any_case_in_every_profile(system: str) -> None:
    """
    Python's words and pino's, also in a case that nobody would write.
    """
    written = [form for word in LEVELS for form in (word, word.upper(), word.capitalize(), word[0] + word[1:].upper())]

    assert [LEVELS[word.lower()] for word in written] == run_script(system, SET_UP_WITH_EACH, *written).errors.split()


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_level_that_was_set_holds(system: str, systems: dict[str, System]) -> None:
    """
    Two of the services log from DEBUG on, two as without the variable.
    """
    wanted = {"goblin": False, "todo": True, "xionimus": False, "platform": True}
    lines = [line for line in said(systems[system]) if line[systems[system].key_of("message")] == "level DEBUG"]

    assert wanted[system] is bool(lines)


@pytest.mark.parametrize(
    ("system", "histogram", "figure"),
    [pytest.param(leaf.system, found[1], float(found[2]), id=leaf.path) for leaf, found in ALERTS if found],
)
def test_a_histogram_has_buckets_at_the_figure_and_beyond(
    system: str, histogram: str, figure: float, systems: dict[str, System]
) -> None:
    """
    Or an alert that reads it could not tell.
    """
    bounds = [float(bound) for bound in systems[system].page.bounds(histogram) if bound != "+Inf"]

    assert figure in bounds
    assert max(bounds) > figure


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_person_is_masked_and_an_opaque_id_is_not(system: str, systems: dict[str, System]) -> None:
    """
    In the record of an event that has both.
    """
    record = reported(systems[system])["failed_login"]

    assert GIVEN["email"] not in str(record)
    assert "the user_id" == record["user_id"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_levels_have_the_profile_s_words(system: str, systems: dict[str, System]) -> None:
    """
    Python's own where the documents have no others.
    """
    names = document(system)["logs"].get("level_names", {})

    for level in LINE_LEVELS[1:]:
        assert names.get(level, level) == the_line(systems[system], f"level {level}")["level"]


@pytest.mark.parametrize("path", ["/items/7", "/items/none", "/nowhere", "/raise/KeyError", "/metrics", "/readyz"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_answer_has_the_id_of_its_request(system: str, path: str, systems: dict[str, System]) -> None:
    """
    That of goblin's document, in all profiles.
    """
    header, given = document("goblin")["correlation"]["header"], "the-one"

    assert given == systems[system].service.ask("GET", path, headers={header: given}).headers[header.lower()]


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_line_of_a_request_has_its_id_and_class(system: str, systems: dict[str, System]) -> None:
    """
    Under the kit's own names, in every profile.
    """
    lines = said(systems[system])

    assert {"conformance-lines"} == {line["correlation_id"] for line in lines}
    assert {"application", "error"} == {line["log.class"] for line in lines}
    assert [] == [line for line in lines if not {"trace_id", "span_id"} <= line.keys()]


@pytest.mark.parametrize("system", SYSTEMS)
def test_only_goblin_has_limits(system: str) -> None:
    """
    Those of its document.
    """
    rules = document(system).get("rate_limits", {}).get("rules", [])

    assert {rule["prefix"]: rule["limit"] for rule in rules} == load_profile(system).limits


def test_todo_repeats_the_id_and_names_the_template(systems: dict[str, System]) -> None:
    """
    On each line of a request; the time is a number of milliseconds.
    """
    lines = [*said(systems["todo"]), request_line(systems["todo"])]

    assert [line["correlation_id"] for line in lines] == [line["request_id"] for line in lines]
    assert {"/puppet/lines"} == {line["endpoint"] for line in lines}
    assert 0 < request_line(systems["todo"])["response_time"] < 5000
    assert the_line(systems["todo"], "it failed")["error"] == "ValueError: it went wrong"


def test_platform_counts_a_failure_as_an_error_and_a_refusal_not(systems: dict[str, System]) -> None:
    """
    An error is a status from 500 or an unhandled exception.
    """
    page = systems["platform"].page

    # other tests may have asked for it, too
    asked = page.sum("api_requests_total", path="/raise/{name}")
    assert 1 <= asked == page.sum("api_request_errors_total", path="/raise/{name}")
    assert [] == [one for one in page.of("api_request_errors_total") if one.labels["path"].startswith("/items")]


@pytest.mark.parametrize(
    ("path", "status", "label"),
    [
        ("/trpc/health.check", 200, "/trpc/health.check"),
        ("/trpc/health.nothing", 404, None),
        ("/trpc/health.check,health.liveness?batch=1", 200, "/trpc/batch"),
        ("/trpc/health.liveness,health.nothing?batch=1", 207, "/trpc/batch"),
    ],
)
def test_procedures_answer_as_settled(path: str, status: int, label: str | None, systems: dict[str, System]) -> None:
    """
    Known ones are counted by their path, batches together.
    """
    platform = systems["platform"]
    before = platform.scrape().sum("api_requests_total", path=label) if label else 0.0
    answer = platform.service.ask("GET", path)

    assert status == answer.status
    assert ("NOT_FOUND" in answer.body.decode()) is ("nothing" in path)
    assert label is None or before + 1 == platform.scrape().sum("api_requests_total", path=label)
