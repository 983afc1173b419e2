"""
Standard output that nobody reads, that is closed, or full: requests do not notice.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.otlp_receiver import OtlpReceiver
from tests.servers.serving import Server, get, serve, wait_until

TIMES_PER_REQUEST = 50
SIZE = 4000


@contextmanager
def unread_pipe() -> Iterator[int]:
    """
    A pipe that is full after some lines.
    """
    reader, writer = os.pipe()
    try:
        yield writer
    finally:
        os.close(writer)
        os.close(reader)


@contextmanager
def closed_pipe() -> Iterator[int]:
    """
    A pipe whose reader has gone.
    """
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


@contextmanager
def full_disk() -> Iterator[int]:
    """
    A file that takes nothing.
    """
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("output", "reason"), [(unread_pipe, "queue_full"), (closed_pipe, "closed"), (full_disk, "disk_full")]
)
@pytest.mark.parametrize(("setup", "workers"), [("uvicorn", 1), ("gunicorn", 2)])
def test_requests_do_not_wait_for_the_output(
    output: Callable[[], Iterator[int]], reason: str, setup: str, workers: int, tmp_path: Path
) -> None:
    """
    60 of 60 requests are answered at once, what was lost is counted, and the server ends in time.
    """
    with output() as descriptor, serve(setup, tmp_path, workers=workers, stdout=descriptor) as server:  # type: ignore[attr-defined]
        seconds = sorted(talk(server))
        page = server.scrape()
        wait_until(lambda: dropped(server, reason) > 0, 20, "losses are counted")

        assert (60, 60.0) == (len(seconds), page.sum("http_requests_total"))
        assert seconds[56] <= 0.25
        assert server.stop() <= 5.0
        assert server.err.stat().st_size <= 10_000


def talk(server: Server) -> list[float]:
    """
    Seconds of each of 60 requests that log a lot.
    """
    with server.connection() as connection:
        answers = [get(connection, f"/say/{SIZE}?times={TIMES_PER_REQUEST}") for _ in range(60)]
    return [answer.seconds for answer in answers if answer.status == 200]


def dropped(server: Server, reason: str) -> float:
    """
    Lines that the page says were lost for this reason.
    """
    return server.scrape().sum("otel_kit_log_lines_dropped_total", reason=reason)


def settled(value: Callable[[], float]) -> float:
    """
    A value above zero that has not changed for a quarter of a second: the start-up's lines are all counted.
    """
    seen = [0.0]

    def is_settled() -> bool:
        seen.append(value())
        time.sleep(0.05)
        return seen[-1] > 0 and len(seen) > 5 and len(set(seen[-5:])) == 1

    wait_until(is_settled, 20, "a value stands still")
    return seen[-1]


def test_output_and_collector_share_the_time_at_the_end(tmp_path: Path) -> None:
    """
    Nobody reads the output and the collector hangs: that is no longer than either of them.
    """
    with (
        OtlpReceiver(mode="hang") as receiver,
        unread_pipe() as descriptor,
        serve("uvicorn", tmp_path, stdout=descriptor, collector=receiver.url) as server,
    ):
        talk(server)

        assert server.stop() <= 5.0


def test_every_line_lost_to_a_closed_pipe_is_counted(tmp_path: Path) -> None:
    """
    A request logs one line and has one of its own: 20 requests are 40 lines.
    """
    with closed_pipe() as descriptor, serve("uvicorn", tmp_path, stdout=descriptor) as server:
        before = settled(lambda: dropped(server, "closed"))
        server.drive(20, path="/say/10")

        wait_until(lambda: before + 40 == dropped(server, "closed"), 20, "40 more lines are counted")
