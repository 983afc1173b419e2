"""
A process that ends without having delivered everything says how much, whatever the collector does.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.otlp_receiver import OtlpReceiver
from tests.servers.serving import serve

TERM, INT = signal.SIGTERM, signal.SIGINT
LATER_RECORDS = 4
"""What a server logs at most after the application has ended: that it has, that the process ends, and why."""


@pytest.mark.parametrize(
    ("setup", "workers", "number", "mode"),
    [
        ("uvicorn", 1, TERM, "hang"),
        ("uvicorn", 1, INT, "hang"),
        ("uvicorn", 1, TERM, "refuse"),
        ("uvicorn", 1, TERM, "status"),
        ("uvicorn-no-lifespan", 1, TERM, "hang"),
        ("uvicorn-no-lifespan", 1, INT, "hang"),
        ("uvicorn-workers", 2, TERM, "hang"),
        ("gunicorn", 2, TERM, "hang"),
        ("script", 1, TERM, "hang"),
    ],
)
def test_each_process_says_once_what_it_has_lost(
    setup: str, workers: int, number: int, mode: str, tmp_path: Path
) -> None:
    """
    One line of each worker that has served, on standard output: all spans, and all records up to its end.
    """
    with (
        OtlpReceiver(mode=mode) as receiver,
        serve(setup, tmp_path, workers=workers, collector=receiver.url) as server,
    ):
        server.drive_all_workers(100)
        server.stop(number)
        lost = [line["items"] for line in server.said("otel_kit.undelivered")]
        records = sum(sum(one["logs"].values()) for one in lost)
        lines = len(server.lines()) - len(lost)

        assert (workers, 100) == (len(lost), sum(sum(one["traces"].values()) for one in lost))
        assert lines - LATER_RECORDS * workers <= records <= lines
        assert all(sum(one["metrics"].values()) > 0 for one in lost)


def test_nothing_is_said_where_nothing_is_lost(tmp_path: Path) -> None:
    """
    A collector that answers leaves nothing to say.
    """
    with OtlpReceiver() as receiver, serve("uvicorn", tmp_path, collector=receiver.url) as server:
        server.drive(50)
        server.stop()

        assert [] == server.said("otel_kit.undelivered")
