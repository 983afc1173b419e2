"""
What the tests of events share: accounts that begin anew, a clock to turn, and what was written and counted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from otel_kit import faults
from otel_kit.context import RequestRecord
from otel_kit.ledger import ledger
from otel_kit.security import begin_anew, declared, events, restore_logging_by, tally
from tests.asgi_client import http_scope
from tests.counting import value_of

ID = "550e8400-e29b-41d4-a716-446655440000"
METRIC = "otel_kit_security_events_total"


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


class Written(logging.Handler):
    """
    Keeps every record of the two loggers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """
        Keep it.
        """
        self.records.append(record)


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """
    No event has happened, no profile has declared any, and nobody has taken logging over.
    """
    monkeypatch.setattr(declared, "_declared", {})
    before = events._restore
    restore_logging_by(None)
    begin_anew()
    yield
    begin_anew()
    restore_logging_by(before)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """
    The clock that events are timed by.
    """
    clock = Clock()
    monkeypatch.setattr(tally, "time", clock)
    return clock


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """
    What was written, whatever the level.
    """
    keep, loggers = Written(), list(tally.LOGGERS.values())
    for logger in loggers:
        logger.addHandler(keep)
        logger.setLevel(logging.DEBUG)
    yield keep.records
    for logger in loggers:
        logger.removeHandler(keep)
        logger.setLevel(logging.NOTSET)


@pytest.fixture
def counted() -> Callable[[str], int]:
    """
    How often an event was counted since the test began.
    """
    before = {
        dict(series.labels)["event"]: series.values[0]
        for family in ledger.snapshot()
        if family.declaration.name == METRIC
        for series in family.series
    }
    return lambda name: int(value_of(METRIC, event=name) - before.get(name, 0.0))


@pytest.fixture
def faulted() -> Callable[[], int]:
    """
    How many faults of events there were since the test began.
    """
    before = faults.counts().get("security", 0)
    return lambda: faults.counts().get("security", 0) - before


@pytest.fixture
def request_record() -> RequestRecord:
    """
    A request as the ring has read it.
    """
    record = RequestRecord(http_scope(method="POST", path="/auth/login"), ID)
    record.method, record.path, record.client = "POST", "/auth/login", "203.0.113.7"
    return record
