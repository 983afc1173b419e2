"""
Outgoing calls of the common client libraries.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import httpx2
import pytest
import requests
from fastapi import FastAPI

from otel_kit import setup_observability
from otel_kit.integrations import clients
from otel_kit.integrations.arrivals import Arrivals

from .asgi_client import call
from .next_service import NextService, next_service

ROOT = Path(__file__).parents[1]
TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def service() -> Iterator[NextService]:
    """
    The next service.
    """
    with next_service() as serving:
        yield serving


@pytest.fixture(params=["instrumentation", "headers"])
def app(request: pytest.FixtureRequest, service: NextService, monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    """
    An application that calls the next service, with and without OpenTelemetry's instrumentation of its clients.
    """
    if request.param == "headers":
        monkeypatch.setattr(clients, "_is_installed", lambda module: False)
    application = FastAPI()
    kit = setup_observability(application)

    @application.get("/httpx")
    async def by_httpx() -> int:
        async with httpx.AsyncClient() as client:
            return (await client.get(service.url)).status_code

    @application.get("/httpx-sync")
    def by_sync_httpx() -> int:
        return httpx.get(service.url).status_code

    @application.get("/httpx2")
    def by_httpx2() -> int:
        return httpx2.get(service.url).status_code

    @application.get("/requests")
    def by_requests() -> int:
        return requests.get(service.url, timeout=5).status_code

    assert {"httpx": request.param, "requests": request.param}.items() <= kit.report()["clients"].items()
    yield application
    kit.undo()


@pytest.mark.parametrize("path", ["/httpx", "/httpx-sync", "/httpx2", "/requests"])
async def test_outgoing_calls_carry_ids_and_baggage(app: FastAPI, service: NextService, path: str) -> None:
    """
    The next service gets the trace, the correlation id, and the id as baggage.
    """
    await call(app, path=path, headers={"X-Correlation-ID": "out-1", "traceparent": TRACEPARENT})

    (headers,) = service.received
    assert headers["x-correlation-id"] == "out-1"
    assert headers["traceparent"].split("-")[1] == TRACE
    assert headers["baggage"] == "correlation_id=out-1"


async def test_undo_takes_the_hooks_away(app: FastAPI, service: NextService) -> None:
    """
    After undo a call goes out as the application made it.
    """
    app._otel_kit.undo()  # type: ignore[attr-defined]

    await call(app, path="/requests", headers={"X-Correlation-ID": "out-1"})

    assert "x-correlation-id" not in service.received[0]


LATE = """
import asyncio, importlib, sys

from fastapi import FastAPI

from otel_kit import setup_observability
from otel_kit.integrations import clients
from tests.asgi_client import call

way, library, url = sys.argv[1:]
if way == "headers":
    clients._is_installed = lambda module: False
app = FastAPI()
kit = setup_observability(app)

@app.get("/")
def ask_on() -> int:
    if way == "instrumenting":
        importlib.import_module(f"opentelemetry.instrumentation.{library}")
    return importlib.import_module(library).get(url, timeout=5).status_code

async def serve() -> None:
    headers = {"X-Correlation-ID": "out-1", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    await call(app, path="/health")
    assert {"httpx", "httpx2", "requests"}.isdisjoint(sys.modules)
    if way == "undone":
        kit.undo()
        assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith("otel_kit")]
    await call(app, path="/", headers=headers)
    assert "_TellingLoader" != type(sys.modules[library].__loader__).__name__
    assert "_TellingLoader" != type(sys.modules[library].__spec__.loader).__name__
    if way != "undone":
        print(kit.report()["clients"][library])
        kit.undo()
        await call(app, path="/", headers=headers)

asyncio.run(serve())
"""


def ask_late(way: str, library: str, service: NextService) -> str:
    """
    A process of its own, in which a client library is imported by the first request.
    """
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LATE, way, library, service.url],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert 0 == ended.returncode, ended.stderr
    return ended.stdout


@pytest.mark.parametrize(
    ("way", "library", "joined"),
    [
        ("installed", "httpx", "instrumentation"),
        ("installed", "requests", "instrumentation"),
        ("installed", "httpx2", "headers"),
        ("headers", "httpx", "headers"),
        ("headers", "requests", "headers"),
        ("instrumenting", "httpx", "headers"),
        ("instrumenting", "requests", "headers"),
    ],
)
def test_a_library_that_is_imported_by_a_request(service: NextService, way: str, library: str, joined: str) -> None:
    """
    Its first call carries the ids already, also when an instrumentation is what imports it; none does after undo.
    """
    said = ask_late(way, library, service)

    first, after = service.received
    assert joined in said.splitlines()
    assert "out-1" == first["x-correlation-id"]
    assert TRACE == first["traceparent"].split("-")[1]
    assert {"x-correlation-id", "traceparent"}.isdisjoint(after)


@pytest.mark.parametrize("library", ["httpx", "httpx2", "requests"])
def test_a_library_that_is_imported_after_undo(service: NextService, library: str) -> None:
    """
    It is left as it is.
    """
    ask_late("undone", library, service)

    assert {"x-correlation-id", "traceparent"}.isdisjoint(service.received[0])


def test_a_library_that_can_not_be_imported() -> None:
    """
    Waiting for one changes nothing of that.
    """
    arrived: list[str] = []
    arrivals = Arrivals(arrived.append)
    arrivals.expect(["no_such_library"])
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        importlib.import_module("no_such_library")
    arrivals.expect([])

    assert ([], False) == (arrived, arrivals in sys.meta_path)
