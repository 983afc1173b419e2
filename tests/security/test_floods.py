"""
Floods: sampled where they may be, with an exact count, and never where the class is audit.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from otel_kit import security_event
from otel_kit.context import RequestRecord, current_record
from otel_kit.ledger import ledger
from otel_kit.logs.handler import item_of
from otel_kit.security import begin_anew, event_of_request, write_suppressed
from otel_kit.security.declared import tally_of
from otel_kit.security.tally import RECORDS_PER_WINDOW, WINDOW_SECONDS, Said
from tests.security.conftest import ID, Clock

Records = list[logging.LogRecord]
Counted = Callable[[str], int]


def accounted(records: Records) -> int:
    """
    How many events the records stand for.
    """
    return sum(1 + record.__dict__.get("suppressed", 0) for record in records)


def flood(events: int, name: str = "failed_login") -> None:
    """
    So many events at once.
    """
    for number in range(events):
        security_event(name, number=number)


def test_a_flood_is_sampled(clock: Clock, records: Records, counted: Counted) -> None:
    """
    Ten records, whatever comes; the count goes on.
    """
    flood(1000)

    assert RECORDS_PER_WINDOW == len(records)
    assert 1000 == counted("failed_login")


def test_a_flood_of_audit_events_is_not(clock: Clock, records: Records, counted: Counted) -> None:
    """
    Five thousand are five thousand records, and none speaks for another.
    """
    flood(5000, "auth_failure")

    assert list(range(5000)) == [record.__dict__["number"] for record in records]
    assert 5000 == counted("auth_failure")
    assert not [record for record in records if "suppressed" in record.__dict__]


@pytest.mark.parametrize("gap", [0.01, 0.7, 1.3, 11.0])
def test_no_ten_seconds_have_more_than_ten_records(clock: Clock, records: Records, gap: float) -> None:
    """
    At every rate of events, wherever the ten seconds begin.
    """
    written_at = []
    for _ in range(200):
        clock.now += gap
        before = len(records)
        security_event("failed_login")
        written_at += [clock.now] * (len(records) - before)

    assert not [
        first
        for first, later in zip(written_at, written_at[RECORDS_PER_WINDOW:], strict=False)
        if later - first < WINDOW_SECONDS
    ]


def test_the_next_record_says_what_was_left_out(clock: Clock, records: Records, counted: Counted) -> None:
    """
    When there is room again, records and `suppressed` add up to the count.
    """
    flood(25)
    clock.now += WINDOW_SECONDS
    security_event("failed_login")

    assert 15 == records[-1].__dict__["suppressed"]
    assert counted("failed_login") == accounted(records)


def test_what_a_flood_leaves_over_is_written_when_metrics_are_read(
    clock: Clock, records: Records, counted: Counted, request_record: RequestRecord
) -> None:
    """
    Without a further event the first that was left out stands for the rest, under its own correlation id.
    """
    for number in range(25):
        event_of_request(request_record, "failed_login", number=number)
    clock.now += WINDOW_SECONDS
    seen: list[Any] = []
    keep = logging.getLogger("otel_kit.security").handlers[-1]
    keep.emit = lambda record: seen.append((record, item_of(record).correlation_id))  # type: ignore[method-assign]
    other = RequestRecord(request_record.scope, "of-the-scrape")
    mark = current_record.set(other)
    try:
        ledger.refresh()
    finally:
        current_record.reset(mark)

    ((record, identity),) = seen
    assert (10, 14, ID) == (record.number, record.suppressed, identity)
    assert counted("failed_login") == accounted([*records, record])


def test_a_second_flood_does_not_speak_in_the_name_of_the_first(clock: Clock, records: Records) -> None:
    """
    What was left out before is said and forgotten.
    """
    flood(25)
    clock.now += WINDOW_SECONDS
    for number in range(100, 125):
        security_event("failed_login", number=number)
    clock.now += WINDOW_SECONDS
    write_suppressed()

    assert 110 == records[-1].__dict__["number"]


def test_nothing_is_written_while_there_is_no_room(clock: Clock, records: Records) -> None:
    """
    Metrics that are read in the middle of a flood do not add to it.
    """
    flood(25)
    ledger.refresh()

    assert RECORDS_PER_WINDOW == len(records)


def test_the_end_writes_everything(clock: Clock, records: Records, counted: Counted) -> None:
    """
    At the process's end nothing is waited for.
    """
    flood(25)
    write_suppressed(everything=True)

    assert counted("failed_login") == accounted(records)


def test_names_are_sampled_apart(clock: Clock, records: Records) -> None:
    """
    A flood of one event hides no other.
    """
    flood(25)
    security_event("account_lockout")

    assert "account_lockout" == records[-1].__dict__["event"]


@pytest.mark.parametrize("name", ["failed_login", "auth_failure"])
def test_exact_under_threads(name: str, records: Records, counted: Counted) -> None:
    """
    Threads that tell at the same time lose nothing.
    """
    threads = [threading.Thread(target=flood, args=(500, name)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    write_suppressed(everything=True)

    assert (2000, 2000) == (counted(name), accounted(records))


def test_an_event_inside_of_an_event_is_no_deadlock(records: Records, counted: Counted) -> None:
    """
    A value whose text reports an event itself, as a finaliser or a signal handler may at any moment.
    """

    class Telling:
        def __str__(self) -> str:
            security_event("possible_abuse")
            return "told"

    security_event("failed_login", detail=Telling())

    assert ["possible_abuse", "failed_login"] == [record.__dict__["event"] for record in records]


def test_a_child_starts_with_room(clock: Clock, records: Records) -> None:
    """
    What a parent's flood has left over is the parent's.
    """
    flood(25)
    begin_anew()
    security_event("failed_login")

    assert RECORDS_PER_WINDOW + 1 == len(records)
    assert "suppressed" not in records[-1].__dict__


def test_a_level_that_hides_the_records_hides_no_count(records: Records, counted: Counted) -> None:
    """
    Of security events; they are still on the metric.
    """
    logging.getLogger("otel_kit.security").setLevel(logging.ERROR)
    security_event("failed_login")

    assert ([], 1) == (records, counted("failed_login"))


def test_what_a_record_has_told_of_is_not_kept(clock: Clock, records: Records) -> None:
    """
    Another thread writes the next record between the count of an event and the note of what it said.
    """
    flood(RECORDS_PER_WINDOW)
    tally = tally_of("failed_login")
    assert tally.enter() is None
    clock.now += WINDOW_SECONDS
    assert 1 == tally.enter()

    tally.keep(Said({"event": "failed_login"}, None, ("", 0, "")))

    assert tally.left_out is None
