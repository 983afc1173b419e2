"""
Redis hung, gone, locked, full or read-only: nobody waits long, and limits are shared again soon after.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from e2e.redis_hits import ask, window
from e2e.redis_server import redis_server
from otel_kit.ledger import ledger
from otel_kit.ratelimit.redis_storage import RedisWindows
from otel_kit.ratelimit.storage import StorageAway

WAIT_SECONDS = 0.05
SLACK_SECONDS = 0.05
"""For a machine that does something else as well."""


@pytest.fixture(autouse=True)
def no_garbage_of_other_tests() -> Iterator[None]:
    """
    What hundreds of tests have left takes the collector of garbage a tenth of a second to look at.
    """
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[RedisWindows]:
    """
    A storage that has been asked once.
    """
    storage = RedisWindows(url)
    await storage.start()
    try:
        yield storage
    finally:
        await storage.close()


async def timed(work: Callable[[], Awaitable[str]]) -> tuple[str, float]:
    """
    An answer, and how many seconds it took.
    """
    began = time.monotonic()
    answer = await work()
    return answer, time.monotonic() - began


async def seconds_until(storage: RedisWindows, state: str, deadline: float) -> float:
    """
    How long it takes until the storage is in that state.
    """
    began = time.monotonic()
    while storage.state() != state:
        assert time.monotonic() - began < deadline, f"not {state} within {deadline} s"
        await asyncio.sleep(0.005)
    return time.monotonic() - began


def value(name: str, **labels: str) -> float | None:
    """
    What `/metrics` shows of one series; None without it.
    """
    for family in ledger.snapshot():
        for series in family.series if family.declaration.name == name else ():
            if labels == dict(series.labels):
                return series.values[0]
    return None


async def test_a_hung_redis_costs_three_requests_50_ms_and_the_others_nothing(tmp_path: Path) -> None:
    """
    Each wait is 50 ms at most; after three the breaker is open and there is no wait at all.
    """
    with redis_server(tmp_path) as server:
        async with opened(server.url) as storage:
            with server.stopped():
                first = [await timed(lambda: ask(storage, [window()])) for _ in range(3)]
                assert "local" == storage.state()
                then = [await timed(lambda: ask(storage, [window()])) for _ in range(100)]

    assert {"away"} == {answer for answer, _ in first + then}
    assert WAIT_SECONDS + SLACK_SECONDS > max(seconds for _, seconds in first)
    assert 0.005 > sorted(seconds for _, seconds in then)[-2]


async def test_a_thousand_at_once_on_a_hung_redis_wait_as_short(tmp_path: Path) -> None:
    """
    Nobody waits for the wait of another.
    """
    with redis_server(tmp_path) as server:
        async with opened(server.url) as storage:
            with server.stopped():
                answers = await asyncio.gather(*(timed(lambda: ask(storage, [window()])) for _ in range(1000)))

    assert {"away"} == {answer for answer, _ in answers}
    assert WAIT_SECONDS + 2 * SLACK_SECONDS > max(seconds for _, seconds in answers)


async def test_the_loop_goes_on_while_redis_hangs(tmp_path: Path) -> None:
    """
    A task that wakes up every few milliseconds is never held up.
    """
    gaps = [0.0]

    async def beat() -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.005)
            gaps.append(time.monotonic() - last)
            last = time.monotonic()

    with redis_server(tmp_path) as server:
        async with opened(server.url) as storage:
            heart = asyncio.create_task(beat())
            with server.stopped():
                for _ in range(50):
                    await ask(storage, [window()])
                    await asyncio.sleep(0.03)
            heart.cancel()

    assert WAIT_SECONDS + SLACK_SECONDS > max(gaps)


async def test_an_open_breaker_asks_once_a_second(tmp_path: Path) -> None:
    """
    Whatever the traffic: a server that takes connections and says nothing sees one probe in a second.
    """
    connections = []

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(time.monotonic())
        with suppress(ConnectionError):
            await reader.read(-1)
        writer.close()

    silent = await asyncio.start_server(taken, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with opened(f"redis://127.0.0.1:{port}") as storage:
        while storage.state() != "local":
            await ask(storage, [window()])
        opened_at = time.monotonic()
        while time.monotonic() < opened_at + 3.5:
            await ask(storage, [window()])
            await asyncio.sleep(0.01)
    silent.close()

    assert 3 == sum(opened_at < at for at in connections)


async def test_a_redis_that_was_killed_is_back_within_two_seconds_and_exact(tmp_path: Path) -> None:
    """
    The pool is full of connections to the one that is gone; none of them costs a request afterwards.
    """
    with redis_server(tmp_path) as server:
        async with opened(server.url) as storage:
            await asyncio.gather(*(ask(storage, [window(f"client-{n}")]) for n in range(1000)))
            server.kill()
            meanwhile = [await ask(storage, [window()]) for _ in range(20)]
            server.start()
            away = await seconds_until(storage, "shared", 3.0)
            answers = Counter(await asyncio.gather(*(ask(storage, [window(amount=30)]) for _ in range(300))))

    assert {"away"} == set(meanwhile)
    assert 2.0 > away
    assert {"passed": 30, "refused": 270} == dict(answers)


async def test_a_restart_that_nobody_noticed_costs_nothing(tmp_path: Path) -> None:
    """
    Without requests in between, the first one after it is counted in Redis.
    """
    with redis_server(tmp_path) as server:
        async with opened(server.url) as storage:
            await asyncio.gather(*(ask(storage, [window(f"client-{n}")]) for n in range(1000)))
            server.kill()
            server.start()
            answers = Counter(await asyncio.gather(*(ask(storage, [window(amount=30)]) for _ in range(300))))

    assert ({"passed": 30, "refused": 270}, "shared") == (dict(answers), storage.state())


async def test_a_redis_that_goes_on_is_asked_again_within_two_seconds(tmp_path: Path) -> None:
    """
    After it hung for a while, limits are shared and exact.
    """
    with redis_server(tmp_path) as server:
        async with opened(server.url) as storage:
            with server.stopped():
                while storage.state() != "local":
                    await ask(storage, [window("somebody else")])
                await asyncio.sleep(1.2)
            away = await seconds_until(storage, "shared", 3.0)
            answers = Counter(await asyncio.gather(*(ask(storage, [window(amount=30)]) for _ in range(300))))

    assert 2.0 > away
    assert {"passed": 30, "refused": 270} == dict(answers)


async def test_a_redis_that_is_not_there_at_start_is_said_and_looked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Nothing is raised; one record says that limits are local, one that they are shared, and the gauge agrees.
    """
    caplog.set_level(logging.INFO, "otel_kit.ratelimit")
    with redis_server(tmp_path, password="not-for-the-log", start=False) as server:
        async with opened(server.url) as storage:
            assert ("local", 0.0) == (storage.state(), value("otel_kit_ratelimit_storage_up"))
            server.start()
            await seconds_until(storage, "shared", 3.0)

    assert 1.0 == value("otel_kit_ratelimit_storage_up")
    assert ["rate_limit.storage_failed", "rate_limit.storage_recovered"] == [r.message for r in caplog.records]
    assert "connection" == vars(caplog.records[0])["error.type"]
    assert "not-for-the-log" not in str([vars(record) for record in caplog.records])


async def test_a_name_that_leads_nowhere_is_local(tmp_path: Path) -> None:
    """
    A host that doesn't exist is a Redis that can't be reached, no mistake of the setting.
    """
    async with opened("redis://no-such-host.invalid:6379") as storage:
        for _ in range(3):
            answer, seconds = await timed(lambda: ask(storage, [window()]))
            assert ("away", True) == (answer, seconds < WAIT_SECONDS + SLACK_SECONDS)

    assert "local" == storage.state()


async def fails_by(url: str, kind: str) -> None:
    """
    Three requests fail by that kind of failure, and the breaker is open.
    """
    before = value("otel_kit_ratelimit_storage_errors_total", kind=kind) or 0.0
    storage = RedisWindows(url)
    for _ in range(3):
        with pytest.raises(StorageAway):
            await storage.acquire([window()])
    assert ("local", before + 3) == (storage.state(), value("otel_kit_ratelimit_storage_errors_total", kind=kind))
    await storage.close()


async def test_a_wrong_password_is_a_redis_that_is_away(tmp_path: Path) -> None:
    """
    Of Redis' two ways to say it, both: a password that is wrong, and none at all.
    """
    with redis_server(tmp_path, password="right") as server:
        await fails_by(server.url.replace("right", "wrong"), "authentication")
        await fails_by(server.url.replace(":right@", ""), "authentication")


async def test_a_user_without_the_right_is_a_redis_that_is_away(tmp_path: Path) -> None:
    """
    A list of rights that leaves out what the script does.
    """
    with redis_server(tmp_path) as server:
        server.ask("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@all", "-set")
        await fails_by(server.url.replace("redis://", "redis://reader:secret@"), "permission")


async def test_a_redis_out_of_memory_is_away_until_there_is_room(tmp_path: Path) -> None:
    """
    Probes write as requests do, so they see it too, and see that it is over.
    """
    with redis_server(tmp_path) as server:
        server.ask("SET", "somebody's", "x" * 2_000_000)
        server.ask("CONFIG", "SET", "maxmemory", "1mb", "maxmemory-policy", "noeviction")
        await fails_by(server.url, "out_of_memory")
        async with opened(server.url) as storage:
            assert "local" == storage.state()
            await asyncio.sleep(1.2)
            assert "local" == storage.state()
            server.ask("CONFIG", "SET", "maxmemory", "0")
            assert 2.0 > await seconds_until(storage, "shared", 3.0)


async def test_a_replica_is_a_redis_that_is_away(tmp_path: Path) -> None:
    """
    It can be read, which answers those it refuses, and must not pass for being back.
    """
    with redis_server(tmp_path / "a") as primary, redis_server(tmp_path / "b") as server:
        async with opened(server.url) as storage:
            narrow = [window("known", amount=1)]
            await storage.acquire(narrow)
            server.ask("REPLICAOF", "127.0.0.1", primary.port)
            for _ in range(3):
                await ask(storage, [window()])
            assert "local" == storage.state()
            await asyncio.sleep(1.2)
            assert "local" == storage.state()
            server.ask("REPLICAOF", "NO", "ONE")
            assert 2.0 > await seconds_until(storage, "shared", 3.0)


async def test_what_is_not_redis_is_a_redis_that_is_away(tmp_path: Path) -> None:
    """
    Something else that listens there: an answer that no client understands.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    other = await asyncio.start_server(answer, "127.0.0.1", 0, family=socket.AF_INET)
    async with opened(f"redis://127.0.0.1:{other.sockets[0].getsockname()[1]}") as storage:
        answers = {await ask(storage, [window()]) for _ in range(4)}
    other.close()

    assert ({"away"}, "local") == (answers, storage.state())
