"""
What the log says about a collector that is away.
"""

from __future__ import annotations

from typing import Any

import pytest

from otel_kit.telemetry import outage
from otel_kit.telemetry.accounts import Accounts
from otel_kit.telemetry.outage import Outages

HOST = "http://collector:4318"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    class Clock:
        now = 1000.0

        def monotonic(self) -> float:
            return self.now

    made = Clock()
    monkeypatch.setattr(outage, "time", made)
    return made


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level("INFO", logger="otel_kit")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "otel_kit"]


def test_one_line_a_minute_for_all_signals(clock: Any, lines: Any) -> None:
    """
    Three failing signals make one line, and the next one a minute later.
    """
    outages = Outages()
    for second in range(0, 120, 5):
        clock.now = 1000.0 + second
        for signal in ("traces", "logs", "metrics"):
            outages.failed(signal, HOST, "connection refused", expected=False)

    assert ["otel_kit.export_failing"] * 2 == lines()


def test_line_says_host_kind_and_losses(clock: Any, caplog: pytest.LogCaptureFixture) -> None:
    """
    The line names where, what and how much.
    """
    outages = Outages()
    accounts = Accounts("traces", published=False)
    outages.watch(accounts)
    accounts.refuse(7)

    outages.failed("traces", HOST, "HTTP 503", expected=False)

    fields = caplog.records[-1].__dict__
    assert (HOST, "HTTP 503", 7, "traces") == (
        fields["endpoint"],
        fields["error.type"],
        fields["items_dropped"],
        fields["signals"],
    )


def test_recovery_is_said_when_all_signals_are_back(clock: Any, lines: Any) -> None:
    """
    The second line comes with the last signal that recovers.
    """
    outages = Outages()
    outages.failed("traces", HOST, "timeout", expected=False)
    outages.failed("logs", HOST, "timeout", expected=False)
    outages.delivered("traces", HOST)
    before = list(lines())
    outages.delivered("logs", HOST)

    assert (["otel_kit.export_failing"], "otel_kit.export_recovered") == (before, lines()[-1])


def test_flapping_stays_within_a_minute(clock: Any, lines: Any) -> None:
    """
    A collector that comes and goes makes two lines, not two each time.
    """
    outages = Outages()
    for _ in range(20):
        clock.now += 1.0
        outages.failed("traces", HOST, "timeout", expected=False)
        outages.delivered("traces", HOST)

    assert ["otel_kit.export_failing", "otel_kit.export_recovered"] == lines()


def test_silent_default_endpoint_is_said_once(clock: Any, lines: Any) -> None:
    """
    Where nobody was expected to listen one line is enough for ever.
    """
    outages = Outages()
    for _ in range(10):
        clock.now += 100.0
        outages.failed("traces", HOST, "connection refused", expected=True)
        outages.failed("logs", HOST, "connection refused", expected=True)

    assert ["otel_kit.no_collector"] == lines()


def test_default_endpoint_that_answered_before_is_an_outage(clock: Any, lines: Any) -> None:
    """
    Once something has answered at the default endpoint its silence is a fault.
    """
    outages = Outages()
    outages.answered(HOST)
    outages.failed("traces", HOST, "connection refused", expected=True)

    assert ["otel_kit.export_failing"] == lines()


def books_of(outages: Outages, queued: int, unnamed_host: str | None = None) -> Accounts:
    """
    The watched accounts of spans, so many of them waiting.
    """
    accounts = Accounts("traces", published=False)
    accounts.count_queued = lambda: queued
    outages.watch(accounts, unnamed_host)
    return accounts


def test_what_is_left_is_said_before_any_attempt_has_failed(caplog: pytest.LogCaptureFixture) -> None:
    """
    A first attempt that still hangs at the end is no failure yet, and what waits behind it is left all the same.
    """
    outages = Outages()
    books_of(outages, 7).refuse(2)

    said = outages.say_what_is_left(all_resolved=False)

    assert (True, {"traces": {"queued": 7, "dropped": 2}}) == (said, caplog.records[-1].__dict__["items"])


def test_what_was_refused_at_the_end_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """
    A queue may have emptied because the collector refuses everything.
    """
    outages = Outages()
    books_of(outages, 0).resolve(0, 5, "rejected")
    outages.failed("traces", HOST, "HTTP 400", expected=False)

    said = outages.say_what_is_left(all_resolved=True)

    assert (True, {"traces": {"queued": 0, "dropped": 5}}) == (said, caplog.records[-1].__dict__["items"])


def test_what_came_in_since_is_not_left(lines: Any) -> None:
    """
    After everything has been delivered another thread's items are no loss.
    """
    outages = Outages()
    books_of(outages, 1)

    assert (False, []) == (outages.say_what_is_left(all_resolved=True), lines())


def test_what_is_left_is_said_once(lines: Any) -> None:
    """
    A second end that finds no more than the first one has nothing to say.
    """
    outages = Outages()
    books_of(outages, 7)

    said = [outages.say_what_is_left(all_resolved=False) for _ in range(2)]

    assert ([True, False], ["otel_kit.undelivered"]) == (said, lines())


def test_nothing_is_left_where_nobody_listens(lines: Any) -> None:
    """
    At an endpoint that nobody has named, and where nothing has ever answered, nobody misses anything.
    """
    outages = Outages()
    books_of(outages, 7, unnamed_host=HOST)

    assert (False, []) == (outages.say_what_is_left(all_resolved=False), lines())


def test_of_two_exporters_the_worse_one_says_what_is_left(caplog: pytest.LogCaptureFixture) -> None:
    """
    A console that has taken every span does not hide what the collector has not.
    """
    outages = Outages()
    books_of(outages, 7)
    books_of(outages, 0)

    outages.say_what_is_left(all_resolved=False)

    assert {"traces": {"queued": 7, "dropped": 0}} == caplog.records[-1].__dict__["items"]
