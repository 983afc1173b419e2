"""
`/metrics` of each profile while its server is under load, and what reading it does to requests.

Owns the service that is loaded: sixty routes with their answers counted by several statuses, and the application's own
metrics with four values a label. Each request moves the series of its route and one of the application's. wrk takes
the routes in turn, as `under_load` does with its two.

A scraper asks as Prometheus does: one connection, OpenMetrics, gzip. Once a second says what it does to requests; ten
times a second gives enough scrapes for percentiles, and an upper bound of what they do. A profile with a document of
all metrics beside the page has that asked in turn with it.
"""

from __future__ import annotations

import gzip
import http.client
import itertools
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fastapi import FastAPI, HTTPException

from benchmarks.apps import Built, build_kit
from benchmarks.exchange import UnexpectedAnswer
from benchmarks.processes import Child, Sink
from benchmarks.under_load import WARM_UP_SECONDS, run_script
from otel_kit.profiles import BUILT_IN, Profile, load_profile

ROUTES = 60
STATUSES = (200, 404, 500)
VALUES_OF_A_LABEL = 4
ASKED = {
    "Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
    "Accept-Encoding": "gzip",
}
ONCE, FREQUENT = 1.0, 0.1
"""Seconds from one scrape to the next."""

SCRIPT = """
local at = 0
request = function()
  at = (at + 1) % {routes}
  return wrk.format("GET", "/areas/" .. at .. "/things/7")
end
"""


# --- the child: a service with many series --------------------------------------------------------------------


def build_service(name: str) -> Built:
    """
    The kit with everything on and one profile; `benchmarks.serve` serves it.
    """
    return build_kit(partial(add_many_routes, load_profile(name)), name)


VARIANTS: dict[str, Callable[[], Built]] = {f"service_{name}": partial(build_service, name) for name in BUILT_IN}


def add_many_routes(profile: Profile, app: FastAPI) -> None:
    """
    Routes that answer what they are asked for.
    """
    moves = list(own_moves(profile))
    for move in moves:
        move()
    turn = itertools.cycle(moves)

    async def read_thing(thing: int, status: int = 200) -> dict[str, Any]:
        if status != 200:
            raise HTTPException(status)
        next(turn)()
        return {"thing": thing}

    for number in range(ROUTES):
        app.add_api_route(f"/areas/{number}/things/{{thing}}", read_thing, methods=["GET", "POST"])


def own_moves(profile: Profile) -> Iterator[Callable[[], None]]:
    """
    What moves one series each, for every metric that the application itself feeds.
    """
    fed = [used.metric for used in profile.requests] + [share.gauge for share in profile.derived]
    for metric in profile.metrics:
        if metric in fed or metric in (profile.health_gauge, profile.status_gauge):
            continue
        values = [f"{metric.name[:20]}-{number}" for number in range(VALUES_OF_A_LABEL)]
        for labels in itertools.product(values, repeat=len(metric.labelnames)):
            series: Any = metric.labels(*labels) if labels else metric
            yield partial(series.observe, 0.2) if hasattr(series, "observe") else series.inc


# --- the driver -----------------------------------------------------------------------------------------------


@dataclass
class Page:
    """
    One profile; times in milliseconds, sizes in KiB.
    """

    lines: int = 0
    size: float = 0.0
    sent: float = 0.0
    """Of what goes over the wire, compressed."""

    scrapes: list[float] = field(default_factory=list)
    """The frequent ones."""

    documents: list[float] = field(default_factory=list)
    """The same of the document of all metrics, where the profile has one."""

    alone: list[float] = field(default_factory=list)
    """The 99th percentile of requests, one entry for each stretch of load; so are the next two."""

    once: list[float] = field(default_factory=list)
    frequent: list[float] = field(default_factory=list)


def measure(sink: Sink, rounds: int, seconds: int) -> dict[str, Page]:
    """
    `rounds` fresh servers of every profile, each under load for `seconds` alone, then with each pace of scrapes.
    """
    server_core, load_core = sorted(os.sched_getaffinity(0))[:2]
    pages = {name: Page() for name in BUILT_IN}
    for _ in range(rounds):
        for name in random.sample(BUILT_IN, len(BUILT_IN)):
            variant = f"service_{name}"
            server = Child("serve", variant, cores={server_core}, environment=sink.environment(variant))
            try:
                Loaded(server.read()["port"], load_profile(name), load_core).measure(seconds, pages[name])
            finally:
                server.close()
    return pages


Times = dict[str, list[float]]
"""Milliseconds of each scrape, by path."""


class Loaded:
    """
    One server and what is asked of it.
    """

    def __init__(self, port: int, profile: Profile, core: int) -> None:
        self.port = port
        self.core = core
        self.documents = [route.path for route in profile.health.routes if route.kind == "metrics"]
        self.path = profile.metrics_path

    def measure(self, seconds: int, page: Page) -> None:
        """
        All stretches, in an order of its own.
        """
        self._fill()
        self._load(WARM_UP_SECONDS)
        frequent = {self.path: page.scrapes} | dict.fromkeys(self.documents, page.documents)
        stretches: list[tuple[list[float], float, Times]] = [
            (page.alone, 0.0, {}),
            (page.once, ONCE, {self.path: []}),
            (page.frequent, FREQUENT, frequent),
        ]
        for found, pause, times in random.sample(stretches, len(stretches)):
            found.append(self._scraped(seconds, pause, times) if times else self._load(seconds))
        body, page.sent = self._size()
        page.lines, page.size = body.count(b"\n"), len(body) / 1024

    def _fill(self) -> None:
        """
        Every route answers with every status, so that their series are there before anything is measured.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        for number, status in itertools.product(range(ROUTES), STATUSES):
            for method in ("GET", "POST"):
                connection.request(method, f"/areas/{number}/things/7?status={status}")
                answer = connection.getresponse()
                answer.read()
                if answer.status != status:
                    raise UnexpectedAnswer(f"{method} answered {answer.status} in place of {status}")
        connection.close()

    def _load(self, seconds: int) -> float:
        script = SCRIPT.replace("{routes}", str(ROUTES))
        return run_script(script, f"http://127.0.0.1:{self.port}/", seconds, self.core)["p99"] / 1000

    def _scraped(self, seconds: int, pause: float, times: Times) -> float:
        """
        The 99th percentile of requests while a scraper asks for these paths in turn, and notes how long each took.
        """
        over = threading.Event()
        with ThreadPoolExecutor(max_workers=1) as pool:
            scraper = pool.submit(self._scrape, over, pause, times)
            try:
                found = self._load(seconds)
            finally:
                over.set()
            scraper.result()
        return found

    def _scrape(self, over: threading.Event, pause: float, times: Times) -> None:
        # of this thread alone: away from the server's core
        os.sched_setaffinity(0, {self.core})
        paths = itertools.cycle(times)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        due = time.perf_counter() + pause / 2
        while not over.wait(max(0.0, due - time.perf_counter())):
            path = next(paths)
            started = time.perf_counter()
            ask(connection, path)
            times[path].append((time.perf_counter() - started) * 1000)
            due = max(due + pause, time.perf_counter())
        connection.close()

    def _size(self) -> tuple[bytes, float]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = ask(connection, self.path)
        connection.close()
        return gzip.decompress(sent), len(sent) / 1024


def ask(connection: http.client.HTTPConnection, path: str) -> bytes:
    """
    One scrape, as it comes over the wire.
    """
    connection.request("GET", path, headers=ASKED)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise UnexpectedAnswer(f"{path} answered {answer.status}: {body[:200]!r}")
    return body
