"""
Ten thousand different clients, paths, methods and hosts: series and caches stay bounded.
"""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import FastAPI

from otel_kit import Counter, set_log_level, setup_observability
from otel_kit.ledger import ledger

from . import kinds
from .asgi_client import call

ATTACKS: dict[str, Callable[[int], dict[str, Any]]] = {
    "paths": lambda n: {"path": f"/nowhere/{n:x}/{n * 7919:x}"},
    "path parameters": lambda n: {"path": f"/items/{n}"},
    "paths of a mount": lambda n: {"path": f"/sub/nowhere/{n:x}"},
    "methods": lambda n: {"path": "/items/1", "method": f"M{n:X}"},
    "hosts": lambda n: {"path": "/items/1", "headers": [(b"host", f"h{n:x}.example".encode())]},
    "agents": lambda n: {"path": "/items/1", "headers": {"User-Agent": f"agent/{n:x}"}},
    "clients": lambda n: {"path": "/items/1", "client": (f"203.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}", n & 0xFFFF)},
    "forwarded": lambda n: {"path": "/items/1", "headers": {"X-Forwarded-For": f"198.51.{n >> 8 & 255}.{n & 255}"}},
    "ids": lambda n: {"path": "/items/1", "headers": {"X-Correlation-ID": f"id-{n:x}"}},
    "queries": lambda n: {"path": "/items/1", "query": f"q={n:x}".encode()},
}
REQUESTS = 10_000
ALLOWED_LINES = 40


@pytest.fixture
async def app() -> AsyncIterator[FastAPI]:
    """
    The application of all kinds, quiet in its log.
    """
    application = FastAPI()
    kit = setup_observability(application)
    kinds.add_routes(application)
    set_log_level("error", "otel_kit.request")
    yield application
    set_log_level("info", "otel_kit.request")
    kit.undo()


async def lines(app: FastAPI) -> int:
    """
    Lines of the page without comments.
    """
    page = (await call(app, path="/metrics")).body.decode()
    return sum(1 for line in page.splitlines() if not line.startswith("#"))


@pytest.mark.parametrize("attack", ATTACKS)
async def test_series_stay_bounded(app: FastAPI, attack: str) -> None:
    """
    Ten thousand values of anything that a client controls add at most forty lines.
    """
    await call(app, path="/items/1")
    await call(app, path="/nowhere")
    before = await lines(app)

    for number in range(REQUESTS):
        kinds.seen_ids.clear()
        await call(app, **ATTACKS[attack](number))

    assert before + ALLOWED_LINES >= await lines(app)


async def test_nothing_per_client_is_kept(app: FastAPI) -> None:
    """
    Ten thousand further clients with paths, agents and ids of their own leave no more objects alive.
    """

    async def send(first: int, count: int) -> int:
        for n in range(first, first + count):
            kinds.seen_ids.clear()
            headers = {"User-Agent": f"agent/{n:x}", "X-Correlation-ID": f"id-{n:x}"}
            await call(app, path=f"/nowhere/{n:x}", headers=headers, client=(f"203.0.{n >> 8 & 255}.{n & 255}", 1))
        gc.collect()
        return len(gc.get_objects())

    settled = await send(0, 6_000)

    assert settled * 1.02 > await send(6_000, 10_000)


async def test_a_users_metric_is_capped() -> None:
    """
    A label that an attacker fills ends in the overflow series, and what it cost is counted.
    """
    guesses = Counter("cardinality_guesses_total", "Guesses.", ["word"], max_series=50)
    refused = Counter("otel_kit_series_refused_total", "Label sets that found no room, by metric.", ["metric"])
    for number in range(1000):
        guesses.labels(f"word-{number}").inc()

    (family,) = [one for one in ledger.snapshot() if one.declaration.name == "cardinality_guesses_total"]

    assert len(family.series) <= 51
    assert sum(series.values[0] for series in family.series) == 1000.0
    overflow = [series for series in family.series if dict(series.labels) == {"otel_metric_overflow": "true"}]
    assert len(overflow) == 1
    assert refused.labels("cardinality_guesses_total").m[refused.labels("cardinality_guesses_total").i] > 0
