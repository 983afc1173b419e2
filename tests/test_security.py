"""
Security events: records, the metric, and floods.
"""

from __future__ import annotations

import itertools
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from otel_kit import faults, security
from otel_kit.context import RequestRecord, current_record
from otel_kit.layout import GOBLIN_LAYOUT
from otel_kit.ledger import ledger
from otel_kit.logs.handler import item_of
from otel_kit.logs.json_layout import JsonLayout
from otel_kit.redaction import Policy
from otel_kit.security import RECORDS_PER_WINDOW, WINDOW_SECONDS, security_event, write_suppressed
from otel_kit.telemetry.logs import item_attributes, severity
from tests.asgi_client import http_scope

ID = "550e8400-e29b-41d4-a716-446655440000"
_numbers = itertools.count()


class Clock:
    """
    A monotonic clock that a test turns.
    """

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """
        The time.
        """
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """
    The clock that events are timed by.
    """
    clock = Clock()
    monkeypatch.setattr(security, "time", clock)
    return clock


@pytest.fixture
def name() -> str:
    """
    An event that no other test has had.
    """
    security.begin_anew()
    return f"event_{next(_numbers)}"


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """
    What was written to the security log.
    """
    written: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(record)

    logger, keep = logging.getLogger("otel_kit.security"), Keep()
    logger.addHandler(keep)
    yield written
    logger.removeHandler(keep)


def a_request() -> RequestRecord:
    """
    A request as the ring has read it.
    """
    record = RequestRecord(http_scope(method="POST", path="/auth/login"), ID)
    record.method, record.path, record.client = "POST", "/auth/login", "203.0.113.7"
    return record


def counted(name: str) -> float:
    """
    What the metric says of an event.
    """
    families = {family.declaration.name: family for family in ledger.snapshot(own=True)}
    series = families["otel_kit_security_events_total"].series
    return sum(one.values[0] for one in series if dict(one.labels) == {"event": name})


def accounted(records: list[logging.LogRecord]) -> int:
    """
    How many events the records stand for.
    """
    return sum(1 + record.__dict__.get("suppressed", 0) for record in records)


def test_an_event_is_a_warning_of_its_class(name: str, records: list[logging.LogRecord]) -> None:
    """
    The record's message is the event, its class `security`, its level WARNING; the fields are as given.
    """
    security_event(name, reason="unknown_key", size=7)
    (record,) = records
    item = item_of(record)

    assert (name, "WARNING", "security") == (item.message, item.levelname, item.log_class)
    assert {"reason": "unknown_key", "size": 7} == item.extra


def test_the_json_line_has_the_class_and_the_request(name: str, records: list[logging.LogRecord]) -> None:
    """
    A line is found by its class, and says whose request it was.
    """
    mark = current_record.set(a_request())
    try:
        security_event(name, reason="unknown_key")
        item = item_of(records[0])
    finally:
        current_record.reset(mark)
    item.clean(Policy())
    line = json.loads(JsonLayout(GOBLIN_LAYOUT).line(item))

    assert ("security", name, ID) == (line["log.class"], line["message"], line["correlation_id"])
    assert ("203.0.113.7", "POST", "/auth/login", "unknown_key") == (
        line["client.address"],
        line["http.request.method"],
        line["url.path"],
        line["reason"],
    )


def test_otlp_has_the_class_and_the_severity(name: str, records: list[logging.LogRecord]) -> None:
    """
    The same over OTLP, where it may be routed by its class.
    """
    security_event(name, reason="unknown_key")
    item = item_of(records[0])
    item.clean(Policy())

    assert {"log.class": "security", "reason": "unknown_key"} == item_attributes(item)
    assert (13, "WARN") == severity(item.levelno, item.levelname)


def test_fields_pass_the_policy(name: str, records: list[logging.LogRecord]) -> None:
    """
    Should a secret get into a field by mistake, it does not leave the process.
    """
    secret = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
    security_event(name, detail=f"came with {secret}")
    item = item_of(records[0])
    item.clean(Policy())

    assert secret not in str(item.extra)


def test_a_given_request_goes_before_the_one_at_hand(name: str, records: list[logging.LogRecord]) -> None:
    """
    Whoever knows the request names it.
    """
    other = a_request()
    other.client = None
    security_event(name, record=other)

    assert "local" == records[0].__dict__["client.address"]


def test_every_event_is_counted(name: str) -> None:
    """
    The metric is exact at once.
    """
    for _ in range(3):
        security_event(name)

    assert 3 == counted(name)


# -- floods ---------------------------------------------------------------------------------------


def test_a_flood_is_sampled(name: str, clock: Clock, records: list[logging.LogRecord]) -> None:
    """
    Ten records, whatever comes; the count goes on.
    """
    for _ in range(1000):
        security_event(name)

    assert RECORDS_PER_WINDOW == len(records)
    assert 1000 == counted(name)


@pytest.mark.parametrize("gap", [0.01, 0.7, 1.3, 11.0])
def test_no_ten_seconds_have_more_than_ten_records(
    name: str, clock: Clock, records: list[logging.LogRecord], gap: float
) -> None:
    """
    At every rate of events, wherever the ten seconds begin.
    """
    written_at = []
    for _ in range(200):
        clock.now += gap
        before = len(records)
        security_event(name)
        written_at += [clock.now] * (len(records) - before)

    assert not [
        first
        for first, later in zip(written_at, written_at[RECORDS_PER_WINDOW:], strict=False)
        if later - first < WINDOW_SECONDS
    ]


def test_the_next_record_says_what_was_left_out(name: str, clock: Clock, records: list[logging.LogRecord]) -> None:
    """
    When there is room again, records and `suppressed` add up to the count.
    """
    for _ in range(25):
        security_event(name)
    clock.now += WINDOW_SECONDS
    security_event(name)

    assert 15 == records[-1].__dict__["suppressed"]
    assert counted(name) == accounted(records)


def test_what_a_flood_leaves_over_is_written_when_metrics_are_read(
    name: str, clock: Clock, records: list[logging.LogRecord]
) -> None:
    """
    Without a further event the last one stands for the rest, under its own correlation id.
    """
    for number in range(25):
        security_event(name, record=a_request(), number=number)
    clock.now += WINDOW_SECONDS
    other = a_request()
    other.correlation_id = "of-the-scrape"
    seen: list[Any] = []
    logging.getLogger("otel_kit.security").handlers[-1].emit = lambda record: seen.append(  # type: ignore[method-assign]
        (record, item_of(record).correlation_id)
    )
    mark = current_record.set(other)
    try:
        ledger.refresh()
    finally:
        current_record.reset(mark)

    ((record, identity),) = seen
    assert (24, 14, ID) == (record.number, record.suppressed, identity)
    assert counted(name) == accounted([*records, record])


def test_nothing_is_written_while_there_is_no_room(name: str, clock: Clock, records: list[logging.LogRecord]) -> None:
    """
    Metrics that are read in the middle of a flood do not add to it.
    """
    for _ in range(25):
        security_event(name)
    ledger.refresh()

    assert RECORDS_PER_WINDOW == len(records)


def test_the_end_writes_everything(name: str, clock: Clock, records: list[logging.LogRecord]) -> None:
    """
    At the process's end nothing is waited for.
    """
    for _ in range(25):
        security_event(name)
    write_suppressed(everything=True)

    assert counted(name) == accounted(records)


def test_names_are_sampled_apart(name: str, clock: Clock, records: list[logging.LogRecord]) -> None:
    """
    A flood of one event hides no other.
    """
    for _ in range(25):
        security_event(name)
    security_event(f"{name}_other")

    assert f"{name}_other" == records[-1].getMessage()


def test_exact_under_threads(name: str, records: list[logging.LogRecord]) -> None:
    """
    Threads that tell at the same time lose nothing.
    """
    threads = [threading.Thread(target=lambda: [security_event(name) for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    write_suppressed(everything=True)

    assert 2000 == counted(name)
    assert 2000 == accounted(records)


# -- bad calls ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", ["", "With Blanks", "Upper", "dash-ed", "x" * 65, "line\n", "é", 7, None, []])
def test_a_bad_name_is_a_fault(name: str, records: list[logging.LogRecord], bad: Any) -> None:
    """
    A name that can't be a label is nobody's event: nothing is raised, counted or written but the fault.
    """
    before = faults.counts().get("security", 0)
    security_event(bad)

    assert (before + 1, []) == (faults.counts()["security"], records)


@pytest.mark.parametrize(
    "fields",
    [{"Upper": "x"}, {"with.dot": "x"}, {"message": "x"}, {"args": "x"}, {"suppressed": 1}, {"a": None}, {"a": [1]}],
)
def test_a_bad_field_is_left_out(name: str, records: list[logging.LogRecord], fields: dict[str, Any]) -> None:
    """
    The event is written without it, and the fault is counted.
    """
    before = faults.counts().get("security", 0)
    security_event(name, good="yes", **fields)

    assert before + 1 == faults.counts()["security"]
    assert {"good": "yes"} == item_of(records[0]).extra


def test_texts_and_fields_are_bounded(name: str, records: list[logging.LogRecord]) -> None:
    """
    A long text is cut, and no more than sixteen fields are taken.
    """
    security_event(name, text="x" * 10_000, **{f"field_{number}": number for number in range(40)})
    extra = item_of(records[0]).extra

    assert extra is not None
    assert (16, 256) == (len(extra), len(str(extra["text"])))


def test_events_are_a_closed_set(name: str, records: list[logging.LogRecord]) -> None:
    """
    Names beyond the bound are faults, and those known before go on.
    """
    for number in range(2 * security.MAX_EVENTS):
        security_event(f"{name}_{number}")
    written = len(records)
    security_event(f"{name}_0")

    assert security.MAX_EVENTS == written
    assert written + 1 == len(records)


def test_a_child_starts_with_room(name: str, clock: Clock, records: list[logging.LogRecord]) -> None:
    """
    What a parent's flood has left over is the parent's.
    """
    for _ in range(25):
        security_event(name)
    security.begin_anew()
    security_event(name)

    assert RECORDS_PER_WINDOW + 1 == len(records)
    assert "suppressed" not in records[-1].__dict__
