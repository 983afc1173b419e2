"""
Routes that want a key.
"""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, WebSocket
from pydantic import SecretStr
from starlette.responses import JSONResponse
from starlette.testclient import TestClient, WebSocketDenialResponse

from otel_kit.errors import ConfigurationError
from otel_kit.identity import Identities
from otel_kit.identity.dependencies import RequireApiKey, RequireTier
from otel_kit.refusals import Refusal, RefusedError
from tests.identity.issuer import SECRET, token
from tests.identity.test_keys import configured

KEYS = [configured("alice", b"alice's key"), configured("bob", b"bob's key", "paid")]
ALICE = {"X-API-Key": "alice's key"}
BOB = {"Authorization": "Bearer bob's key"}


def routes(identities: Identities) -> APIRouter:
    """
    A route of each kind.
    """
    router = APIRouter()
    holder, paying = Depends(RequireApiKey(identities)), Depends(RequireTier(identities, "paid"))

    @router.get("/key")
    @router.head("/key", include_in_schema=False)
    def key(identity: Any = holder) -> Any:
        return {"kind": identity.kind, "value": identity.value, "tier": identity.tier}

    @router.get("/paid", dependencies=[paying])
    async def paid() -> str:
        return "paid"

    @router.websocket("/socket")
    async def socket(socket: WebSocket, identity: Any = holder) -> None:
        await socket.accept()
        await socket.send_text(identity.value)
        await socket.close()

    return router


def application(identities: Identities) -> FastAPI:
    """
    The routes on the application, and once more in one mounted below it.
    """
    app, mounted = FastAPI(), FastAPI()
    app.include_router(routes(identities))
    mounted.include_router(routes(identities))
    app.mount("/mounted", mounted)
    return app


CLIENT = TestClient(application(Identities(KEYS, SecretStr(SECRET), [])))


@pytest.fixture(params=["", "/mounted"])
def base(request: pytest.FixtureRequest) -> str:
    """
    Where the routes are.
    """
    return str(request.param)


@pytest.mark.parametrize(("headers", "expected"), [(ALICE, "alice"), (BOB, "bob")])
def test_a_valid_key_gets_in(base: str, headers: dict[str, str], expected: str) -> None:
    """
    By either header, and the route is handed the identity.
    """
    assert expected == CLIENT.get(f"{base}/key", headers=headers).json()["value"]


@pytest.mark.parametrize(
    "headers", [{}, {"X-API-Key": "nobody's"}, {"Authorization": "Bearer x"}, {**ALICE, **BOB}, {"X-API-Key": ""}]
)
@pytest.mark.parametrize("path", ["/key", "/paid"])
def test_without_a_valid_key_it_is_401(base: str, path: str, headers: dict[str, str]) -> None:
    """
    None, a wrong one, two of different owners: the same answer, which names both ways in.
    """
    answer = CLIENT.get(base + path, headers=headers)

    assert (401, "unauthorized") == (answer.status_code, answer.json()["error"])
    assert {"error", "message"} == answer.json().keys()
    assert ['Bearer realm="api"', 'ApiKey realm="api"'] == answer.headers.get_list("www-authenticate")


def test_the_wrong_tier_is_403(base: str) -> None:
    """
    A valid key of another tier is known and not let in.
    """
    answer = CLIENT.get(f"{base}/paid", headers=ALICE)

    assert (403, "forbidden") == (answer.status_code, answer.json()["error"])
    assert "insufficient_scope" in answer.headers["www-authenticate"]


def test_the_right_tier_gets_in(base: str) -> None:
    """
    A key of the tier is let in.
    """
    assert 200 == CLIENT.get(f"{base}/paid", headers=BOB).status_code


def test_a_token_counts_for_its_tier_and_is_no_key() -> None:
    """
    A verified token with the tier in its claims is let in where a tier is wanted, not where a key is.
    """
    paid, free = ({"Authorization": f"Bearer {token(tier=tier).decode()}"} for tier in ("paid", "free"))

    assert [200, 403] == [CLIENT.get("/paid", headers=headers).status_code for headers in (paid, free)]
    assert 401 == CLIENT.get("/key", headers=paid).status_code


@pytest.mark.parametrize("path", ["/key", "/paid"])
def test_where_no_key_is_configured_nobody_gets_in(path: str) -> None:
    """
    Without configured keys the answer is 401, whatever is sent.
    """
    client = TestClient(application(Identities([], None, [])))

    assert [401, 401] == [client.get(path, headers=headers).status_code for headers in ({}, ALICE)]


def test_websockets_are_guarded(base: str) -> None:
    """
    A handshake with a key is accepted; one without is refused by the same answer.
    """
    with CLIENT.websocket_connect(f"{base}/socket", headers=ALICE) as socket:
        assert "alice" == socket.receive_text()
    with pytest.raises(WebSocketDenialResponse) as refused, CLIENT.websocket_connect(f"{base}/socket"):
        pass

    assert (401, "unauthorized") == (refused.value.status_code, refused.value.json()["error"])


def test_problem_json_for_those_who_ask() -> None:
    """
    The answer comes in the form that the client accepts.
    """
    answer = CLIENT.get("/key", headers={"Accept": "application/problem+json"})

    assert "application/problem+json" == answer.headers["content-type"]
    assert (401, "unauthorized") == (answer.json()["status"], answer.json()["error"])


def test_head_has_no_body() -> None:
    """
    A refused HEAD is answered as one.
    """
    answer = CLIENT.head("/key")

    assert (401, b"") == (answer.status_code, answer.content)


def test_openapi_shows_both_ways_as_alternatives() -> None:
    """
    The schema has a scheme for each header, and an operation wants one of them.
    """
    schema = CLIENT.get("/openapi.json").json()

    assert {
        "ApiKeyHeader": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "ApiKeyBearer": {"type": "http", "scheme": "bearer"},
    } == schema["components"]["securitySchemes"]
    for path in ("/key", "/paid"):
        assert [{"ApiKeyHeader": []}, {"ApiKeyBearer": []}] == schema["paths"][path]["get"]["security"]
        assert "parameters" not in schema["paths"][path]["get"]


@pytest.mark.parametrize("tiers", [(), ("",), ("a b",), (7,), ("paid", "-")])
def test_a_tier_is_a_name(tiers: tuple[Any, ...]) -> None:
    """
    What no key could have as its tier is an error where the route is made.
    """
    with pytest.raises(ConfigurationError, match="require_tier"):
        RequireTier(Identities(KEYS, None, []), *tiers)


def test_an_application_may_answer_by_itself() -> None:
    """
    A handler of the application's own for refusals stays in charge; one for other HTTP errors is not asked.
    """
    app = application(Identities(KEYS, None, []))

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"other": True}, error.status_code)

    client = TestClient(app)
    assert "unauthorized" == client.get("/key").json()["error"]

    app = application(Identities(KEYS, None, []))

    @app.exception_handler(RefusedError)
    async def own(request: Request, error: RefusedError) -> JSONResponse:
        return JSONResponse({"own": error.refusal.error}, 418)

    client = TestClient(app)
    assert (418, {"own": "unauthorized"}) == ((answer := client.get("/key")).status_code, answer.json())


def test_without_a_handler_the_error_is_an_ordinary_one() -> None:
    """
    Raised by itself, a refusal is a FastAPI error with the same status, headers and facts.
    """
    app = FastAPI()
    refusal = Refusal(429, "slow_down", "Wait.", fields={"retry_after": 3}, headers=[(b"a", b"1"), (b"a", b"2")])

    @app.get("/")
    def refuse() -> None:
        raise RefusedError(refusal)

    answer = TestClient(app).get("/")

    assert (429, "1, 2") == (answer.status_code, answer.headers["a"])
    assert {"error": "slow_down", "message": "Wait.", "retry_after": 3} == answer.json()["detail"]
