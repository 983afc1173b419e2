"""
Outgoing calls of the common client libraries.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import httpx2
import pytest
import requests
from fastapi import FastAPI

from otel_kit import setup_observability
from otel_kit.integrations import clients

from .asgi_client import call
from .next_service import NextService, next_service

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
