"""
Engine `contrib`: what the kit does with a server span that another makes and ends.
"""

from __future__ import annotations

import ipaddress
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from opentelemetry import trace
from starlette.responses import StreamingResponse
from starlette.types import Message

from otel_kit import setup_observability
from otel_kit.settings import Settings
from otel_kit.testing import CapturedTelemetry

from .asgi_client import call, http_scope

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
PROXIES = (ipaddress.ip_network("10.0.0.0/8"),)


@pytest.fixture(params=["by the setting", "instrumented before"])
async def app(request: pytest.FixtureRequest, telemetry: CapturedTelemetry) -> AsyncIterator[FastAPI]:
    """
    A small application whose server spans are contrib's.
    """
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    application = FastAPI()
    by_setting = request.param == "by the setting"
    if not by_setting:
        FastAPIInstrumentor.instrument_app(application, exclude_spans=["send", "receive"])
    settings = Settings(engine="contrib" if by_setting else "kit", trusted_proxies=PROXIES)
    kit = setup_observability(application, settings=settings, checks={"database": lambda: False})

    @application.websocket("/ws")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())
        if websocket.query_params.get("fails"):
            raise OSError("in the middle")

    @application.get("/broken")
    async def broken() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"first"
            raise ValueError("in the middle")

        return StreamingResponse(chunks())

    @application.get("/traced")
    async def traced() -> str:
        with trace.get_tracer("tests").start_as_current_span("inside"):
            return "ok"

    yield application
    kit.undo()
    if not by_setting:
        FastAPIInstrumentor.uninstrument_app(application)


def server_spans(telemetry: CapturedTelemetry) -> list[Any]:
    """
    The server spans, in order.
    """
    return [span for span in telemetry.spans if span.kind.name == "SERVER"]


@pytest.mark.parametrize(("fails", "error"), [("", None), ("1", "OSError")])
def test_a_websocket_is_complete_before_its_span_ends(
    app: FastAPI, telemetry: CapturedTelemetry, caplog: pytest.LogCaptureFixture, fails: str, error: str | None
) -> None:
    """
    The span has route, 101 and error type like one of the kit's, and nobody touches it once it is over.
    """
    with (
        caplog.at_level(logging.WARNING, "opentelemetry"),
        TestClient(app, raise_server_exceptions=False) as client,
    ):
        try:
            with client.websocket_connect(f"/ws?fails={fails}") as socket:
                socket.send_text("hello")
                assert "hello" == socket.receive_text()
        except OSError:
            assert fails

    (span,) = server_spans(telemetry)
    found = (span.name, span.attributes["http.response.status_code"], span.attributes.get("error.type"))
    assert ("GET /ws", 101, error) == found
    assert [] == [record.getMessage() for record in caplog.records if record.name.startswith("opentelemetry")]


async def test_a_stream_that_breaks_off_is_complete_before_its_span_ends(
    app: FastAPI, telemetry: CapturedTelemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The error type is on the span, which nobody touches once it is over, and the error is counted and told once.
    """
    # an older Starlette wraps it into a group
    with (
        caplog.at_level(logging.WARNING, "opentelemetry"),
        pytest.raises(Exception, match=r"in the middle|TaskGroup") as raised,
    ):
        await call(app, path="/broken")
    name = type(raised.value).__name__

    assert name in ("ValueError", "ExceptionGroup")
    (span,) = server_spans(telemetry)
    assert (name, "ERROR") == (span.attributes["error.type"], span.status.status_code.name)
    assert [] == [record.getMessage() for record in caplog.records if record.name.startswith("opentelemetry")]
    assert ["request_completed"] == [item.message for item in telemetry.logs if item.levelname == "ERROR"]
    assert 1.0 == telemetry.metrics.value("http_errors_total", method="GET", endpoint="/broken", error_type=name)


async def test_a_client_that_leaves_before_the_answer(app: FastAPI, telemetry: CapturedTelemetry) -> None:
    """
    A request that the server cancels ends as 499 on the span, too.
    """
    import asyncio

    @app.get("/slow")
    async def slow() -> None:
        raise asyncio.CancelledError

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    with pytest.raises(asyncio.CancelledError):
        await app(http_scope(path="/slow"), receive, send)

    (span,) = server_spans(telemetry)
    assert (499, True) == (
        span.attributes["http.response.status_code"],
        span.attributes["otel_kit.client_disconnected"],
    )


async def test_a_quiet_route_has_no_span_unless_it_fails(app: FastAPI, telemetry: CapturedTelemetry) -> None:
    """
    Health that is well leaves no span, health that is not leaves one.
    """
    answers = [await call(app, path=path) for path in ("/health", "/health/all", "/traced")]

    assert [200, 503, 200] == [answer.status for answer in answers]
    assert ["GET /health/all", "GET /traced"] == [span.name for span in server_spans(telemetry)]
    line = telemetry.logs[-2]
    assert f"{server_spans(telemetry)[0].context.span_id:016x}" == line.span_id


async def test_instrumentation_of_clients_goes_on_in_a_quiet_route(app: FastAPI, telemetry: CapturedTelemetry) -> None:
    """
    What keeps contrib's span away from a quiet route holds for that span alone.
    """
    from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled

    seen: list[bool] = []

    @app.get("/health")
    async def health() -> str:
        seen.append(is_http_instrumentation_enabled())
        return "ok"

    await call(app, path="/health")

    assert [True] == seen
    assert [] == server_spans(telemetry)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [("8.8.8.8", "1.2.3.4", "8.8.8.8"), ("10.1.2.3", "8.8.8.8", "8.8.8.8")],
)
async def test_a_strangers_trace_is_linked(
    app: FastAPI, telemetry: CapturedTelemetry, peer: str, forwarded: str, client: str
) -> None:
    """
    A stranger's trace is linked, behind a listed proxy too, and the client's address is the one of the trust rule.
    """
    headers = {"traceparent": TRACEPARENT, "X-Forwarded-For": forwarded}

    await call(app, path="/traced", headers=headers, client=(peer, 4711))

    (span,) = server_spans(telemetry)
    assert [int(TRACE, 16)] == [link.context.trace_id for link in span.links]
    assert (None, True) == (span.parent, span.context.trace_id != int(TRACE, 16))
    assert (client, peer) == (span.attributes["client.address"], span.attributes["network.peer.address"])


async def test_a_trusted_trace_is_joined(app: FastAPI, telemetry: CapturedTelemetry) -> None:
    """
    The trace of a local peer goes on, without a link to itself.
    """
    await call(app, path="/traced", headers={"traceparent": TRACEPARENT})

    (span,) = server_spans(telemetry)
    assert (int(TRACE, 16), ()) == (span.context.trace_id, tuple(span.links))


WITHOUT_SDK = f"""
import asyncio
from fastapi import FastAPI
from fastapi.testclient import TestClient
from otel_kit import setup_observability
app = FastAPI()
setup_observability(app)
@app.get("/x")
def x():
    import logging
    logging.getLogger("inside").warning("inside")
with TestClient(app) as client:
    client.get("/x", headers={{"traceparent": "{TRACEPARENT}"}})
    print(client.get("/metrics", headers={{"Accept": "application/openmetrics-text; version=1.0.0"}}).text)
"""


def test_without_the_sdk_the_callers_ids_are_not_taken() -> None:
    """
    Where `OTEL_SDK_DISABLED` leaves no span, neither lines nor exemplars carry the caller's ids as their own.
    """
    variables = {"OTEL_SDK_DISABLED": "true", "OTEL_KIT_ENGINE": "contrib", "RATELIMIT_ENABLED": "false"}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SDK], env=variables, capture_output=True, text=True, timeout=60, check=True
    )

    assert '"message":"inside"' in done.stdout
    assert 'http_requests_total{method="GET",endpoint="/x",status_code="200"} 1' in done.stdout
    assert TRACE not in done.stdout
    assert SPAN not in done.stdout
