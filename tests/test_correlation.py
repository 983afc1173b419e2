"""
One id from the header through every place that a request reaches.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from otel_kit import correlation_id, setup_observability
from otel_kit.settings import Settings
from otel_kit.testing import CapturedTelemetry

from . import kinds
from .asgi_client import call

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
STRANGER = ("203.0.113.9", 4711)


@pytest.fixture
async def app() -> AsyncIterator[FastAPI]:
    """
    The application of all kinds, set up.
    """
    application = FastAPI()
    kit = setup_observability(application)
    kinds.add_routes(application)
    kinds.seen_ids.clear()
    yield application
    kit.undo()


@pytest.mark.parametrize("given", ["abc", "A.b_c-9", "x" * 128, "01J8Z3N5RTB4YH6Q2M9KD7W0XC"])
async def test_returns_a_safe_id(app: FastAPI, given: str) -> None:
    """
    A safe id from outside is echoed exactly.
    """
    answer = await call(app, path="/items/1", headers={"X-Correlation-ID": given})

    assert given == answer.header("x-correlation-id")


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"a b{}",
        b"x" * 129,
        b"x" * 60_000,
        b"' OR 1=1 --",
        b'","level":"FATAL',
        b"a\tb",
        b"\xff\xd8\x00",
        b"a\x00b",
        "ümlaut".encode("latin-1"),
        b"ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    ],
)
async def test_replaces_an_unsafe_id(app: FastAPI, given: bytes) -> None:
    """
    An id with other characters, too long, or that is a credential, is replaced by a new one.
    """
    answer = await call(app, path="/items/1", headers=[(b"x-correlation-id", given)])

    assert UUID.fullmatch(answer.header("x-correlation-id"))


async def test_replaces_two_ids(app: FastAPI) -> None:
    """
    A request with two ids gets a third.
    """
    pairs = [(b"x-correlation-id", b"one"), (b"x-correlation-id", b"two")]

    answer = await call(app, path="/items/1", headers=pairs)

    assert UUID.fullmatch(answer.header("x-correlation-id"))


async def test_replaces_the_applications_own_header(app: FastAPI) -> None:
    """
    Where the application sets the header itself there is still exactly one, the request's.
    """

    @app.get("/own-header")
    async def own_header() -> Any:
        from starlette.responses import PlainTextResponse

        return PlainTextResponse("ok", headers={"X-Correlation-ID": "mine"})

    answer = await call(app, path="/own-header", headers={"X-Correlation-ID": "theirs"})

    assert answer.header("x-correlation-id") == "theirs"


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("/items/1", ["dependency", "handler"]),
        ("/sync/1", ["sync"]),
        ("/stream", ["stream"] * 5),
        ("/background", ["background"]),
        ("/task", ["task"]),
        ("/sub/things/1", ["mounted"]),
    ],
)
async def test_every_place_sees_the_id(app: FastAPI, path: str, places: list[str]) -> None:
    """
    Handlers, dependencies, threads, streams, background tasks, tasks and mounts see the request's id.
    """
    await call(app, path=path, headers={"X-Correlation-ID": "the-one"})

    assert {place: ["the-one"] * places.count(place) for place in places} == kinds.seen_ids
    assert correlation_id() is None


def test_a_websocket_has_the_id(app: FastAPI, telemetry: CapturedTelemetry) -> None:
    """
    A websocket gives the id at its handshake, is one span, one line, and no response time.
    """
    with (
        TestClient(app) as client,
        client.websocket_connect("/ws/red", headers={"X-Correlation-ID": "socket-1"}) as socket,
    ):
        socket.send_text("hello")
        echoed = socket.receive_text()
        headers = dict(socket.extra_headers or [])

    assert echoed == "hello"
    assert headers[b"x-correlation-id"] == b"socket-1"
    assert kinds.seen_ids["websocket"] == ["socket-1"]
    span = telemetry.span("GET /ws/{room}")
    assert span.attributes["http.response.status_code"] == 101
    assert telemetry.log("request_completed").status_code == 101
    labels = {"method": "GET", "endpoint": "/ws/{room}"}
    assert telemetry.metrics.value("http_requests_total", **labels, status_code="101") == 1.0
    assert telemetry.metrics.value("http_request_duration_seconds", **labels) == 0.0


@pytest.mark.parametrize(("code", "cut_off"), [(1000, None), (1001, None), (1012, None), (1005, True), (1006, True)])
def test_only_a_websocket_that_is_cut_off_is_marked(
    app: FastAPI, telemetry: CapturedTelemetry, code: int, cut_off: bool | None
) -> None:
    """
    A client that closes in the ordinary way has ended the connection; one that vanishes has left it.
    """
    from starlette.websockets import WebSocketDisconnect

    with (
        TestClient(app) as client,
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/ws/red") as socket,
    ):
        socket.close(code)

    span = telemetry.span("GET /ws/{room}")
    assert cut_off is span.attributes.get("otel_kit.client_disconnected")
    assert (101, None) == (span.attributes["http.response.status_code"], span.attributes.get("error.type"))


def test_a_refused_websocket_is_a_403(app: FastAPI, telemetry: CapturedTelemetry) -> None:
    """
    A handshake that the application refuses is a 403 on span, line and counter.
    """
    from starlette.websockets import WebSocketDisconnect

    with TestClient(app) as client, pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws-refused"):
        pass

    assert telemetry.span("GET /ws-refused").attributes["http.response.status_code"] == 403
    assert telemetry.log("request_completed").status_code == 403


async def test_a_trusted_trace_is_joined(app: FastAPI, telemetry: CapturedTelemetry) -> None:
    """
    The trace of a private or loopback peer goes on here.
    """
    await call(app, path="/items/1", headers={"traceparent": TRACEPARENT, "tracestate": "vendor=1"})

    span = telemetry.span("GET /items/{item_id}")
    assert int(TRACE, 16) == span.context.trace_id
    assert int(SPAN, 16) == span.parent.span_id
    assert span.parent.is_remote


async def test_a_strangers_trace_is_linked(app: FastAPI, telemetry: CapturedTelemetry) -> None:
    """
    The trace of anybody else is linked, and a new one begins.
    """
    await call(app, path="/items/1", client=STRANGER, headers={"traceparent": TRACEPARENT})

    span = telemetry.span("GET /items/{item_id}")
    assert span.parent is None
    assert int(TRACE, 16) != span.context.trace_id
    (link,) = span.links
    assert int(TRACE, 16) == link.context.trace_id


@pytest.mark.parametrize(("forwarded_for", "joined"), [("8.8.8.8", False), ("192.168.7.7", True)])
async def test_a_listed_proxy_speaks_for_its_client(
    telemetry: CapturedTelemetry, forwarded_for: str, joined: bool
) -> None:
    """
    Behind a listed proxy the trace and baggage of a stranger are no more believed than without it.
    """
    from opentelemetry import baggage

    application = FastAPI()
    kit = setup_observability(application, settings=Settings(trusted_proxies=(ipaddress.ip_network("10.0.0.0/8"),)))

    @application.get("/baggage")
    async def read() -> Any:
        return baggage.get_baggage("tenant")

    headers = {"traceparent": TRACEPARENT, "baggage": "tenant=1", "X-Forwarded-For": forwarded_for}
    answer = await call(application, path="/baggage", client=("10.1.2.3", 4711), headers=headers)
    kit.undo()

    span = telemetry.span("GET /baggage")
    assert forwarded_for == span.attributes["client.address"]
    assert joined is (int(TRACE, 16) == span.context.trace_id)
    assert ([] if joined else [int(TRACE, 16)]) == [link.context.trace_id for link in span.links]
    assert ('"1"' if joined else "null") == answer.body.decode()


@pytest.mark.parametrize(("client", "expected"), [(("10.0.0.7", 1), "1"), (STRANGER, None)])
async def test_baggage_counts_from_trusted_peers_only(
    app: FastAPI, client: tuple[str, int], expected: str | None
) -> None:
    """
    Baggage of a trusted peer is seen and handed on, a stranger's is not.
    """
    from opentelemetry import baggage

    @app.get("/baggage")
    async def read() -> Any:
        return baggage.get_baggage("tenant")

    answer = await call(app, path="/baggage", client=client, headers={"baggage": "tenant=1"})

    assert ("null" if expected is None else f'"{expected}"') == answer.body.decode()


async def test_a_client_that_leaves_is_marked(app: FastAPI, telemetry: CapturedTelemetry) -> None:
    """
    When the client leaves a stream the span says so, and the request is no longer in progress.
    """
    from starlette.responses import StreamingResponse

    from .asgi_client import http_scope

    started = asyncio.Event()

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            while True:
                yield b"more"
                started.set()
                await asyncio.sleep(0.01)

        return StreamingResponse(chunks())

    async def receive() -> dict[str, Any]:
        await started.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        return None

    scope = http_scope(path="/endless")
    scope["asgi"]["spec_version"] = "2.3"
    await app(scope, receive, send)

    span = telemetry.span("GET /endless")
    assert span.attributes["otel_kit.client_disconnected"] is True
    assert telemetry.metrics.value("http_requests_in_progress", method="GET", endpoint="/endless") == 0.0


async def test_lines_of_the_request_carry_the_ids(app: FastAPI, telemetry: CapturedTelemetry) -> None:
    """
    What a handler logs has the request's ids and the caller's own fields.
    """

    @app.get("/logs")
    async def logs() -> None:
        logging.getLogger("shop").info("sold", extra={"order": 7})

    await call(app, path="/logs", headers={"X-Correlation-ID": "log-1"})

    item = telemetry.log("sold")
    span = telemetry.span("GET /logs")
    assert item.correlation_id == "log-1"
    assert f"{span.context.trace_id:032x}" == item.trace_id
    assert item.extra == {"order": 7}


async def test_an_exception_is_one_event_and_one_stack(app: FastAPI, telemetry: CapturedTelemetry) -> None:
    """
    An unhandled exception is one event on the span and one stack on the line.
    """
    with pytest.raises(ValueError, match="boom 7"):
        await call(app, path="/boom/7")

    span = telemetry.span("GET /boom/{n}")
    assert ["exception"] == [event.name for event in span.events]
    assert span.attributes["error.type"] == "ValueError"
    assert span.status.status_code.name == "ERROR"
    line = telemetry.log("request_completed")
    assert line.exception is not None
    assert line.exception.stack.count("ValueError: boom 7") == 1


async def test_a_failing_background_task_is_said_with_the_ids(app: FastAPI, telemetry: CapturedTelemetry) -> None:
    """
    What fails after the answer is an error of its own: counted, and logged with the request's ids.
    """
    with pytest.raises(KeyError):
        await call(app, path="/background-fails", headers={"X-Correlation-ID": "late-1"})

    assert telemetry.log("request_completed").levelname == "INFO"
    assert telemetry.log("request_failed_after_response").correlation_id == "late-1"
    labels = {"method": "GET", "endpoint": "/background-fails", "error_type": "KeyError"}
    assert telemetry.metrics.value("http_errors_total", **labels) == 1.0


async def test_spans_of_a_background_task_belong_to_the_trace(app: FastAPI, telemetry: CapturedTelemetry) -> None:
    """
    A background task's span is a child of the server span and carries the id.
    """
    await call(app, path="/background", headers={"X-Correlation-ID": "bg-1"})

    server, work = telemetry.span("GET /background"), telemetry.span("background-work")
    assert server.context.span_id == work.parent.span_id
    assert work.attributes["correlation_id"] == "bg-1"
