"""
Which origins' browsers may read the answers.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from otel_kit.guards import cors, has_own_cors
from tests.asgi_client import Answer, call
from tests.counting import value_of

LISTED = "https://shop.example"
ORIGINS = (LISTED, "http://localhost:3000", "https://*.example.com", "http://*.localhost:8080")


async def page(scope: Scope, receive: Receive, send: Send) -> None:
    """
    An application that knows nothing of CORS, but has a `Vary` of its own.
    """
    if scope["type"] == "http":
        await PlainTextResponse("page", headers={"vary": "Accept"})(scope, receive, send)


async def ask(origin: str | None = LISTED, *origins: str, **scope: Any) -> Answer:
    """
    A simple request from this origin.
    """
    headers = [] if origin is None else [(b"origin", origin.encode("latin-1"))]
    return await call(cors(page, origins or ORIGINS), headers=headers, **scope)


async def preflight(origin: str = LISTED, *origins: str, method: str = "PUT", asked: str | None = None) -> Answer:
    """
    The question that a browser asks before the request.
    """
    headers = [(b"origin", origin.encode("latin-1")), (b"access-control-request-method", method.encode())]
    if asked is not None:
        headers.append((b"access-control-request-headers", asked.encode("latin-1")))
    return await call(cors(page, origins or ORIGINS), headers=headers, method="OPTIONS")


def cors_headers(answer: Answer) -> dict[str, str]:
    """
    Those that begin with `access-control-`.
    """
    return {name.decode(): value.decode() for name, value in answer.headers if name.startswith(b"access-control-")}


def varies(answer: Answer) -> set[str]:
    """
    What the answer depends on.
    """
    return {part.strip().lower() for value in answer.all("vary") for part in value.split(",")}


@pytest.mark.parametrize(
    "origin",
    [
        LISTED,
        "http://localhost:3000",
        "https://a.example.com",
        "https://pr-12.example.com",
        "https://a_b.example.com",
        "https://" + "a" * 63 + ".example.com",
        "http://shop.localhost:8080",
    ],
)
async def test_listed_origins_may_read(origin: str) -> None:
    """
    By name or by pattern, with credentials, and with the headers that a client of the kit needs.
    """
    answer = await ask(origin)

    assert {
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "X-Correlation-ID, Retry-After, RateLimit, RateLimit-Policy",
    } == cors_headers(answer)
    assert (b"page", {"accept", "origin"}) == (answer.body, varies(answer))


STRANGERS = [
    "https://evil.example",
    "http://shop.example",
    "https://shop.example:8443",
    "https://SHOP.example",
    "https://shop.example.evil.org",
    "https://evil-shop.example",
    "https://example.com",
    "https://.example.com",
    "https://a.b.example.com",
    "http://a.example.com",
    "https://a.example.com:8443",
    "https://evil-example.com",
    "https://aexample.com",
    "https://a.example.com.evil.org",
    "https://evil.org/.example.com",
    "https://evil.org#.example.com",
    "https://evil.org\\.example.com",
    "https://user@a.example.com",
    "https://a.example.com\n",
    "https://-a.example.com",
    "https://\xe4.example.com",
    "https://" + "a" * 64 + ".example.com",
    "https://*.example.com",
    "http://localhost:8080",
    "http://localhost",
    "null",
    "*",
    "",
    "x" * 100_000,
]


@pytest.mark.parametrize("origin", STRANGERS, ids=lambda origin: repr(origin[:40]))
async def test_other_origins_learn_nothing(origin: str) -> None:
    """
    The answer is what a client without an origin gets, and a preflight is refused without a hint.
    """
    answer, asked = await ask(origin), await preflight(origin)

    assert (200, b"page", {}) == (answer.status, answer.body, cors_headers(answer))
    assert (400, {}) == (asked.status, cors_headers(asked))
    assert {"accept", "origin"} == varies(answer)
    assert {"origin"} == varies(asked)


async def test_a_refused_preflight_says_so() -> None:
    """
    To people; a browser only looks for headers.
    """
    assert "origin_refused" == orjson.loads((await preflight("https://evil.example")).body)["error"]


async def test_answers_without_origin_vary_too() -> None:
    """
    A cache must not give them to a browser that has one.
    """
    answer = await ask(None)

    assert ({}, {"accept", "origin"}) == (cors_headers(answer), varies(answer))


async def test_a_preflight_of_a_listed_origin() -> None:
    """
    Everything that a browser wants to know, for some time.
    """
    answer = await preflight(asked="X-Requested-With, traceparent,x-shop-cart")
    allowed = {name.strip().lower() for name in answer.header("access-control-allow-headers").split(",")}

    assert (200, LISTED, "true") == (
        answer.status,
        answer.header("access-control-allow-origin"),
        answer.header("access-control-allow-credentials"),
    )
    assert "600" == answer.header("access-control-max-age")
    assert {"x-requested-with", "traceparent", "x-shop-cart"} <= allowed
    assert "origin" in varies(answer)


async def test_the_usual_headers_are_always_allowed() -> None:
    """
    Also where the preflight asks for none.
    """
    allowed = {name.strip().lower() for name in (await preflight()).header("access-control-allow-headers").split(",")}

    assert {"traceparent", "tracestate", "baggage", "x-correlation-id"} <= allowed
    assert {"authorization", "content-type", "x-api-key"} <= allowed


@pytest.mark.parametrize("method", ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"])
async def test_the_usual_methods_are_allowed(method: str) -> None:
    """
    Whichever the preflight asks for.
    """
    answer = await preflight(method=method)

    assert 200 == answer.status
    assert method in answer.header("access-control-allow-methods")


async def test_an_unknown_method_is_refused() -> None:
    """
    Even to a listed origin.
    """
    assert 400 == (await preflight(method="BREW")).status


@pytest.mark.parametrize("asked", ["x" * 5000, "a: b", "a\x00b", "\xff", "a;b", "(x)"])
async def test_what_is_no_list_of_headers_is_not_repeated(asked: str) -> None:
    """
    The answer names the usual headers alone.
    """
    answer = await preflight(asked=asked)

    assert (await preflight()).header("access-control-allow-headers") == answer.header("access-control-allow-headers")


async def test_any_origin_may_read_without_credentials() -> None:
    """
    A star means everybody, and nobody's cookies.
    """
    answer, asked = await ask("https://any.example", "*"), await preflight("null", "*")

    assert ("*", []) == (
        answer.header("access-control-allow-origin"),
        answer.all("access-control-allow-credentials"),
    )
    assert (200, "*", []) == (
        asked.status,
        asked.header("access-control-allow-origin"),
        asked.all("access-control-allow-credentials"),
    )


async def test_a_star_and_a_cookie() -> None:
    """
    A request that brings a cookie all the same is still not allowed to read by it.
    """
    headers = [(b"origin", b"https://any.example"), (b"cookie", b"session=1")]
    answer = await call(cors(page, ["*"]), headers=headers)

    assert [] == answer.all("access-control-allow-credentials")


async def test_options_that_is_no_preflight_reaches_the_application() -> None:
    """
    An application may have an OPTIONS of its own.
    """
    assert b"page" == (await ask(method="OPTIONS")).body


async def test_websockets_are_left_alone() -> None:
    """
    Browsers don't apply CORS to them.
    """
    given: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        given.append(send)

    async def receive() -> dict[str, Any]:
        return {}

    async def send(message: Any) -> None: ...

    await cors(app, ORIGINS)({"type": "websocket", "headers": [(b"origin", b"https://evil.example")]}, receive, send)

    assert [send] == given


async def test_a_refused_preflight_is_a_security_event() -> None:
    """
    A simple request is not: it carries its origin also where nobody asks for CORS.
    """
    before = value_of("otel_kit_security_events_total", event="origin_refused")
    await preflight("https://evil.example")
    await ask("https://evil.example")
    await preflight()

    assert 1 == value_of("otel_kit_security_events_total", event="origin_refused") - before


@pytest.mark.parametrize(
    ("origin", "shown"),
    [
        ("https://evil.example:8443", "https://evil.example:8443"),
        ("null", None),
        ("https://evil.example/?token=1", None),
        ("https://evil.example\n{}", None),
        ("https://" + "a" * 300, None),
    ],
)
async def test_the_event_names_clean_origins_only(
    origin: str, shown: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Anything else a client sends there is not repeated.
    """
    events: list[dict[str, object]] = []
    monkeypatch.setattr("otel_kit.guards.origins.security_event", lambda name, **fields: events.append(fields))
    await preflight(origin)

    assert [{} if shown is None else {"origin": shown}] == events


def test_the_applications_own_cors_is_noticed() -> None:
    """
    Starlette's class, or one derived from it.
    """

    class Own(CORSMiddleware):
        pass

    for kind in (CORSMiddleware, Own):
        app = FastAPI()
        assert not has_own_cors(app)
        app.add_middleware(kind, allow_origins=["*"])
        assert has_own_cors(app)


def test_other_middleware_is_no_cors() -> None:
    """
    Neither another class nor a function that makes one.
    """
    app = FastAPI()
    app.add_middleware(lambda app: app)

    assert not has_own_cors(app)
