"""
Does the added cost stay flat when an application has many routes, or many clients?

A bare application with 1 000 routes spends most of its time matching, so a difference between processes would
drown in noise. Here one process holds both applications, bare and instrumented, and short stretches of
identical requests alternate between them: the added cost is the median difference of neighbouring stretches, in
processor time of the event loop's thread.

The same work costs a fifth more in one process than in another, and more in a process that has answered a million
requests than in a fresh one. So a third application, bare and with one route, takes its turns beside the two: its
cost is the yardstick of its process, and points are compared in yardsticks.

Routes: the requests of a stretch are spread evenly over the whole table. Clients: first a million requests from
that many distinct addresses are let in through the instrumented application, as far as the time allowed for it
goes; then each measured request comes from an address of its own among them. The number really seen is part of the
result. The million is the same for one client as for many: a process that has answered so much is slower by itself,
the bare application in it too.
"""

from __future__ import annotations

import gc
import json
import random
import statistics
import sys
from dataclasses import dataclass, field
from time import perf_counter, thread_time
from typing import Any

from fastapi import FastAPI

from benchmarks.exchange import Application, Lifespan, Request, send_request
from benchmarks.processes import Child, Sink, memory_megabytes, take_channel

POINTS = {"routes": (1, 100, 1_000), "clients": (1, 10_000, 1_000_000)}
LET_IN = 1_000_000
"""Requests before measuring on the axis of clients."""

STRETCH = 60
"""Requests between two changes from one application to the other."""


@dataclass(frozen=True)
class Point:
    """Microseconds of processor time a request; `seen` is the number of distinct routes or clients before measuring."""

    axis: str
    size: int
    variant: str
    seen: int
    bare: float
    added: float
    yardstick: float
    """What a request to a bare application with one route costs in the same process."""

    spread: float
    """Half the distance between the quartiles of `added`, over the square root of the stretches: what noise can do."""

    grown_megabytes: float
    """Resident memory after everything, less that before the first request."""

    metrics_kilobytes: float
    """Size of one scrape afterwards; zero where there is none."""


# --- the child ------------------------------------------------------------------------------------------------


def add_many_routes(count: int) -> Any:
    """
    A function that gives an application `count` routes, each with a path parameter.
    """

    def add_routes(app: FastAPI) -> None:
        for number in range(count):
            app.add_api_route(f"/things{number}/{{name}}", read_thing)

    return add_routes


async def read_thing(name: str) -> dict[str, str]:
    """
    The endpoint of every route.
    """
    return {"name": name}


def address(number: int) -> tuple[str, int]:
    """
    A client of its own for every number below sixteen million.
    """
    return (f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 40_000)


async def time_point(variant: str, axis: str, size: int, seconds: float, seconds_to_let_in: float) -> dict[str, float]:
    """
    Both applications in this process, in turns for `seconds`, after at most `seconds_to_let_in` for clients.
    """
    from benchmarks.apps import build

    add_routes = add_many_routes(size if axis == "routes" else 1)
    built = build(variant, add_routes)
    # its own telemetry off: the variant beside it may have set global providers
    bare = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    add_routes(bare)
    yardstick = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    add_many_routes(1)(yardstick)
    async with Lifespan(built.app):
        before = memory_megabytes()
        seen = await let_in(built.app, bare, axis, size, seconds_to_let_in)
        await built.flush()
        gc.collect()
        turns = await take_turns(built, bare, yardstick, axis, seen, seconds)
        grown = memory_megabytes() - before
        scrape = await scrape_size(built.app)
    quartiles = statistics.quantiles(turns.added, n=4)
    return {
        "seen": seen,
        "bare": statistics.median(turns.bare),
        "added": statistics.median(turns.added),
        "yardstick": statistics.median(turns.yardstick),
        "spread": (quartiles[2] - quartiles[0]) / 2 / len(turns.added) ** 0.5,
        "grown_megabytes": grown,
        "metrics_kilobytes": scrape,
    }


async def let_in(app: Application, bare: Application, axis: str, size: int, seconds: float) -> int:
    """
    Every route once through both applications, or all clients through the instrumented one; how many there were.
    """
    deadline = perf_counter() + seconds
    for number in range(size if axis == "routes" else LET_IN):
        await send_request(app, request_for(axis, number % size))
        if axis == "routes":
            await send_request(bare, request_for(axis, number))
        elif perf_counter() > deadline:
            return min(size, number + 1)
    return size


@dataclass
class Turns:
    """Microseconds a request, one entry a turn."""

    bare: list[float] = field(default_factory=list)
    added: list[float] = field(default_factory=list)
    yardstick: list[float] = field(default_factory=list)


async def take_turns(
    built: Any, bare: Application, yardstick: Application, axis: str, seen: int, seconds: float
) -> Turns:
    """
    A stretch of the instrumented application between two of the bare one, and one of the yardstick, again and again.
    """
    turns = Turns()
    constant = [Request("GET", "/things0/one")] * STRETCH
    deadline = perf_counter() + seconds
    while perf_counter() < deadline or len(turns.added) < 20:
        offset = random.randrange(seen)
        step = max(1, seen // STRETCH)
        requests = [request_for(axis, (offset + step * number) % seen) for number in range(STRETCH)]
        plain = await time_stretch(bare, requests)
        instrumented = await time_stretch(built.app, requests)
        plain = (plain + await time_stretch(bare, requests)) / 2
        turns.bare.append(plain)
        turns.added.append(instrumented - plain)
        turns.yardstick.append(await time_stretch(yardstick, constant))
        if len(turns.added) % 8 == 0:
            # exports happen here and in neither application's stretch
            await built.flush()
    return turns


def request_for(axis: str, number: int) -> Request:
    """
    The request that the numbered route or client stands for.
    """
    if axis == "routes":
        return Request("GET", f"/things{number}/one")
    return Request("GET", "/things0/one", client=address(number))


async def time_stretch(app: Application, requests: list[Request]) -> float:
    """
    Microseconds of this thread's processor time a request.
    """
    started = thread_time()
    for request in requests:
        await send_request(app, request)
    return (thread_time() - started) * 1e6 / len(requests)


async def scrape_size(app: Any) -> float:
    """
    Kilobytes of `/metrics` where the variant serves it.
    """
    from benchmarks.exchange import UnexpectedAnswer

    try:
        return len(await send_request(app, Request("GET", "/metrics"))) / 1024
    except UnexpectedAnswer:
        return 0.0


# --- the driver -----------------------------------------------------------------------------------------------


def measure(variants: dict[str, float], sink: Sink, seconds: float, processes: int) -> list[Point]:
    """
    Fresh processes for every variant and point, in turns: from one to the next the same work differs by a fifth.

    Args:
        variants: Each with the seconds it may take to let the clients in.
        processes: For each point; the middle one counts.
    """
    measured: dict[tuple[str, int, str], list[Point]] = {}
    for axis, sizes in POINTS.items():
        for _ in range(processes):
            for size in sizes:
                for variant, seconds_to_let_in in variants.items():
                    point = measure_one(variant, axis, size, sink, seconds, seconds_to_let_in)
                    measured.setdefault((axis, size, variant), []).append(point)
    return [middle(points) for points in measured.values()]


def middle(points: list[Point]) -> Point:
    """
    The point whose cost in yardsticks is in the middle.
    """
    return sorted(points, key=lambda point: (point.bare + point.added) / point.yardstick)[len(points) // 2]


def measure_one(variant: str, axis: str, size: int, sink: Sink, seconds: float, seconds_to_let_in: float) -> Point:
    """
    One process and its answer.
    """
    arguments = (variant, axis, str(size), str(seconds), str(seconds_to_let_in))
    child = Child("scale", *arguments, environment=sink.environment("scale"))
    try:
        return Point(axis, size, variant, **child.read())
    finally:
        child.close()


if __name__ == "__main__":
    import uvloop

    channel = take_channel()
    variant, axis, size, seconds, seconds_to_let_in = sys.argv[1:]
    result = uvloop.run(time_point(variant, axis, int(size), float(seconds), float(seconds_to_let_in)))
    channel.write(json.dumps(result) + "\n")
