"""
Seven states of a collector, and the books in each: accepted = delivered + dropped + queued.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from otel_kit.environment.model import QueueLimits, Signal
from otel_kit.ledger import ledger
from otel_kit.redaction import Policy
from otel_kit.telemetry.accounts import Accounts
from otel_kit.telemetry.outage import Outages
from otel_kit.telemetry.queue import ExportQueue
from otel_kit.telemetry.sender import OtlpHttpSender
from otel_kit.telemetry.spans import SpanEncoder
from tests.otlp_receiver import OtlpReceiver
from tests.telemetry.test_spans import light_span

SPANS = 40
UNUSED = 20.0
"""Seconds of which a close needs next to nothing."""
LONGEST = 5.0
"""For a close in any state."""

STATES: dict[str, tuple[dict[str, Any], dict[str, int], float]] = {
    # what the receiver does; what the books say after the close; the time that the close has
    "healthy": ({}, {"delivered": SPANS}, UNUSED),
    "refusing": ({"mode": "refuse"}, {"shutdown": SPANS}, UNUSED),
    "hanging": ({"mode": "hang"}, {"shutdown": SPANS}, 1.0),
    "resetting": ({"mode": "reset"}, {"shutdown": SPANS}, 1.0),
    "failing": ({"mode": "status", "status": 500}, {"server_error": SPANS}, UNUSED),
    "redirecting": ({"mode": "status", "status": 307, "location": "/elsewhere"}, {"redirected": SPANS}, UNUSED),
    "busy": ({"mode": "status", "status": 429, "retry_after": "60"}, {"shutdown": SPANS}, UNUSED),
    "picky": ({"mode": "partial", "rejected": 15}, {"delivered": SPANS - 15, "partial_success": 15}, UNUSED),
}


@pytest.fixture
def make_queue() -> Iterator[Callable[..., tuple[OtlpReceiver, ExportQueue]]]:
    made: list[tuple[OtlpReceiver, ExportQueue]] = []

    def make(mode: str = "ok", published: bool = False, **changed: Any) -> tuple[OtlpReceiver, ExportQueue]:
        receiver = OtlpReceiver(mode=mode)
        for name, value in changed.items():
            setattr(receiver, name, value)
        signal = Signal(endpoint=f"{receiver.url}/v1/traces", endpoint_is_default=False)
        sender = OtlpHttpSender(signal, SpanEncoder(Policy()).encode)
        limits = QueueLimits(delay_seconds=0.01)
        queue = ExportQueue(sender, Accounts("traces", published), Outages(), limits, timeout_seconds=10.0)
        made.append((receiver, queue))
        return receiver, queue

    yield make
    for receiver, queue in made:
        queue.abandon()
        queue.accounts.close()
        receiver.stop()


def published(name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """The series of one of the kit's metrics, as a scrape would see them."""
    for family in ledger.snapshot(own=True):
        if family.declaration.name == name:
            return {series.labels: series.values[0] for series in family.series}
    return {}


@pytest.mark.parametrize("state", STATES)
def test_books_and_exit(make_queue: Any, state: str) -> None:
    """
    After a close each span is where the state says, and nowhere else; it takes no longer than the state makes it.
    """
    changes, expected, given = STATES[state]
    _, queue = make_queue(**changes)
    for _ in range(SPANS):
        queue.offer(light_span(), 500)
    begun = time.monotonic()

    queue.close(begun + given)
    took = time.monotonic() - begun

    books = {"delivered": queue.accounts.delivered, **queue.accounts.dropped}
    assert (expected, SPANS, 0, True) == (
        {place: count for place, count in books.items() if count},
        queue.accounts.view()["accepted"],
        queue.accounts.view()["queued"],
        took < LONGEST,
    )


def test_delivered_is_what_arrived(make_queue: Any) -> None:
    """
    The number of delivered spans is the number the collector has.
    """
    receiver, queue = make_queue()
    for _ in range(SPANS):
        queue.offer(light_span(), 500)
    queue.flush(time.monotonic() + 20)

    assert SPANS == len(receiver.spans) == queue.accounts.delivered


def test_nothing_is_lost_over_a_restart_of_the_collector(make_queue: Any) -> None:
    """
    Spans of the time without a collector wait and arrive when it is back.
    """
    receiver, queue = make_queue(mode="refuse")
    queue.offer(light_span(), 500)
    left = queue.flush(time.monotonic() + 1)
    receiver.mode = "ok"
    receiver.listen()
    queue.offer(light_span(), 500)

    assert (False, True, 2) == (left, queue.flush(time.monotonic() + 20), len(receiver.spans))


def test_slow_collector_gets_what_fits(make_queue: Any) -> None:
    """
    An answer within the deadline is a delivery although it is slow.
    """
    receiver, queue = make_queue(mode="slow", delay=0.3)
    queue.offer(light_span(), 500)

    assert (True, 1) == (queue.close(time.monotonic() + 20), len(receiver.spans))


def test_too_large_for_the_collector(make_queue: Any) -> None:
    """
    A collector with a small limit for bodies gets everything in smaller requests.
    """
    receiver, queue = make_queue()
    receiver.max_bytes = 2000
    for _ in range(SPANS):
        queue.offer(light_span(attributes={"text": "x" * 200}), 500)

    assert (True, SPANS, True) == (
        queue.flush(time.monotonic() + 20),
        len(receiver.spans),
        any(size > 2000 for _, size in receiver.attempts),
    )


def books() -> dict[str, float]:
    """
    What the ledger says of spans, counters only.
    """
    return {
        name: sum(
            value
            for labels, value in published(f"otel_kit_items_{name}_total").items()
            if ("signal", "traces") in labels
        )
        for name in ("accepted", "delivered", "dropped")
    }


def test_ledger_has_the_same_books(make_queue: Any) -> None:
    """
    On a scrape accepted = delivered + dropped + queued, while something is queued too.
    """
    before = books()
    receiver, queue = make_queue(published=True, mode="partial", rejected=3)
    for _ in range(10):
        queue.offer(light_span(), 500)
    queue.flush(time.monotonic() + 20)
    receiver.mode = "hang"
    for _ in range(5):
        queue.offer(light_span(), 500)

    # other queues of this process have books of their own, of what was offered before
    after = {name: value - before[name] for name, value in books().items()}
    queued = published("otel_kit_items_queued")[(("signal", "traces"),)]
    assert (15.0, 5.0) == (after["accepted"], queued)
    assert after["accepted"] == after["delivered"] + after["dropped"] + queued


def test_log_says_it_once_and_when_it_is_over(make_queue: Any, caplog: pytest.LogCaptureFixture) -> None:
    """
    An outage of many attempts is one warning with host, kind and losses; its end is one more line.
    """
    receiver, queue = make_queue(mode="status", status=500)
    with caplog.at_level(logging.INFO, logger="otel_kit"):
        for _ in range(5):
            queue.offer(light_span(), 500)
            queue.flush(time.monotonic() + 20)
        receiver.mode = "ok"
        queue.offer(light_span(), 500)
        queue.flush(time.monotonic() + 20)
        assert receiver.wait_for(lambda: "otel_kit.export_recovered" in caplog.messages)

    lines = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "otel_kit"]
    warning = next(record for record in caplog.records if record.getMessage() == "otel_kit.export_failing")
    assert (
        [("WARNING", "otel_kit.export_failing"), ("INFO", "otel_kit.export_recovered")],
        receiver.url,
        "HTTP 500",
    ) == (lines, warning.__dict__["endpoint"], warning.__dict__["error.type"])


def test_export_makes_no_records_of_the_http_client(make_queue: Any, caplog: pytest.LogCaptureFixture) -> None:
    """
    The client library's own lines come from a context that says they belong to the export.
    """
    from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_value

    seen: list[object] = []
    _, queue = make_queue()
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(get_value(_SUPPRESS_INSTRUMENTATION_KEY))  # type: ignore[method-assign]
    client = logging.getLogger("urllib3")
    level = client.level
    client.addHandler(handler)
    client.setLevel(logging.DEBUG)
    try:
        queue.offer(light_span(), 500)
        queue.flush(time.monotonic() + 20)
    finally:
        client.removeHandler(handler)
        client.setLevel(level)

    assert (True, {True}) == (len(seen) > 0, set(seen))
