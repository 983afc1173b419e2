"""
The record of an event: message, class, level, fields, ids.
"""

from __future__ import annotations

import datetime
import enum
import json
import logging
import uuid
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_kit import bound_correlation_id, security_event
from otel_kit.context import RequestRecord, current_record
from otel_kit.event_layout import MAX_FIELDS, SECURITY_EVENTS, EventName, SecurityEvent
from otel_kit.logs.handler import item_of
from otel_kit.logs.json_layout import JsonLayout
from otel_kit.profiles.goblin import PROFILE
from otel_kit.redaction import Policy
from otel_kit.security import declared, event_of_request
from otel_kit.security.fields import MAX_TEXT
from otel_kit.telemetry.logs import item_attributes, severity
from tests.security.conftest import ID

Records = list[logging.LogRecord]


class Colour(str, enum.Enum):
    """
    A text that is also an enumeration.
    """

    RED = "red"


class Unprintable:
    """
    An object whose text can't be made.
    """

    def __str__(self) -> str:
        raise RuntimeError("no")


def line_of(record: logging.LogRecord) -> dict[str, Any]:
    """
    The JSON line of a record, as it leaves the process.
    """
    item = item_of(record)
    item.clean(Policy())
    line: dict[str, Any] = json.loads(JsonLayout(PROFILE.layout).line(item))
    return line


def extra_of(record: logging.LogRecord) -> dict[str, object]:
    """
    The fields that the event brought, without its name.
    """
    return {key: value for key, value in (item_of(record).extra or {}).items() if key != "event"}


@pytest.mark.parametrize("event", SECURITY_EVENTS, ids=lambda event: event.name)
def test_an_event_has_its_documented_record(event: SecurityEvent, records: Records) -> None:
    """
    Message, level and class are those of the catalogue, the name is in `event`, each documented field at top level.
    """
    security_event(event.name, **{name: f"a {name}" for name in reversed(event.fields)})
    line = line_of(records[0])

    assert (event.message, event.level) == (line["message"], line["level"])
    assert (event.name, event.log_class) == (line["event"], line["log.class"])
    assert set(event.fields) <= line.keys()
    assert event.fields == tuple(extra_of(records[0]))


def test_the_two_audit_events_of_a_contract_are_literal(records: Records) -> None:
    """
    What a contract writes down is what is written.
    """
    security_event("rls_violation", tenantId="t1", userId="u1", table="users", operation="INSERT")
    security_event("auth_failure", email="ann@example.com", provider="google", reason="invalid_token")
    first, second = map(line_of, records)

    assert ("RLS policy violation detected", "audit") == (first["message"], first["log.class"])
    assert ("t1", "u1", "users", "INSERT") == tuple(first[key] for key in ("tenantId", "userId", "table", "operation"))
    assert ("Authentication failed", "audit") == (second["message"], second["log.class"])
    assert ("a***@example.com", "google", "invalid_token") == (second["email"], second["provider"], second["reason"])


def test_an_editor_knows_the_names() -> None:
    """
    The type of the first argument names the events of the catalogue, no more and no less.
    """
    assert set(get_args(EventName)) == {event.name for event in SECURITY_EVENTS}


def test_the_line_says_whose_request_it_was(request_record: RequestRecord, records: Records) -> None:
    """
    Correlation id, client's address, method and path are those of the request at hand.
    """
    mark = current_record.set(request_record)
    try:
        security_event("failed_login", user_id="u17")
        line = line_of(records[0])
    finally:
        current_record.reset(mark)

    assert ("203.0.113.7", "POST", "/auth/login") == (
        line["client.address"],
        line["http.request.method"],
        line["url.path"],
    )
    assert (ID, "u17") == (line["correlation_id"], line["user_id"])


def test_the_line_has_the_id_of_the_task_at_hand(records: Records) -> None:
    """
    Outside of requests too, and then there is no client.
    """
    with bound_correlation_id("of-the-task"):
        security_event("failed_login")
        line = line_of(records[0])

    assert "of-the-task" == line["correlation_id"]
    assert "client.address" not in line


def test_a_given_request_goes_before_the_one_at_hand(request_record: RequestRecord, records: Records) -> None:
    """
    Whoever knows the request names it.
    """
    request_record.client = None
    event_of_request(request_record, "limit_hit", policy="/chat")

    assert "local" == records[0].__dict__["client.address"]


def test_otlp_has_the_class_and_the_severity(records: Records) -> None:
    """
    Over OTLP it may be routed by its class.
    """
    security_event("rls_violation", table="users")
    item = item_of(records[0])
    item.clean(Policy())

    assert {"log.class": "audit", "event": "rls_violation", "table": "users"} == item_attributes(item)
    assert (13, "WARN") == severity(item.levelno, item.levelname)


def test_the_record_comes_from_where_the_event_was_reported(records: Records) -> None:
    """
    Module and function are the caller's, for layouts that have them.
    """
    security_event("failed_login")

    assert ("test_events", "test_the_record_comes_from_where_the_event_was_reported") == (
        records[0].module,
        records[0].funcName,
    )


def test_every_event_is_counted(counted: Callable[[str], int]) -> None:
    """
    The metric is exact at once.
    """
    for _ in range(3):
        security_event("failed_login")

    assert 3 == counted("failed_login")


# -- fields ---------------------------------------------------------------------------------------


def test_further_fields_are_allowed_and_nothing_is_required(records: Records) -> None:
    """
    A field that nobody documents is written behind the others; None is as if it had not been given.
    """
    security_event("failed_login", attempts=3, reason="bad_password", user_id=None)

    assert {"reason": "bad_password", "attempts": 3} == extra_of(records[0])
    assert ["reason", "attempts"] == list(extra_of(records[0]))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, True),
        (1.5, 1.5),
        (7, 7),
        (uuid.UUID(ID), ID),
        (datetime.date(2025, 12, 2), "2025-12-02"),
        (Colour.RED, "red"),
        (ValueError("no"), "ValueError: no"),
        ([1, 2, 3], "<list of 3>"),
        ({"a": 1}, "<dict of 1>"),
        (b"secret", "<bytes of 6>"),
        (Unprintable(), "<unprintable Unprintable>"),
        ("", ""),
    ],
)
def test_a_value_of_any_kind_is_written(value: object, written: object, records: Records) -> None:
    """
    Numbers as they are, an object as its text, a container as its size.
    """
    security_event("failed_login", detail=value)

    assert {"detail": written} == extra_of(records[0])


@pytest.mark.parametrize("name", ["message", "name", "args", "module", "process", "event", "suppressed", "taskName"])
def test_a_name_that_is_taken_is_prefixed(name: str, records: Records) -> None:
    """
    The house's rule for extra fields: nothing is lost and nothing replaced.
    """
    security_event("failed_login", **{name: "x"})

    assert {f"extra.{name}": "x"} == extra_of(records[0])
    assert "failed_login" == line_of(records[0])["event"]


@pytest.mark.parametrize("name", ["log.class", "otel_kit.request", "otelTraceID", "client.address", "correlation_id"])
def test_a_field_cannot_pass_for_the_kits_own(name: str, records: Records) -> None:
    """
    Nor for what the machinery behind reads.
    """
    security_event("rls_violation", **{name: "audit or not"})

    assert "audit" == item_of(records[0]).log_class
    assert {f"extra.{name}": "audit or not"} == extra_of(records[0])


@pytest.mark.parametrize("name", ["", "with blank", "dash-ed", "1st", "x" * 65, "line\n", "é"])
def test_a_field_without_a_name_is_left_out(name: str, records: Records, faulted: Callable[[], int]) -> None:
    """
    The event is written without it, and the fault is counted.
    """
    security_event("failed_login", good="yes", **{name: "x"})

    assert 1 == faulted()
    assert {"good": "yes"} == extra_of(records[0])


def test_fields_are_bounded_and_the_documented_ones_come_first(records: Records) -> None:
    """
    No more than sixteen are taken, whatever the order of the call.
    """
    many = {f"field_{number}": number for number in range(40)}
    security_event("failed_login", **many, reason="bad_password")

    assert MAX_FIELDS == len(extra_of(records[0]))
    assert "reason" == next(iter(extra_of(records[0])))


def test_a_long_text_is_cut_between_words(records: Records) -> None:
    """
    One that is a single word is not shown at all: a half of it might be a half of a secret.
    """
    security_event("failed_login", words="four " * 100, word="x" * 10_000)
    extra = extra_of(records[0])

    assert ("four " * 51).strip() + " …" == extra["words"]
    assert "<text of 10000 characters>" == extra["word"]


def test_fields_pass_the_policy(records: Records) -> None:
    """
    Should a secret get into a field by mistake, it does not leave the process.
    """
    secret = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
    security_event("failed_login", detail=f"came with {secret}", password="hunter2")

    assert secret not in str(line_of(records[0]))
    assert "hunter2" not in str(line_of(records[0]))


@given(before=st.integers(0, 300))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_half_of_a_secret_is_left_by_a_cut(before: int, records: Records) -> None:
    """
    Wherever in a long text it stands.
    """
    declared.forget_tallies()
    secret = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
    security_event("failed_login", detail=f"{'x' * before} {secret} and so on {'y ' * 200}")

    assert secret[:12] not in str(line_of(records.pop()))


# -- names ----------------------------------------------------------------------------------------


def test_an_undeclared_event_is_written_and_is_a_fault(
    records: Records, counted: Callable[[str], int], faulted: Callable[[], int]
) -> None:
    """
    Under its own name, as a security event: the profile should declare it, and until then nothing is lost.
    """
    for _ in range(3):
        security_event("door_left_open", door="back")
    line = line_of(records[0])

    assert ("door_left_open", "door_left_open", "security") == (line["message"], line["event"], line["log.class"])
    assert (3, 1) == (counted("door_left_open"), faulted())


@pytest.mark.parametrize("bad", ["", "With Blanks", "Upper", "dash-ed", "x" * 65, "line\n", "é", 7, None, [], object])
def test_a_name_that_cannot_be_a_label_is_written_as_undeclared(
    bad: Any, records: Records, counted: Callable[[str], int], faulted: Callable[[], int]
) -> None:
    """
    The event is worth a record whatever it was called; only the label stays closed.
    """
    security_event(bad, door="back")
    line = line_of(records[0])

    assert ("undeclared", "back") == (line["event"], line["door"])
    assert (1, 1) == (counted("undeclared"), faulted())
    assert len(str(line.get("given", ""))) <= MAX_TEXT


def test_names_are_a_bounded_set(records: Records, counted: Callable[[str], int]) -> None:
    """
    What comes beyond the bound is one event, and those known before go on.
    """
    for number in range(declared.MAX_UNDECLARED + 5):
        security_event(f"made_up_{number}")
    security_event("made_up_0")
    names = [record.__dict__["event"] for record in records]

    assert (5, "made_up_0") == (names.count("undeclared"), names[-1])
    assert 5 == counted("undeclared")


def test_the_name_may_be_an_enumeration(records: Records) -> None:
    """
    Of texts, which are what they say.
    """

    class Event(str, enum.Enum):
        LOGIN = "failed_login"

    security_event(Event.LOGIN)

    assert "failed_login" == records[0].__dict__["event"]


@given(name=st.one_of(st.text(), st.none(), st.integers()), fields=st.dictionaries(st.text(), st.text(), max_size=20))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_nothing_is_raised_and_every_line_is_whole(name: Any, fields: dict[str, str], records: Records) -> None:
    """
    Whatever the names and values, one bounded JSON line comes of it.
    """
    declared.forget_tallies()
    security_event(name, **fields)
    line = line_of(records.pop())

    assert line["log.class"] in ("security", "audit")
    assert len(json.dumps(line)) < 16 * 8 * (MAX_TEXT + 128)


def test_a_handler_that_raises_is_a_fault(
    records: Records, faulted: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A handler of the application's own does not stop the request that reports.
    """

    def fail(record: logging.LogRecord) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(logging.getLogger("otel_kit.audit").handlers[-1], "emit", fail)
    security_event("auth_failure")

    assert 1 == faulted()
