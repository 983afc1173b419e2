"""
Audit events under pressure: levels, samplers, other configurations of logging, full queues.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from otel_kit.environment.model import QueueLimits
from otel_kit.logs import writer
from otel_kit.logs.item import LogItem
from otel_kit.logs.json_layout import JsonLayout
from otel_kit.logs.output import DropReason
from otel_kit.logs.writer import LineWriter
from otel_kit.profiles.goblin import PROFILE
from otel_kit.redaction import Policy
from otel_kit.telemetry import queue as export_queue
from otel_kit.telemetry.accounts import Accounts
from otel_kit.telemetry.outage import Outages
from otel_kit.telemetry.outcome import Outcome, Prepared
from otel_kit.telemetry.queue import ExportQueue

ROOT = Path(__file__).parents[2]

SERVICE = """
import logging, logging.config
from fastapi import FastAPI
from starlette.testclient import TestClient
from otel_kit import security_event, setup_observability

app = FastAPI()
setup_observability(app)

@app.get("/")
def report():
    security_event("failed_login", user_id="u17")
    security_event("rls_violation", table="users")
"""


def lines_of(program: str, **environment: str) -> list[dict[str, Any]]:
    """
    What a program writes to standard output by the kit.
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SERVICE + program],
        cwd=ROOT,
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", **environment},
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def events_in(lines: list[dict[str, Any]]) -> list[str]:
    """
    The events among the lines.
    """
    return [line["event"] for line in lines if "event" in line]


@pytest.mark.parametrize(
    "environment", [{"LOG_LEVEL": "ERROR"}, {"LOG_LEVEL": "CRITICAL"}], ids=lambda one: one["LOG_LEVEL"]
)
def test_no_level_silences_an_audit_event(environment: dict[str, str]) -> None:
    """
    A warning of class `audit` is a line where other warnings are none.
    """
    lines = lines_of("with TestClient(app) as client: client.get('/')", **environment)

    assert ["rls_violation"] == events_in(lines)


def test_no_sampler_drops_an_event() -> None:
    """
    A request whose trace is not kept has its records, with its ids.
    """
    lines = lines_of("with TestClient(app) as client: client.get('/')", OTEL_TRACES_SAMPLER="always_off")
    events = [line for line in lines if "event" in line]

    assert ["failed_login", "rls_violation"] == events_in(lines)
    assert all(line["correlation_id"] and line["trace_id"] for line in events)


@pytest.mark.parametrize(
    "program",
    [
        'logging.config.dictConfig({"version": 1, "root": {"handlers": []}})',
        "logging.disable(logging.CRITICAL)",
        "logging.basicConfig(force=True, level=logging.CRITICAL, handlers=[logging.NullHandler()])",
    ],
)
def test_no_later_configuration_silences_an_audit_event(program: str) -> None:
    """
    Also outside of requests, where nothing else would bring the kit's handler back.
    """
    lines = lines_of(f"with TestClient(app):\n    {program}\n    security_event('auth_failure', provider='x')")

    assert "auth_failure" in events_in(lines)


def test_five_thousand_at_once_are_five_thousand_lines() -> None:
    """
    Through the whole pipeline, each with its number.
    """
    flood = "with TestClient(app):\n    for number in range(5000): security_event('auth_failure', number=number)"
    lines = [line for line in lines_of(flood) if "event" in line]

    assert list(range(5000)) == [line["number"] for line in lines]


# -- full queues ----------------------------------------------------------------------------------


def an_item(log_class: str = "application") -> LogItem:
    """
    A record of a class.
    """
    item = LogItem(time.time(), 30, "WARNING", "app", "message")
    item.log_class = log_class  # type: ignore[assignment]
    return item


class Stuck:
    """
    An output that nobody takes, until it is freed.
    """

    batch_bytes = 4096
    waiting_since: float | None = 0.0

    def __init__(self) -> None:
        self.free = threading.Event()
        self.written: list[dict[str, Any]] = []

    def ready(self) -> bool:
        """
        Whether it takes anything.
        """
        return self.free.is_set()

    def write(self, data: bytes, give_up: Callable[[], bool]) -> tuple[int, DropReason | None]:
        """
        Take lines.
        """
        self.free.wait(30)
        self.written += [json.loads(line) for line in data.splitlines()]
        return len(data), None


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[LineWriter, Stuck, list[int]]]:
    """
    A queue of ten lines that has room for twenty audit lines beyond, before an output that is stuck.
    """
    monkeypatch.setattr(writer, "AUDIT_ITEMS", 20)
    output, lost = Stuck(), []
    lines = LineWriter(
        JsonLayout(PROFILE.layout), Policy(), lambda reason, count: lost.append(count), output=output, max_items=10
    )
    yield lines, output, lost
    output.free.set()
    lines.close(time.monotonic() + 5.0)


def test_audit_lines_have_room_where_others_have_none(stuck: tuple[LineWriter, Stuck, list[int]]) -> None:
    """
    The last to be lost, in order, and what is lost is counted.
    """
    lines, output, lost = stuck
    for log_class, count in (("application", 15), ("audit", 12), ("security", 3), ("audit", 12)):
        for _ in range(count):
            lines.offer(an_item(log_class))
    output.free.set()
    lines.flush(time.monotonic() + 5.0)
    # a line of the kit's own says what was lost
    classes = [line["log.class"] for line in output.written if line["message"] == "message"]

    assert ["application"] * 10 + ["audit"] * 20 == classes
    assert 15 + 12 + 3 + 12 == len(classes) + sum(lost)


class Silent:
    """
    A sender whose collector is away until it is freed.
    """

    host = "http://collector:4318"
    endpoint_is_default = False

    def __init__(self) -> None:
        self.free = threading.Event()
        self.sent: list[LogItem] = []

    def prepare(self, items: Sequence[Any]) -> Prepared:
        """
        The items themselves.
        """
        return Prepared(list(items), 0)

    def send(self, payload: Any, timeout_seconds: float) -> Outcome:
        """
        Wait, then take them.
        """
        self.free.wait(30)
        self.sent += payload
        return Outcome("delivered")

    def reset(self) -> None:
        """
        Nothing to forget.
        """


def test_audit_records_have_room_where_others_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Over OTLP as well, and the books add up.
    """
    monkeypatch.setattr(export_queue, "AUDIT_ITEMS", 20)
    sender, accounts = Silent(), Accounts("logs", published=False)
    queue = ExportQueue(sender, accounts, Outages(), QueueLimits(max_items=10, batch_items=5, delay_seconds=0.01))
    for log_class, count in (("application", 15), ("audit", 12), ("security", 3), ("audit", 12)):
        for _ in range(count):
            queue.offer(an_item(log_class), 400)
    full = accounts.view()
    sender.free.set()
    queue.close(time.monotonic() + 5.0)

    assert {"accepted": 42, "delivered": 0, "dropped": 12, "queued": 30} == full
    assert {"accepted": 42, "delivered": 30, "dropped": 12, "queued": 0} == accounts.view()
    assert ["application"] * 10 + ["audit"] * 20 == [item.log_class for item in sender.sent]


def test_the_room_for_audit_records_has_an_end_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Memory stays bounded whatever a record holds.
    """
    monkeypatch.setattr(export_queue, "AUDIT_BYTES", 5_000)
    sender, accounts = Silent(), Accounts("logs", published=False)
    queue = ExportQueue(
        sender, accounts, Outages(), QueueLimits(max_items=1000, max_bytes=5_000, batch_items=1000, delay_seconds=60.0)
    )
    for _ in range(30):
        queue.offer(an_item("audit"), 500)
    view = accounts.view()
    sender.free.set()
    queue.close(time.monotonic() + 5.0)

    assert (20, 10) == (view["queued"], view["dropped"])
