"""
Ready-made health checks, run as the kit runs them.
"""

from __future__ import annotations

import asyncio
import http.server
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from otel_kit.errors import ConfigurationError
from otel_kit.health.checks import Checks, ask
from otel_kit.health_layout import CheckReport
from otel_kit.integrations.checks import collector_check, disk_check, http_check, redis_check, sqlalchemy_check
from otel_kit.telemetry.outage import Outages
from tests.otlp_receiver import free_port


async def run(function: Callable[[], Any]) -> CheckReport:
    """
    The answer of a check.
    """
    checks = Checks(timeout_seconds=5.0)
    checks.add("one", function)
    return (await ask(checks))[0]


# -- databases ------------------------------------------------------------------------------------


async def test_a_database_that_answers(tmp_path: Path) -> None:
    """
    By an engine of either kind, whose pool has its connection back afterwards.
    """
    plain = create_engine(f"sqlite:///{tmp_path}/plain.db")
    concurrent = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/async.db")
    answers = [await run(sqlalchemy_check(plain)), await run(sqlalchemy_check(concurrent))]
    left = [plain.pool.checkedout(), concurrent.pool.checkedout()]
    plain.dispose()
    await concurrent.dispose()

    assert ([True, True], [0, 0]) == ([answer.healthy for answer in answers], left)


async def test_a_database_that_is_away(tmp_path: Path) -> None:
    """
    No file can be opened there.
    """
    plain = create_engine(f"sqlite:///{tmp_path}/none/plain.db")
    concurrent = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/none/async.db")
    before = {*threading.enumerate()}
    answers = [await run(sqlalchemy_check(plain)), await run(sqlalchemy_check(concurrent))]
    # aiosqlite's thread has a last word for the loop, for which nobody waits
    for thread in {*threading.enumerate()} - before:
        await asyncio.to_thread(thread.join, 20)
    plain.dispose()
    await concurrent.dispose()

    assert [False, False] == [answer.healthy for answer in answers]


@pytest.mark.parametrize(
    ("dialect", "name"),
    [("sqlite", "SQLite"), ("postgresql", "PostgreSQL"), ("mysql", "MySQL"), ("mssql", "SQL Server"), ("odd", "odd")],
)
async def test_a_database_is_called_what_people_call_it(dialect: str, name: str, tmp_path: Path) -> None:
    """
    By the engine's dialect; one that nobody knows keeps its name.
    """
    engine = create_engine(f"sqlite:///{tmp_path}/plain.db")
    engine.dialect.name = dialect
    answer = await run(sqlalchemy_check(engine))
    engine.dispose()

    assert name == answer.type


async def test_an_asynchronous_engine_has_a_name_too(tmp_path: Path) -> None:
    """
    The same as a plain one.
    """
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/async.db")
    answer = await run(sqlalchemy_check(engine))
    await engine.dispose()

    assert "SQLite" == answer.type


# -- Redis ----------------------------------------------------------------------------------------


class Pong(socketserver.StreamRequestHandler):
    """
    A Redis that knows `PING` alone.
    """

    def handle(self) -> None:
        """
        Answer commands (arrays of strings) until the client goes away.
        """
        while line := self.rfile.readline():
            words = [self.rfile.read(int(self.rfile.readline()[1:]) + 2).strip() for _ in range(int(line[1:]))]
            self.wfile.write(b"+PONG\r\n" if words[0].upper() == b"PING" else b"-ERR unknown command\r\n")


@pytest.fixture
def pong() -> Iterator[str]:
    """
    URL of a server that answers `PING`.
    """
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Pong) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/0?protocol=2"
        server.shutdown()
        thread.join(10)


async def test_redis_that_answers(pong: str) -> None:
    """
    By a URL, a plain client and an asynchronous one, on its own loop.
    """
    plain, concurrent = redis.Redis.from_url(pong), redis.asyncio.Redis.from_url(pong)
    answers = [await run(redis_check(of)) for of in (pong, plain, concurrent)]
    plain.close()
    await concurrent.aclose()

    assert [(None, "Redis")] * 3 == [(answer.error, answer.type) for answer in answers]


async def test_redis_that_is_away() -> None:
    """
    Nobody listens.
    """
    assert not (await run(redis_check(f"redis://127.0.0.1:{free_port()}/0"))).healthy


@pytest.mark.parametrize("url", ["http://app:hunter2@redis:6379", "redis://app:hunter2@redis:port/0", "hunter2"])
def test_redis_by_no_url(url: str) -> None:
    """
    Said at set-up, without the password.
    """
    with pytest.raises(ConfigurationError, match="redis://") as error:
        redis_check(url)

    assert "hunter2" not in str(error.value)


# -- HTTP -----------------------------------------------------------------------------------------


class Statuses(http.server.BaseHTTPRequestHandler):
    """
    Answers with the status that the path names, and keeps what it was asked.
    """

    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        """
        A redirect points to where the answer would be good.
        """
        self.asked.append((self.path, self.headers.get("authorization")))
        self.send_response(int(self.path[1:4]))
        self.send_header("Location", "/200")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """
        Nothing.
        """


@pytest.fixture
def dependency() -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """
    URL of a server, and what it is asked.
    """
    Statuses.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Statuses) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", Statuses.asked
        server.shutdown()
        thread.join(10)


@pytest.mark.parametrize(
    ("status", "error"),
    [(200, None), (204, None), (302, None), (404, "HTTP 404"), (401, "HTTP 401"), (503, "HTTP 503")],
)
async def test_an_http_dependency_by_its_status(status: int, error: str | None, dependency: Any) -> None:
    """
    From 200 to 399 is healthy; a redirect is an answer, and nobody follows it.
    """
    url, asked = dependency
    answer = await run(http_check(f"{url}/{status}?deep=1", headers={"Authorization": "Bearer x"}))

    assert error == (answer.error and answer.error.removeprefix("ConnectionError: "))
    assert [(f"/{status}?deep=1", "Bearer x")] == asked


async def test_an_http_dependency_that_is_away() -> None:
    """
    Nobody listens.
    """
    assert not (await run(http_check(f"http://127.0.0.1:{free_port()}"))).healthy


async def test_an_http_dependency_that_never_answers() -> None:
    """
    It costs the time that was given to it.
    """

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    answer = await run(http_check(f"http://127.0.0.1:{port}", 0.1))
    server.close()
    await server.wait_closed()

    assert (False, True) == (answer.healthy, answer.latency_ms < 2000)


async def answered(pieces: list[bytes], pause: float, timeout_seconds: float) -> CheckReport:
    """
    The answer of a check whose dependency sends these pieces and goes on sending the last one.
    """

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        with suppress(ConnectionError):
            for piece in chain(pieces, repeat(pieces[-1])):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
        writer.close()
        left.set()

    left = asyncio.Event()
    server = await asyncio.start_server(send, "127.0.0.1", 0)
    answer = await run(http_check(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout_seconds))
    await asyncio.wait_for(left.wait(), 10)  # the check has hung up
    server.close()
    await server.wait_closed()
    return answer


async def test_an_http_dependency_that_answers_byte_by_byte() -> None:
    """
    The time is that of the whole answer: the thread is free again for the next run.
    """
    answer = await answered([b"HTTP/1.1 2"], 0.05, 0.3)

    assert (False, True) == (answer.healthy, answer.latency_ms < 2000)
    assert "timed out" in str(answer.error)


async def test_an_http_dependency_that_streams_for_ever() -> None:
    """
    Its first line says enough.
    """
    assert (await answered([b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"], 0.01, 5.0)).healthy


async def test_an_http_dependency_that_speaks_something_else() -> None:
    """
    Nothing of what it says is repeated.
    """
    assert "ConnectionError: no answer in HTTP" == (await answered([b"220 hunter2 ESMTP\r\n"], 0.01, 5.0)).error


@pytest.mark.parametrize(
    "url",
    ["", "ftp://host/", "file:///etc/passwd", "http://", "http://a:hunter2@host/", "http://host:x/", "http://h/\n"],
)
def test_http_by_no_url(url: str) -> None:
    """
    Said at set-up, without a password.
    """
    with pytest.raises(ConfigurationError, match="http://host:8000") as error:
        http_check(url)

    assert "hunter2" not in str(error.value)


# -- the disk -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "healthy"),
    [
        ({"min_free_bytes": 1}, True),
        ({"min_free_bytes": 2**62}, False),
        ({"min_free_ratio": 0.0}, True),
        ({"min_free_ratio": 1.0}, False),
    ],
)
async def test_room_on_the_disk(wanted: dict[str, Any], healthy: bool, tmp_path: Path) -> None:
    """
    By bytes, or as a part of the whole.
    """
    assert healthy == (await run(disk_check(tmp_path, **wanted))).healthy


async def test_a_disk_that_is_not_there(tmp_path: Path) -> None:
    """
    A place that is not mounted has no room.
    """
    assert not (await run(disk_check(tmp_path / "none"))).healthy


@pytest.mark.parametrize("wanted", [{"min_free_ratio": 5}, {"min_free_ratio": -0.1}, {"min_free_bytes": -1}])
def test_room_that_can_not_be(wanted: dict[str, Any]) -> None:
    """
    Said at set-up.
    """
    with pytest.raises(ConfigurationError, match="disk_check"):
        disk_check(".", **wanted)


# -- the collector --------------------------------------------------------------------------------


class Handle:
    """
    Reports as the kit does.
    """

    def __init__(self) -> None:
        self.outages = Outages()

    def report(self) -> dict[str, Any]:
        """
        The part that counts.
        """
        failing = self.outages.failing()
        return {"failing": failing} if failing else {}


async def test_the_delivery_to_the_collector() -> None:
    """
    Unhealthy from the first failed delivery of a signal to its next good one; healthy while nothing was sent.
    """
    kit = Handle()
    answers = [await run(collector_check(kit))]
    kit.outages.failed("traces", "http://c:4318", "connection refused", expected=False)
    answers.append(await run(collector_check(kit)))
    kit.outages.delivered("traces", "http://c:4318")
    answers.append(await run(collector_check(kit)))

    assert [None, "ConnectionError: traces: connection refused", None] == [answer.error for answer in answers]


async def test_silence_at_the_default_address_is_no_failure() -> None:
    """
    Nobody has ever listened there, perhaps on purpose.
    """
    kit = Handle()
    kit.outages.failed("traces", "http://localhost:4318", "connection refused", expected=True)

    assert (await run(collector_check(kit))).healthy
