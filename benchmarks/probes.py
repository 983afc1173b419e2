"""
What probes cost a service: the time of an ordinary request while fifty probers ask for `/health/all`.

One process holds the application with three checks, one async, one that blocks its thread and one that hangs until
its time is over. Ordinary requests are timed one after the other, without probers and with them. How often each
check ran says whether they were shared.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from dataclasses import dataclass
from time import perf_counter

from benchmarks.exchange import GET, Lifespan, Request, UnexpectedAnswer, send_request
from benchmarks.processes import Child, Sink, take_channel

PROBERS = 50
SECONDS = 3.0
PAUSE_SECONDS = 0.002


@dataclass(frozen=True)
class Probed:
    """Milliseconds of an ordinary request; what the probers asked, and what the checks were asked for it."""

    alone_p50: float
    alone_p99: float
    probed_p50: float
    probed_p99: float
    probes: int
    runs: int
    """Of the check that was run most often."""


async def time_both() -> dict[str, float]:
    """
    The child's part.
    """
    from fastapi import FastAPI

    from benchmarks.apps import add_routes
    from otel_kit import Settings, setup_observability

    app = FastAPI()
    add_routes(app)
    runs = {"async": 0, "blocking": 0, "hanging": 0}

    async def ask() -> None:
        runs["async"] += 1
        await asyncio.sleep(0.01)

    def block() -> None:
        runs["blocking"] += 1
        time.sleep(0.05)

    async def hang() -> None:
        runs["hanging"] += 1
        await asyncio.sleep(30)

    settings = Settings(ratelimit_enabled=False, check_timeout_seconds=0.5)
    setup_observability(app, checks={"async": ask, "blocking": block, "hanging": hang}, settings=settings)
    async with Lifespan(app):
        for _ in range(300):
            await send_request(app, GET)
        alone = await time_requests(app)
        before = dict(runs)
        asked = [0]
        probers = [asyncio.ensure_future(probe(app, asked)) for _ in range(PROBERS)]
        probed = await time_requests(app)
        for prober in probers:
            prober.cancel()
        await asyncio.gather(*probers, return_exceptions=True)
    return {
        "alone_p50": statistics.median(alone),
        "alone_p99": statistics.quantiles(alone, n=100)[98],
        "probed_p50": statistics.median(probed),
        "probed_p99": statistics.quantiles(probed, n=100)[98],
        "probes": asked[0],
        "runs": max(runs[name] - before[name] for name in runs),
    }


async def time_requests(app: object) -> list[float]:
    """
    Milliseconds of one ordinary request after the other.
    """
    times = []
    deadline = perf_counter() + SECONDS
    while perf_counter() < deadline:
        started = perf_counter()
        await send_request(app, GET)  # type: ignore[arg-type]
        times.append((perf_counter() - started) * 1000)
        await asyncio.sleep(PAUSE_SECONDS)
    return times


async def probe(app: object, asked: list[int]) -> None:
    """
    One prober: as soon as it has an answer it asks again. A check hangs, so the answer is 503.
    """
    while True:
        asked[0] += 1
        try:
            await send_request(app, Request("GET", "/health/all"))  # type: ignore[arg-type]
        except UnexpectedAnswer:
            await asyncio.sleep(PAUSE_SECONDS)


def measure(sink: Sink) -> Probed:
    """
    One fresh process.
    """
    child = Child("probes", environment=sink.environment("probes"))
    try:
        return Probed(**child.read())
    finally:
        child.close()


if __name__ == "__main__":
    import uvloop

    channel = take_channel()
    channel.write(json.dumps(uvloop.run(time_both())) + "\n")
