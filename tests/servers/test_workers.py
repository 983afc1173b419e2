"""
Several workers, one set of numbers: whichever worker answers, and whatever happens to the others.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import statistics
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.servers.serving import Page, Server, get, serve, wait_until

SETUPS = ("uvicorn-workers", "gunicorn", "gunicorn-preload")


@pytest.fixture(params=SETUPS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """
    A server with four workers.
    """
    with serve(request.param, tmp_path, workers=4) as served:
        yield served


def assert_nothing_falls(pages: Iterable[Page]) -> None:
    """
    No counter is ever lower than on an earlier page.
    """
    before: dict[str, float] = {}
    for page in pages:
        now = page.counters()
        fallen = {series: (value, now.get(series)) for series, value in before.items() if now.get(series, 0.0) < value}
        assert {} == fallen
        before = now


def wait_for_workers(server: Server, count: int) -> None:
    """
    Until so many processes of the server have begun to serve, the ended ones included.
    """
    wait_until(lambda: count <= len(server.said("Application startup complete.")), 20, f"{count} have started")


def scrape_until_it_works(server: Server) -> Page:
    """
    A page; a connection that a killed worker had taken is tried again.
    """
    for _ in range(20):
        try:
            return server.scrape()
        except (OSError, http.client.HTTPException):
            continue
    return server.scrape()


def test_every_scrape_is_exact_also_after_a_kill(server: Server) -> None:
    """
    1000 requests are 1000 on 20 pages by several workers, and on 20 more when one worker has been killed.
    """
    assert 1000 == server.drive_all_workers(1000)
    pages = [server.scrape() for _ in range(20)]
    os.kill(pages[0].worker, signal.SIGKILL)
    after = [scrape_until_it_works(server) for _ in range(20)]
    wait_for_workers(server, 5)
    after += [server.scrape() for _ in range(8)]

    assert {1000.0} == {page.sum("http_requests_total") for page in pages + after}
    assert len({page.worker for page in pages + after}) > 1
    assert_nothing_falls(pages + after)


def test_requests_in_progress_of_dead_workers_are_gone(server: Server) -> None:
    """
    Three of four workers are killed in the middle of slow requests: the gauge tells the truth within five seconds.
    """
    connections = [http.client.HTTPConnection("127.0.0.1", server.port) for _ in range(12)]
    try:
        for connection in connections:
            connection.request("GET", "/slow?seconds=60")
        wait_until(lambda: 12 == in_progress(server.scrape()), 30, "12 requests are in progress")
        killed = server.worker_pids()[:3]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not {*killed} & {*server.processes()}, 20, "the killed workers are gone")

        def left() -> int:
            return sum(not is_closed(connection) for connection in connections)

        wait_until(lambda: left() < 12, 20, "connections to the killed workers are closed")
        wait_until(
            lambda: left() == in_progress(scrape_until_it_works(server)), 5, "as many in progress as connections left"
        )
    finally:
        for connection in connections:
            connection.close()


def in_progress(page: Page) -> float:
    """
    Requests that the page says are being answered.
    """
    return page.sum("http_requests_in_progress")


def is_closed(connection: http.client.HTTPConnection) -> bool:
    """
    Whether the other side has ended the connection without an answer.
    """
    connection.sock.setblocking(False)
    try:
        return not connection.sock.recv(1)
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_a_stopped_worker_costs_a_scrape_nothing(server: Server) -> None:
    """
    A worker that does not run any more is counted all the same, and nobody waits for it.
    """
    assert 200 == server.drive_all_workers(200)
    stopped = server.scrape().worker
    os.kill(stopped, signal.SIGSTOP)
    pages, seconds = scrape_past(server, stopped)
    os.kill(stopped, signal.SIGCONT)

    assert {200.0} == {page.sum("http_requests_total") for page in pages}
    assert statistics.median(seconds) <= 0.5


def scrape_past(server: Server, stopped: int) -> tuple[list[Page], list[float]]:
    """
    Ten pages of workers that run, and the seconds of each; a connection that the stopped one has taken is given up.
    """
    pages: list[Page] = []
    seconds: list[float] = []
    while len(pages) < 10:
        try:
            with server.connection(timeout=1.0) as connection:
                answer = get(connection, "/metrics")
        except TimeoutError:
            continue
        assert stopped != answer.worker
        pages.append(Page(answer.body.decode(), answer.worker))
        seconds.append(answer.seconds)
    return pages, seconds


def test_instruments_of_other_libraries_add_up(server: Server) -> None:
    """
    A counter of OpenTelemetry that every worker has counted on shows its total on each page.
    """
    assert 40 == server.drive(40, 8, "/instrument")
    wait_until(lambda: 40.0 == server.scrape().sum("library_calls_total"), 20, "the total is shown")
    pages = [server.scrape() for _ in range(12)]
    os.kill(pages[0].worker, signal.SIGKILL)
    wait_for_workers(server, 5)
    pages += [scrape_until_it_works(server) for _ in range(12)]

    assert {40.0} == {page.sum("library_calls_total") for page in pages}


def test_totals_are_kept_through_many_workers(tmp_path: Path) -> None:
    """
    Workers that end after a few requests each leave everything they counted behind, and no files.
    """
    with serve("gunicorn-preload", tmp_path, "--max-requests", "5", workers=2) as server:
        answered = failed = 0
        pages = []
        deadline = time.monotonic() + 90
        while len(server.said("Application startup complete.")) < 22:
            assert time.monotonic() < deadline, "workers are not replaced"
            try:
                answered += server.drive(10, 2)
            except (OSError, http.client.HTTPException):
                failed += 10
            pages.append(scrape_until_it_works(server))
        files = [path.suffix for directory in server.run_directories() for path in directory.iterdir()]

        assert answered <= pages[-1].sum("http_requests_total") <= answered + failed
        assert files.count(".v") <= 4
        assert_nothing_falls(pages)


@pytest.mark.parametrize("setup", ["uvicorn-workers", "gunicorn"])
def test_removal_of_the_run_directory_harms_nobody(setup: str, tmp_path: Path) -> None:
    """
    Somebody removes the files three times under load: all requests are answered, and no page falls or is wrong.

    Each time all of them at once. Removed one by one, a worker's new file may go with the old ones before anybody has
    read it; until its next beat the others then show what they last saw.
    """
    with serve(setup, tmp_path, workers=4) as server:
        (directory,) = server.run_directories()
        pages = scrape_each(server)
        stopped = threading.Event()
        answered: list[int] = []
        load = threading.Thread(target=lambda: answered.extend(drive_until(server, stopped)))
        load.start()
        for number in range(3):
            shutil.rmtree(directory.rename(f"{directory.parent}-removed-{server.pid}-{number}"))
            pages += [server.scrape() for _ in range(5)]
            wait_until(lambda: 4 == len(list(directory.glob("*.v"))), 20, "all have written their numbers anew")
            pages += scrape_each(server)
        stopped.set()
        load.join()
        pages += scrape_each(server)

        assert len(answered) > 10
        assert {float(sum(answered))} == {page.sum("http_requests_total") for page in pages[-4:]}
        assert_nothing_falls(pages)


def drive_until(server: Server, stopped: threading.Event) -> Iterator[int]:
    """
    How many requests were answered, batch by batch, until somebody says stop.
    """
    while not stopped.is_set():
        yield server.drive(20)


def scrape_each(server: Server) -> list[Page]:
    """
    Pages until each worker has answered, and so has looked at the others' files.
    """
    pages: list[Page] = []
    deadline = time.monotonic() + 30
    while len({page.worker for page in pages}) < server.workers:
        assert time.monotonic() < deadline, "one of the workers does not answer"
        pages.append(server.scrape())
    return pages


@pytest.mark.parametrize(
    "place",
    [
        pytest.param({"APP_RUN_DIRECTORY": ""}, id="none"),
        pytest.param({"APP_RUN_DIRECTORY": "/proc"}, id="read-only"),
        pytest.param({"APP_LARGEST_FILE": "16384"}, id="full"),
    ],
)
def test_workers_without_a_directory_serve_all_the_same(place: dict[str, str], tmp_path: Path) -> None:
    """
    Where no file can be written the requests are answered, each worker shows its own numbers, and says so.
    """
    with serve("gunicorn", tmp_path, workers=2, environment=place) as server:
        answered = server.drive_all_workers(50)
        shown = {}
        deadline = time.monotonic() + 30
        while len(shown) < 2 and time.monotonic() < deadline:
            page = server.scrape()
            shown[page.worker] = page

        assert (50, 50.0) == (answered, sum(page.sum("http_requests_total") for page in shown.values()))
        assert [0.0, 0.0] == [page.values["otel_kit_ledger_shared"] for page in shown.values()]
        assert all(page.sum("otel_kit_internal_errors_total", component="ledger") >= 1 for page in shown.values())


def test_two_servers_are_never_mixed(tmp_path: Path) -> None:
    """
    Two servers of the same service, side by side, show each its own requests.
    """
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    with (
        serve("uvicorn-workers", tmp_path / "one", workers=2) as one,
        serve("uvicorn-workers", tmp_path / "other", workers=2) as other,
    ):
        one.drive_all_workers(30)
        other.drive_all_workers(20)

        assert ({30.0}, {20.0}) == ({one.total() for _ in range(4)}, {other.total() for _ in range(4)})


@pytest.mark.parametrize("setup", ["uvicorn", "gunicorn"])
def test_a_forked_child_neither_doubles_nor_hangs(setup: str, tmp_path: Path) -> None:
    """
    A worker forks a child that counts and logs and ends: the worker's numbers are as if it had not been there.
    """
    with serve(setup, tmp_path, workers=1) as server:
        server.drive(20)
        exit_code = server.get("/fork", timeout=20).body
        server.drive(20)
        page = server.scrape()

        assert (b"0", 41.0) == (exit_code, page.sum("http_requests_total"))
        assert 0.0 == page.sum("orders_total", status="forked")
        assert server.stop() <= 5.0
