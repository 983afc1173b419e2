"""
Children of `multiprocessing`: what they have counted, logged and traced leaves them before they end.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.otlp_receiver import OtlpReceiver
from tests.servers.children import TASKS
from tests.servers.serving import ROOT, environment_of, serve


def run(name: str, method: str, receiver: OtlpReceiver) -> tuple[list[dict[str, Any]], float]:
    """
    Lines on standard output, and how many seconds the children took to end.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.servers.children", name, method],
        cwd=ROOT,
        env=environment_of(receiver.url),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr.decode()
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return lines, json.loads(done.stderr.splitlines()[-1])["seconds"]


def said(lines: list[dict[str, Any]], message: str) -> list[dict[str, Any]]:
    """
    The lines with this message.
    """
    return [line for line in lines if line["message"] == message]


def counted(receiver: OtlpReceiver) -> float:
    """
    The tasks of all processes, each with the last total it has sent.
    """
    totals: dict[str, float] = {}
    for request in receiver.of("/v1/metrics"):
        for group in request.resource_metrics:
            for metric in (metric for scoped in group.scope_metrics for metric in scoped.metrics):
                if metric.name == "tasks_total":
                    totals[str(group.resource)] = metric.sum.data_points[0].as_double
    return sum(totals.values())


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("pool", "fork"),
        ("pool", "forkserver"),
        ("pool", "spawn"),
        ("process", "fork"),
        ("nested", "fork"),
        ("terminated", "fork"),
    ],
)
def test_child_delivers_what_it_has(name: str, method: str) -> None:
    """
    Each task has its span, its record, its line and its count, however the child was started and ends.
    """
    with OtlpReceiver() as receiver:
        lines, _ = run(name, method, receiver)
        records = [record for record in receiver.logs if record.body.string_value == "shop.worked"]

        assert (TASKS, TASKS, TASKS) == (len(receiver.spans), len(records), len(said(lines, "shop.worked")))
        assert TASKS == counted(receiver)


@pytest.mark.parametrize("setup", ["uvicorn", "gunicorn"])
def test_child_of_a_worker_delivers_what_it_has(setup: str, tmp_path: Path) -> None:
    """
    A worker that serves forks a child: what it has made arrives, although the worker's page does not count it.
    """
    with OtlpReceiver() as receiver, serve(setup, tmp_path, collector=receiver.url) as server:
        ended = server.get("/fork", timeout=30).body
        spans = [span.name for span in receiver.spans if span.name == "forked"]
        records = [record for record in receiver.logs if record.body.string_value == "shop.forked"]

        assert (b"0", 1, 1) == (ended, len(spans), len(records))


def test_parent_of_a_child_has_its_time() -> None:
    """
    A script with children is no server's parent: its own spans wait for a collector that takes its time.
    """
    with OtlpReceiver(mode="slow") as receiver:
        receiver.delay = 0.5
        run("handed_out", "fork", receiver)

        assert TASKS == len(receiver.spans)


def test_child_says_what_it_has_lost() -> None:
    """
    A collector that hangs holds a child up no longer than it does a server, and the child says how much it drops.
    """
    with OtlpReceiver(mode="hang") as receiver:
        lines, seconds = run("process", "fork", receiver)

        losses = [line["items"] for line in said(lines, "otel_kit.undelivered")]
        assert [{"queued": 0, "dropped": TASKS}] * 2 == [losses[0]["traces"], losses[0]["logs"]]
        assert seconds <= 6.0


def test_child_does_not_wait_for_nobody() -> None:
    """
    Where nobody listens a child ends at once.
    """
    with OtlpReceiver(mode="refuse") as receiver:
        _, seconds = run("process", "fork", receiver)

        assert seconds <= 3.0
