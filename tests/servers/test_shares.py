"""
A derived gauge and the extremes of a histogram, on real servers of two workers.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.serving import Page, Server, serve, wait_until
from tests.servers.test_workers import scrape_until_it_works, wait_for_workers


@pytest.fixture(params=["uvicorn-workers", "gunicorn-preload"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """
    A server with two workers.
    """
    with serve(request.param, tmp_path, workers=2, app="tests.servers.share_app:app") as served:
        yield served


def pages_of_both(server: Server) -> list[Page]:
    """
    One page of each worker.
    """
    found: dict[int, Page] = {}

    def ask() -> bool:
        page = scrape_until_it_works(server)
        found[page.worker] = page
        return found.keys() >= {*server.worker_pids()}

    wait_until(ask, 20, "both workers have answered")
    return [found[pid] for pid in server.worker_pids()]


def test_both_workers_say_the_same_share(server: Server) -> None:
    """
    Of the sums of both; the one that is started in a killed worker's place knows what was before it.
    """
    driven = server.drive(80, path="/good/3") + server.drive(20, path="/bad")
    pages = pages_of_both(server)
    os.kill(pages[0].worker, signal.SIGKILL)
    wait_for_workers(server, 3)
    pages += pages_of_both(server)

    assert 100 == driven
    assert [20.0] * 4 == [page.sum("failed_percent") for page in pages]
    assert 3 == len({page.worker for page in pages})


def test_extremes_are_those_of_both_workers(server: Server) -> None:
    """
    Also after the one that has seen them is gone; `/metrics` has no line of them.
    """
    assert 40 == sum(server.drive(10, path=f"/good/{size}") for size in (3, 0.5, 12, 7))
    page = scrape_until_it_works(server)
    for pid in server.worker_pids():
        os.kill(pid, signal.SIGKILL)
    wait_for_workers(server, 4)

    def document() -> dict[str, float]:
        found = json.loads(server.get("/totals").body)["sizes"]["stats"]
        return {name: round(value, 9) for name, value in found.items()}

    assert {"sum": 225.0, "count": 40, "mean": 5.625, "min": 0.5, "max": 12} == document()
    assert 4 == len([series for series in page.values if series.startswith("sizes")])
