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
