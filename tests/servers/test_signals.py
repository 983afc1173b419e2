"""
A server is told to end right after it has answered: nothing is lost, and nobody waits for long.
"""

from __future__ import annotations

import http.client
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.otlp_receiver import OtlpReceiver
from tests.servers.serving import Server, get, serve, wait_until

TERM, INT = signal.SIGTERM, signal.SIGINT

SICK: dict[str, tuple[dict[str, object], float]] = {
    "refused": ({"mode": "refuse"}, 3.0),
    "hanging": ({"mode": "hang"}, 5.0),
    "slow": ({"mode": "slow", "delay": 5.0}, 5.0),
    "too many requests": ({"mode": "status", "status": 429, "retry_after": "60"}, 3.0),
}
"""A collector's moods, and how long a server may take to end: not long where waiting is of no use."""


def request_lines(receiver: OtlpReceiver) -> int:
    """
    Log records of requests that arrived.
    """
    return sum(record.body.string_value == "request_completed" for record in receiver.logs)


@pytest.mark.parametrize(
    ("setup", "workers", "number"),
    [
        ("uvicorn", 1, TERM),
        ("uvicorn", 1, INT),
        ("uvicorn-workers", 2, TERM),
        ("uvicorn-workers", 2, INT),
        ("uvicorn-no-lifespan", 1, TERM),
        ("uvicorn-no-lifespan", 1, INT),
        ("gunicorn", 2, TERM),
        ("gunicorn", 2, INT),
        ("gunicorn-preload", 2, TERM),
        ("script", 1, TERM),
        ("script", 1, INT),
        ("script-workers", 2, TERM),
    ],
)
def test_delivers_everything_at_the_end(setup: str, workers: int, number: int, tmp_path: Path) -> None:
    """
    Of 100 requests each has its span, its record and its line, though the server is told to end at once.
    """
    with OtlpReceiver() as receiver, serve(setup, tmp_path, workers=workers, collector=receiver.url) as server:
        answered = server.drive_all_workers(100)
        server.stop(number)
        lines = [line for line in server.lines() if line["message"] == "request_completed"]

        assert (100, 100, 100, 100) == (answered, len(receiver.spans), request_lines(receiver), len(lines))


@pytest.mark.parametrize("setup", ["uvicorn", "gunicorn"])
def test_keeps_what_the_application_says_at_its_end(setup: str, tmp_path: Path) -> None:
    """
    The user's own lifespan logs after the last request, and that record arrives, too.
    """
    with OtlpReceiver() as receiver, serve(setup, tmp_path, collector=receiver.url) as server:
        server.stop()

        assert ["shop.imported", "shop.opened", "shop.closed"] == [
            record.body.string_value for record in receiver.logs if record.body.string_value.startswith("shop.")
        ]
        assert 1 == len(server.said("shop.closed"))


@pytest.mark.parametrize(("setup", "workers"), [("uvicorn", 1), ("gunicorn", 2)])
def test_loses_nothing_under_load(setup: str, workers: int, tmp_path: Path) -> None:
    """
    The signal comes while clients go on asking: each request that was answered has its span, record and line.
    """
    with OtlpReceiver() as receiver, serve(setup, tmp_path, workers=workers, collector=receiver.url) as server:
        with ThreadPoolExecutor(4) as pool:
            clients = [pool.submit(ask_until_it_ends, server) for _ in range(4)]
            wait_until(lambda: len(server.said("request_completed")) > 300, 30, "the load has begun")
            server.stop()
            answered = sum(client.result() for client in clients)
        written = len(server.said("request_completed"))

        assert 300 < answered <= written
        assert (written, written) == (len(receiver.spans), request_lines(receiver))


def ask_until_it_ends(server: Server) -> int:
    """
    How many requests were answered until the server closed the connection.
    """
    answered = 0
    with server.connection() as connection, suppress(OSError, http.client.HTTPException):
        while True:
            answered += 200 == get(connection, "/items/7").status
    return answered


@pytest.mark.parametrize("setup", ["uvicorn-workers", "gunicorn", "gunicorn-preload"])
def test_reload_of_all_workers_loses_nothing(setup: str, tmp_path: Path) -> None:
    """
    The server replaces its workers on SIGHUP: what the old ones had is delivered, and the totals go on.
    """
    with OtlpReceiver() as receiver, serve(setup, tmp_path, workers=2, collector=receiver.url) as server:
        old = set(server.worker_pids())
        server.drive_all_workers(100)
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: not old & set(server.processes()), 20, "the old workers have ended")
        wait_until(lambda: 4 == len(server.said("Application startup complete.")), 20, "new workers serve")
        delivered = (len(receiver.spans), request_lines(receiver))
        server.drive_all_workers(50)

        assert ((100, 100), {150.0}) == (delivered, {server.total() for _ in range(8)})


@pytest.mark.parametrize(
    ("setup", "workers", "number", "mood"),
    [
        ("uvicorn", 1, TERM, "hanging"),
        ("uvicorn", 1, INT, "hanging"),
        ("uvicorn", 1, TERM, "refused"),
        ("uvicorn", 1, TERM, "slow"),
        ("uvicorn", 1, TERM, "too many requests"),
        ("uvicorn-no-lifespan", 1, TERM, "hanging"),
        ("uvicorn-no-lifespan", 1, TERM, "refused"),
        ("uvicorn-workers", 2, TERM, "hanging"),
        ("gunicorn", 2, TERM, "hanging"),
        ("gunicorn", 2, TERM, "too many requests"),
        ("gunicorn-preload", 2, TERM, "hanging"),
        ("script", 1, TERM, "hanging"),
        ("script-workers", 2, TERM, "hanging"),
    ],
)
def test_ends_in_time_whatever_the_collector_does(
    setup: str, workers: int, number: int, mood: str, tmp_path: Path
) -> None:
    """
    With 600 requests waiting for a sick collector the whole server is gone in time, and each line is written.
    """
    settings, longest = SICK[mood]
    with OtlpReceiver(mode=str(settings["mode"])) as receiver:
        vars(receiver).update(settings)
        with serve(setup, tmp_path, workers=workers, collector=receiver.url) as server:
            answered = server.drive_all_workers(600)
            seconds = server.stop(number)

            assert (600, 600) == (answered, len(server.said("request_completed")))
            assert seconds <= longest


def test_default_endpoint_costs_no_time_at_the_end(tmp_path: Path) -> None:
    """
    A service that has no collector, and never asked for one, ends as fast as it would without the kit.
    """
    with serve("uvicorn", tmp_path, collector="") as server:
        server.drive(50)

        assert server.stop() <= 3.0


def test_a_killed_worker_loses_a_second_at_most(tmp_path: Path) -> None:
    """
    What had ended two seconds before a SIGKILL has arrived: it arrives without anybody asking for it.
    """
    with OtlpReceiver() as receiver, serve("uvicorn", tmp_path, collector=receiver.url) as server:
        server.drive(100)

        assert receiver.wait_for(lambda: 100 == len(receiver.spans) == request_lines(receiver), 2.0)
