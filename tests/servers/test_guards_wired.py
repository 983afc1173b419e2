"""
The guards and the measurements of a real server, as its environment sets them.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.servers.serving import Server, serve, wait_until

ORIGIN = "https://shop.example.com"
STRANGER = "https://evil.example"
CAP = 2
SLOW_SECONDS = 1.5


class Answer(NamedTuple):
    """
    One answer.
    """

    status: int
    headers: dict[str, str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """
    One worker with a list of origins and a cap.
    """
    environment = {
        "CORS_ORIGINS": "https://*.example.com,http://localhost:3000",
        "OTEL_KIT_MAX_IN_FLIGHT": str(CAP),
        "RATELIMIT_ENABLED": "false",
    }
    directory = tmp_path_factory.mktemp("wired")
    with serve("uvicorn", directory, app="tests.servers.uploads:app", environment=environment) as server:
        yield server


def ask(server: Server, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    """
    One request on a connection of its own; underscores in the names of headers stand for hyphens.
    """
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        response.read()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()})
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "body", "status"), [("/slow?seconds=0", None, 200), ("/nowhere", None, 404), ("/broken", None, 500)]
)
def test_every_answer_may_be_read_by_listed_origins(server: Server, path: str, body: bytes | None, status: int) -> None:
    """
    Also one that the application has not made, so that a page can say what went wrong, and under which id.
    """
    answer = ask(server, path, origin=ORIGIN)

    assert (status, ORIGIN) == (answer.status, answer.headers["access-control-allow-origin"])
    assert "X-Correlation-ID" in answer.headers["access-control-expose-headers"]
    assert answer.headers["x-correlation-id"]


def test_a_refused_upload_may_be_read(server: Server) -> None:
    """
    The guard answers inside of CORS.
    """
    answer = ask(server, "/whole", "POST", b"x" * 1_000_001, origin=ORIGIN)

    assert (413, ORIGIN) == (answer.status, answer.headers["access-control-allow-origin"])


def test_strangers_may_read_nothing(server: Server) -> None:
    """
    They get their answer without a header of CORS.
    """
    answer = ask(server, "/slow?seconds=0", origin=STRANGER)

    assert 200 == answer.status
    assert [] == [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(("origin", "status"), [(ORIGIN, 200), (STRANGER, 400)])
def test_a_preflight_has_an_id(server: Server, origin: str, status: int) -> None:
    """
    Allowed or refused, like any other answer.
    """
    asked = {"access_control_request_method": "POST", "access_control_request_headers": "traceparent,baggage"}
    answer = ask(server, "/whole", "OPTIONS", origin=origin, **asked)

    assert status == answer.status
    assert answer.headers["x-correlation-id"]


def test_a_refused_preflight_is_a_security_event(server: Server) -> None:
    """
    On the page and in the log.
    """
    before = server.scrape().sum("otel_kit_security_events_total", event="origin_refused")
    ask(server, "/whole", "OPTIONS", origin=STRANGER, access_control_request_method="POST")
    after = server.scrape().sum("otel_kit_security_events_total", event="origin_refused")

    assert 1 == after - before


def test_beyond_the_cap_requests_are_shed(server: Server) -> None:
    """
    At once; health and metrics are answered, a websocket's handshake is not.
    """
    before = server.scrape().sum("otel_kit_requests_shed_total")
    with ThreadPoolExecutor(CAP) as pool:
        slow = [pool.submit(ask, server, f"/slow?seconds={SLOW_SECONDS}") for _ in range(CAP)]
        wait_until(lambda: CAP == server.scrape().sum("otel_kit_requests_in_flight"), 20, "the slow ones are in flight")
        begun = time.monotonic()
        shed = ask(server, "/nowhere", origin=ORIGIN)
        took = time.monotonic() - begun
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{server.port}/socket")
        statuses = [ask(server, "/health").status, ask(server, "/metrics").status]

        assert [200] * CAP == [answer.result().status for answer in slow]
    assert (503, "1", ORIGIN) == (
        shed.status,
        shed.headers["retry-after"],
        shed.headers["access-control-allow-origin"],
    )
    assert took < SLOW_SECONDS / 2
    assert 503 == refused.value.response.status_code
    assert [200, 200] == statuses
    assert 2 == server.scrape().sum("otel_kit_requests_shed_total") - before
    assert 200 == ask(server, "/slow?seconds=0").status


def test_the_process_is_on_the_page(server: Server) -> None:
    """
    Memory, CPU, files, threads, garbage: all of them are measured.
    """
    page = server.scrape()
    names = ("resident_memory_bytes", "virtual_memory_bytes", "cpu_seconds_total", "open_fds", "max_fds")

    assert [] == [name for name in names if not page.sum(f"process_{name}") > 0]
    assert page.sum("process_start_time_seconds") == pytest.approx(time.time(), abs=600)
    assert (40, 0) == (page.sum("otel_kit_threads_limit"), page.sum("otel_kit_threads_waiting"))
    assert page.sum("python_gc_collections_total", generation="2") >= 1


def test_a_blocked_event_loop_shows(server: Server) -> None:
    """
    As lateness, for each of the moments at which somebody would have waited.
    """

    def late() -> tuple[float, float]:
        page = server.scrape()
        name = "otel_kit_event_loop_lag_seconds"
        return page.sum(f"{name}_sum"), page.sum(f"{name}_count") - page.sum(f"{name}_bucket", le="0.1")

    seconds, moments = late()
    ask(server, "/block?seconds=1")

    wait_until(lambda: late()[1] - moments >= 3, 20, "the standstill is seen")
    assert 1.0 < late()[0] - seconds < 10.0


def test_workers_are_added_up(tmp_path: Path) -> None:
    """
    One page for all of them: twice the memory, files and threads; the start of the youngest.
    """
    with serve("uvicorn-workers", tmp_path, workers=2) as server:
        one = max(_resident(pid) for pid in server.worker_pids())
        page = server.scrape()

        assert one * 1.5 < page.sum("process_resident_memory_bytes") < one * 3
        assert 80 == page.sum("otel_kit_threads_limit")
        assert page.sum("process_start_time_seconds") == pytest.approx(time.time(), abs=600)


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * 4096
