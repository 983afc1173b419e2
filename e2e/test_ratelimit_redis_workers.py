"""
A service of four workers on one Redis: limits hold for all of them together, and come back by themselves.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.binaries import ROOT
from e2e.process import Running, answers_ok, clean_environment, free_port, wait_for
from e2e.redis_server import redis_server

WORKERS = 4
SERVICE = """
from fastapi import FastAPI
from otel_kit import setup_observability

app = FastAPI()
setup_observability(app, limits={"/limited": "100/minute", "/busy": "1000000/hour"})

@app.get("/limited")
async def limited() -> None: ...

@app.get("/busy")
async def busy() -> None: ...

@app.get("/free")
async def free() -> None: ...
"""


@contextmanager
def workers(directory: Path, storage_url: str) -> Iterator[int]:
    """
    The port of a service whose workers have all begun to serve.
    """
    directory.mkdir(parents=True)
    (directory / "limited.py").write_text(SERVICE, encoding="utf-8")
    port = free_port()
    told = {"PYTHONPATH": f"{ROOT}:{directory}", "OTEL_KIT_RATELIMIT_STORAGE_URL": storage_url}
    told |= {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}
    command = [sys.executable, "-m", "uvicorn", "limited:app", "--port", port, "--workers", WORKERS]
    environment = clean_environment(directory, {**told, "ENABLE_JSON_LOGGING": "true", "LOG_LEVEL": "INFO"})
    log = directory / "service.log"
    service = Running("service", command, log, environment, lambda: answers_ok(port, "/free"), 40.0)
    try:
        service.start()
        started = lambda: service.log.read_text(encoding="utf-8").count('"otel_kit.started"')  # noqa: E731
        wait_for(lambda: WORKERS == started(), "all workers serve", 40)
        yield port
    finally:
        service.kill()


async def get(port: int, path: str) -> tuple[int, str, float]:
    """
    Status, whole text and seconds of one request on a connection of its own.
    """
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
    text = (await reader.read()).decode()
    writer.close()
    return int(text.split(" ", 2)[1]), text, time.monotonic() - began


async def statuses(port: int, path: str, count: int = 1000) -> dict[int, int]:
    """
    How often each status came of so many requests at once.
    """
    return dict(Counter(status for status, _, _ in await asyncio.gather(*(get(port, path) for _ in range(count)))))


async def is_shared(port: int) -> bool:
    """
    Whether `/metrics` says that no worker counts by itself.
    """
    _, text, _ = await get(port, "/metrics")
    return re.search(r"^otel_kit_ratelimit_storage_up 1(\.0)?$", text, re.MULTILINE) is not None


async def share_in_use(port: int, policy: str) -> float:
    """
    What `/metrics` says is in use of a limit, whichever worker answers.
    """
    _, text, _ = await get(port, "/metrics")
    found = re.search(rf'^otel_kit_ratelimit_utilization_ratio{{policy="{policy}"}} (\S+)$', text, re.MULTILINE)
    assert found is not None
    return float(found[1])


async def until_in_use(port: int, least: float) -> None:
    """
    Wait until every worker has published its own.
    """
    deadline = time.monotonic() + 10
    while least > await share_in_use(port, "/limited"):
        assert time.monotonic() < deadline, f"never {least}"
        await asyncio.sleep(0.05)


async def seconds_until_shared(port: int) -> float:
    """
    How long it takes until all workers count together.
    """
    began = time.monotonic()
    while not await is_shared(port):
        assert time.monotonic() - began < 10, "limits stay local"
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def test_four_workers_let_exactly_a_hundred_of_a_thousand_pass(tmp_path: Path) -> None:
    """
    All at once, over real connections; each key in Redis goes by itself.
    """
    with redis_server(tmp_path / "redis") as server, workers(tmp_path / "service", server.url) as port:
        answers = await statuses(port, "/limited")

        assert {200: 100, 429: 900} == answers
        assert all(0 < milliseconds <= 60_000 for milliseconds in server.lives().values())


async def test_each_worker_shows_what_is_in_use_of_a_shared_limit(tmp_path: Path) -> None:
    """
    The largest share that any of them was told of by Redis, and by its own windows while Redis is away.
    """
    with redis_server(tmp_path / "redis") as server, workers(tmp_path / "service", server.url) as port:
        before = await share_in_use(port, "/limited")
        for _ in range(40):
            await get(port, "/limited")
        await until_in_use(port, 0.4)
        with server.stopped():
            for _ in range(41 * WORKERS + 3 * WORKERS):
                await get(port, "/limited")
            await until_in_use(port, 0.41)

    assert 0.0 == before


async def test_a_redis_that_hangs_or_dies_is_no_answer_of_its_own(tmp_path: Path) -> None:
    """
    No 5xx, no long wait, and exact limits soon after it is back, from a hang as from a restart.
    """
    with redis_server(tmp_path / "redis") as server, workers(tmp_path / "service", server.url) as port:
        with server.stopped():
            hung = [await get(port, "/busy") for _ in range(12 * WORKERS)]
        back_from_hang = await seconds_until_shared(port)
        server.ask("FLUSHALL")
        after_hang = await statuses(port, "/limited")
        server.kill()
        dead = [await get(port, "/busy") for _ in range(12 * WORKERS)]
        server.start()
        back_from_death = await seconds_until_shared(port)
        after_death = await statuses(port, "/limited")

    assert {200} == {status for status, _, _ in hung + dead}
    assert 0.1 > sorted(seconds for _, _, seconds in hung)[-2]
    assert {200: 100, 429: 900} == after_hang == after_death
    assert 3.0 > max(back_from_hang, back_from_death)
