"""
Keys and tokens in an application that is set up.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

from otel_kit import Settings, security, setup_observability
from otel_kit.testing import CapturedTelemetry
from tests.identity.issuer import SECRET, token
from tests.identity.test_keys import configured

KEYS = (configured("alice", b"alice's key"), configured("bob", b"bob's key", "paid"))


@pytest.fixture
def client() -> Iterator[TestClient]:
    """
    Of an application with a public, a guarded and a mounted guarded route.
    """
    security.begin_anew()
    app, mounted = FastAPI(), FastAPI()
    kit = setup_observability(app, settings=Settings(api_keys=KEYS, jwt_key=SecretStr(SECRET), ratelimit_enabled=True))
    guard = Depends(kit.require_api_key)

    @app.get("/public")
    def public() -> str:
        return "public"

    @app.get("/guarded")
    @mounted.get("/guarded")
    def guarded(identity: Any = guard) -> str:
        return str(identity.value)

    @app.get("/paid", dependencies=[Depends(kit.require_tier("paid"))])
    def paid() -> str:
        return "paid"

    app.mount("/mounted", mounted)
    with TestClient(app) as client:
        yield client
    kit.undo()


@pytest.mark.parametrize("path", ["/guarded", "/mounted/guarded"])
def test_a_failed_key_is_one_event(client: TestClient, telemetry: CapturedTelemetry, path: str) -> None:
    """
    The limiter and the dependency both ask: one record, one count, the request's id, and nothing of the key.
    """
    answer = client.get(path, headers={"X-API-Key": "not a key of ours"})
    event = telemetry.log("Token validation failure")

    assert (401, "unauthorized") == (answer.status_code, answer.json()["error"])
    assert ("security", answer.headers["x-correlation-id"]) == (event.log_class, event.correlation_id)
    assert ("unknown_key", path) == (event.extra["reason"], event.extra["url.path"])
    assert 1 == telemetry.metrics.value("otel_kit_security_events_total", event="token_validation_failure")
    assert "not a key of ours" not in str([(item.message, item.extra) for item in telemetry.logs])


def test_a_forged_token_is_an_event_on_public_routes_too(client: TestClient, telemetry: CapturedTelemetry) -> None:
    """
    Where nothing is required the request passes, as an address, and the failure is told of.
    """
    forged = token("a secret of somebody else's, long").decode()

    assert 200 == client.get("/public", headers={"Authorization": f"Bearer {forged}"}).status_code
    assert "bad_signature" == telemetry.log("Token validation failure").extra["reason"]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/guarded", {"X-API-Key": "alice's key"}, 200),
        ("/mounted/guarded", {"Authorization": "Bearer alice's key"}, 200),
        ("/guarded", {}, 401),
        ("/paid", {"X-API-Key": "bob's key"}, 200),
        ("/paid", {"X-API-Key": "alice's key"}, 403),
        ("/public", {}, 200),
    ],
)
def test_what_is_no_failure_is_no_event(
    client: TestClient, telemetry: CapturedTelemetry, path: str, headers: dict[str, str], status: int
) -> None:
    """
    Valid keys, and requests without any, are told of by their status alone.
    """
    assert status == client.get(path, headers=headers).status_code
    assert 0 == telemetry.metrics.value("otel_kit_security_events_total", event="token_validation_failure")


def test_an_answer_has_the_id_and_is_counted(client: TestClient, telemetry: CapturedTelemetry) -> None:
    """
    A refused request appears in metrics like any other.
    """
    answer = client.get("/guarded")

    assert answer.headers["x-correlation-id"]
    labels = {"method": "GET", "endpoint": "/guarded", "status_code": "401"}
    assert 1 == telemetry.metrics.value("http_requests_total", **labels)


@pytest.mark.parametrize("library", ["jwt", "cryptography"])
def test_libraries_for_tokens_come_only_when_they_are_needed(library: str) -> None:
    """
    Without a JWT key in the settings neither is imported by set-up.
    """
    program = (
        "import sys, fastapi; from otel_kit import setup_observability; setup_observability(fastapi.FastAPI());"
        f"sys.exit({library!r} in sys.modules)"
    )
    root = Path(__file__).parent.parent.parent

    assert 0 == subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=root, timeout=60).returncode
