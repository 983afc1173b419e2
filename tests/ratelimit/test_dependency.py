"""
The limit of a single route, as a FastAPI dependency.
"""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_kit import ConfigurationError, faults
from otel_kit.context import RequestRecord, current_record
from otel_kit.ratelimit import Limit, Limiter
from otel_kit.ratelimit.dependency import RateLimit
from tests.asgi_client import Answer, call, http_scope
from tests.ratelimit.asking import limiter_of, outcomes


def ringed(application: ASGIApp) -> ASGIApp:
    """
    The application with a record for each request, as the outer ring makes it.
    """

    async def ring(scope: Scope, receive: Receive, send: Send) -> None:
        record = RequestRecord(scope, "id")
        record.client, record.method = "192.0.2.1", scope["method"]
        token = current_record.set(record)
        try:
            await application(scope, receive, send)
        finally:
            current_record.reset(token)

    return ring


def limiter() -> Limiter:
    """
    A limiter without rules by path.
    """
    return limiter_of({})


async def statuses(application: ASGIApp, *paths: str) -> list[int]:
    """
    The statuses of requests, one after the other.
    """
    return [(await call(ringed(application), path=path)).status for path in paths]


async def test_a_route_s_limit_answers_like_any_other() -> None:
    """
    What is over a route's limit gets the contract's document and headers, named by the function.
    """
    app = FastAPI()
    limit = RateLimit(limiter(), "1/minute")

    @app.get("/report", dependencies=[Depends(limit)])
    async def monthly() -> str:
        return "x"

    first, second = [await call(ringed(app), path="/report") for _ in range(2)]

    assert (200, 429) == (first.status, second.status)
    assert (
        b'{"error":"rate_limit_exceeded","message":"Rate limit exceeded: 1 per 1 minute","retry_after":60}'
        == second.body
    )
    assert ("60", '"monthly";q=1;w=60', '"monthly";r=0;t=60') == headers_of(second)
    assert {"admitted": 1, "refused": 1} == outcomes("monthly")


def headers_of(answer: Answer) -> tuple[str, str, str]:
    """
    The three headers of a refusal.
    """
    return answer.header("retry-after"), answer.header("ratelimit-policy"), answer.header("ratelimit")


async def test_routes_count_apart_unless_they_bear_one_name() -> None:
    """
    The same limit on two routes is two buckets; with a name it is one.
    """
    app, engine = FastAPI(), limiter()
    apart, together = RateLimit(engine, "1/minute"), RateLimit(engine, "1/minute", name="both")

    for path, limit in (("/a", apart), ("/b", apart), ("/c", together), ("/d", together)):

        def route() -> str:
            return "x"

        route.__qualname__ = path
        app.get(path, dependencies=[Depends(limit)])(route)

    assert [200, 200, 429, 200, 429] == await statuses(app, "/a", "/b", "/a", "/c", "/d")


async def test_a_mounted_application_and_a_router_are_limited() -> None:
    """
    A limit holds for every route of a router, and inside of a mounted application.
    """
    app, inner = FastAPI(), FastAPI()
    engine = limiter()
    router = APIRouter(prefix="/r", dependencies=[Depends(RateLimit(engine, "1/minute"))])

    @router.get("/x")
    def of_router() -> str:
        return "x"

    @inner.get("/y", dependencies=[Depends(RateLimit(engine, "1/minute"))])
    def of_mount() -> str:
        return "y"

    app.include_router(router)
    app.mount("/m", inner)

    assert [200, 429, 200, 429] == await statuses(app, "/r/x", "/r/x", "/m/y", "/m/y")


async def test_the_same_limit_on_router_and_route_counts_once() -> None:
    """
    A request takes from one bucket once, however often the limit is declared above it.
    """
    app, engine = FastAPI(), limiter()
    router = APIRouter(dependencies=[Depends(RateLimit(engine, "2/minute"))])

    @router.get("/x", dependencies=[Depends(RateLimit(engine, "2/minute"))])
    def twice() -> str:
        return "x"

    app.include_router(router)

    assert [200, 200, 429] == await statuses(app, "/x", "/x", "/x")


async def test_cost_and_limit_objects_are_taken() -> None:
    """
    A route may cost more, by argument or by a whole `Limit`.
    """
    app, engine = FastAPI(), limiter()
    dear = RateLimit(engine, "4/minute", cost=2)
    whole = RateLimit(engine, Limit("4/minute", cost=lambda connection: 4, strategy="moving-window"))
    app.get("/dear", dependencies=[Depends(dear)])(lambda: "x")
    app.get("/whole", dependencies=[Depends(whole)])(lambda: "x")

    assert [200, 200, 429, 200, 429] == await statuses(app, "/dear", "/dear", "/dear", "/whole", "/whole")


async def test_without_the_kit_around_it_nothing_is_limited() -> None:
    """
    Where no request is recorded, as after `undo`, the route answers as if it had no limit.
    """
    app = FastAPI()
    app.get("/x", dependencies=[Depends(RateLimit(limiter(), "1/minute"))])(lambda: "x")

    assert [200, 200] == [(await call(app, path="/x")).status for _ in range(2)]


async def test_a_fault_lets_pass() -> None:
    """
    When the limiter fails the route answers, and the fault is counted.
    """
    app = FastAPI()
    broken: Any = object()
    app.get("/x", dependencies=[Depends(RateLimit(broken, "1/minute"))])(lambda: "x")
    before = faults.counts().get("ratelimit", 0)

    assert [200, 200] == await statuses(app, "/x", "/x")
    assert 2 == faults.counts()["ratelimit"] - before


@pytest.mark.parametrize("limit", ["", "much", "-1/minute", "0/second", 5, None])
def test_a_bad_limit_is_an_error_where_it_is_written(limit: Any) -> None:
    """
    A route's limit is checked when the module is read; no limit at all is no limit.
    """
    if limit is None:
        assert RateLimit(limiter(), Limit(None)) is not None
        return
    with pytest.raises(ConfigurationError, match="limit"):
        RateLimit(limiter(), limit)


@pytest.mark.parametrize("name", ["", "a\nb", "a" * 200, 5])
def test_a_bad_name_is_an_error(name: Any) -> None:
    """
    A name becomes a label and stands in a header.
    """
    with pytest.raises(ConfigurationError, match="name"):
        RateLimit(limiter(), "1/minute", name=name)


async def test_a_websocket_s_handshake_is_limited() -> None:
    """
    A route for websockets refuses the handshake, with the same answer where the server can send one.
    """
    app = FastAPI()

    @app.websocket("/ws", dependencies=[Depends(RateLimit(limiter(), "1/minute"))])
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    first, second = [await handshake(ringed(app), "/ws") for _ in range(2)]

    assert "websocket.accept" == first[0]["type"]
    assert ("websocket.http.response.start", 429) == (second[0]["type"], second[0]["status"])
    assert (b"retry-after", b"60") in second[0]["headers"]


async def handshake(application: ASGIApp, path: str) -> list[Message]:
    """
    What the application sends in answer to a handshake, by a server that can send an answer for it.
    """
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(dict(message))

    scope = http_scope(path=path) | {
        "type": "websocket",
        "scheme": "ws",
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }
    await application(scope, receive, send)
    return sent
