"""
The Collector is killed, stopped and started again: nothing that it acknowledged is missing.

Each test is a row of docs/explanation/guarantees.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.faults.accounts import ask, busy_service, settled
from e2e.faults.files import OF_RECORD, forward_to
from e2e.faults.records import Numbers
from e2e.faults.senders import load, send_spans
from e2e.faults.stores import SIGNALS, Store, store
from e2e.programs import Collector, collector, launched_collector, wait_for
from tests.stopwatch import Stopwatch


def test_killed_under_load_and_amid_the_drain(tmp_path: Path) -> None:
    """
    Killed while the backend is dead and while the queue empties: each acknowledged span and record arrives.
    """
    with store() as kept, collector(OF_RECORD, forward_to(kept), tmp_path) as running:
        with load(running.url) as sending:
            for _ in range(3):
                sending.wait_for_acknowledged(requests=60)
                restart(running)
            kept.live()
            for _ in range(2):
                wait_for_more(kept, 200)
                restart(running)
        books = sending.books
        for signal in SIGNALS:
            kept.wait_for(signal, books.acknowledged[signal])
            arrived = kept.arrivals(signal)
            print(f"{signal}: {len(books.acknowledged[signal])} acknowledged, {arrived.total() - len(arrived)} doubled")

        assert [set(), set()] == [kept.arrivals(signal).keys() - books.sent[signal] for signal in SIGNALS]


def test_kill_doubles_only_what_was_not_confirmed(tmp_path: Path) -> None:
    """
    What the backend had confirmed before the kill does not come a second time.
    """
    numbers = Numbers()
    with store() as kept, collector(OF_RECORD, forward_to(kept), tmp_path) as running:
        kept.live()
        confirmed = send_spans(running.url, numbers, 500)
        wait_for(lambda: running.metrics().sum("otelcol_exporter_sent_spans") == 500, "500 spans confirmed")
        kept.hang()
        pending = send_spans(running.url, numbers, 500)
        running.kill()
        kept.live()
        running.start()
        kept.wait_for("traces", pending)

        assert {1} == {kept.arrivals("traces")[number] for number in confirmed}


@pytest.mark.parametrize("state", ["dead", "hanging"])
def test_stop_in_time_with_a_backend_of_record_away(tmp_path: Path, state: str) -> None:
    """
    SIGTERM while the backend of record is away: gone within 5 s, and all arrives after the next start.
    """
    with store() as kept, launched_collector(forward_to(kept), tmp_path) as running:
        if state == "hanging":
            kept.hang()
        sent = send_spans(running.url, Numbers(), 3000)
        took = seconds_to_stop(running)
        kept.live()
        running.start()
        kept.wait_for("traces", sent)

        assert took <= 5.0


def test_stop_in_time_with_an_optional_backend_hanging(tmp_path: Path) -> None:
    """
    SIGTERM while an optional backend hangs: gone within 5 s, and the backend of record has everything.
    """
    with store() as kept, store() as hanging:
        kept.live()
        hanging.hang()
        environment = {**forward_to(kept), "JAEGER_OTLP_ENDPOINT": hanging.url}
        with launched_collector(environment, tmp_path) as running:
            sent = send_spans(running.url, Numbers(), 3000)
            took = seconds_to_stop(running)
            running.start()
            kept.wait_for("traces", sent)

        assert took <= 5.0


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_restart_under_a_service_loses_nothing(tmp_path: Path, how: str) -> None:
    """
    The Collector is away for a moment while a service works: nothing is dropped, and all that it delivered is there.
    """
    with store() as kept, collector(OF_RECORD, forward_to(kept), tmp_path) as running:
        kept.live()
        with busy_service(running.url, tmp_path) as service:
            ask(service, 30)
            running.kill() if how == "killed" else running.stop()
            ask(service, 30)
            running.start()
            ask(service, 30)
            accounts = [settled(service, signal) for signal in SIGNALS]
        delivered = [account.delivered for account in accounts]
        wait_for(lambda: arrived_of_each(kept) == delivered, f"{delivered} spans and records")

        assert [(count, 0) for count in delivered] == [(account.accepted, account.dropped) for account in accounts]


def arrived_of_each(kept: Store) -> list[int]:
    """
    How many different spans and log records there are.
    """
    return [len(kept.arrivals(signal)) for signal in SIGNALS]


def restart(running: Collector) -> None:
    """
    SIGKILL, and the same Collector again with its queue.
    """
    running.kill()
    running.start()


def seconds_to_stop(running: Collector) -> float:
    """
    From SIGTERM to the end of the process.
    """
    with Stopwatch(running.pid) as watch:
        running.stop(timeout=10)
    return watch.seconds


def wait_for_more(kept: Store, records: int) -> None:
    """
    Until so many more spans have arrived.
    """
    aim = len(kept.arrivals("traces")) + records
    wait_for(lambda: len(kept.arrivals("traces")) >= aim, f"{records} more spans at the store", 40, every=0.02)
