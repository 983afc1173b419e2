"""
Events inside of an application.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import Depends, FastAPI
from starlette.testclient import TestClient

from otel_kit import Settings, security_event, setup_observability
from otel_kit.testing import CapturedTelemetry

METRIC = "otel_kit_security_events_total"
ROOT = Path(__file__).parents[2]

PROFILED = """
import sys
from dataclasses import replace
from fastapi import FastAPI
from starlette.testclient import TestClient
from otel_kit import Counter, security_event, setup_observability
from otel_kit.event_layout import counted, with_events
from otel_kit.layout import Field, LogLayout
from otel_kit.profiles.goblin import PROFILE

violations_total = Counter("violations_total", "Violations.", registry=None)
layout = LogLayout(
    (
        Field("level", "level"),
        Field("userId", "user", caller=True),
        Field("msg", "message"),
        Field("correlation_id", "correlation_id"),
    ),
    level_names={"WARNING": "WARN"},
)
profile = replace(
    PROFILE,
    layout=layout,
    metrics=(*PROFILE.metrics, violations_total),
    events=with_events(counted("rls_violation", violations_total)),
)
app = FastAPI()
setup_observability(app, profile=profile)

@app.get("/")
def report():
    security_event("rls_violation", tenantId="t1", userId="u1", table="users", operation="INSERT")

with TestClient(app) as client:
    client.get("/")
    sys.stderr.write(client.get("/metrics").text)
"""


@pytest.fixture
def client() -> Iterator[TestClient]:
    """
    An application with a key of the tier `free`, and a handler that reports.
    """
    app = FastAPI()
    digest = hashlib.sha256(b"alice's key").hexdigest()
    kit = setup_observability(app, settings=Settings(api_keys=f"alice:free:{digest}"), limits={"/limited": "1/minute"})

    @app.post("/login")
    async def login() -> None:
        security_event("auth_failure", email="bob@example.com", provider="google", reason="invalid_token")

    @app.get("/paid", dependencies=[Depends(kit.require_tier("paid"))])
    async def paid() -> None: ...

    @app.get("/limited")
    async def limited() -> None: ...

    with TestClient(app) as client:
        yield client
    kit.undo()


def test_an_event_of_a_handler_has_the_requests_ids(client: TestClient, telemetry: CapturedTelemetry) -> None:
    """
    Correlation id of the answer, trace id of its span; the address is masked and nowhere in the clear.
    """
    answer = client.post("/login")
    event = telemetry.log("Authentication failed")

    assert ("audit", answer.headers["x-correlation-id"]) == (event.log_class, event.correlation_id)
    assert f"{telemetry.span('POST /login').context.trace_id:032x}" == event.trace_id
    assert ("b***@example.com", "/login") == (event.extra["email"], event.extra["url.path"])
    assert "bob@example.com" not in str([item.extra for item in telemetry.logs])
    assert 1 == telemetry.metrics.value(METRIC, event="auth_failure")


def test_a_key_of_another_tier_is_an_unauthorised_access_attempt(
    client: TestClient, telemetry: CapturedTelemetry
) -> None:
    """
    Whose key it was is said by its configured name.
    """
    assert 403 == client.get("/paid", headers={"X-API-Key": "alice's key"}).status_code
    event = telemetry.log("Unauthorised access attempt")

    assert ("security", "alice", "other_tier") == (event.log_class, event.extra["user_id"], event.extra["reason"])
    assert 1 == telemetry.metrics.value(METRIC, event="unauthorised_access_attempt")


def test_a_request_without_a_key_is_none(client: TestClient, telemetry: CapturedTelemetry) -> None:
    """
    Nobody has shown who he is; the status alone says it.
    """
    assert 401 == client.get("/paid").status_code
    assert 0 == telemetry.metrics.value(METRIC, event="unauthorised_access_attempt")


def test_a_refused_request_is_a_limit_hit(
    client: TestClient, telemetry: CapturedTelemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The limiter's own word for it is the catalogue's.
    """
    app = FastAPI()
    kit = setup_observability(app, settings=Settings(ratelimit_enabled=True), limits={"/": "1/minute"})
    with TestClient(app) as limited:
        statuses = [limited.get("/nothing").status_code for _ in range(2)]
    kit.undo()

    assert [404, 429] == statuses
    assert "/" == telemetry.log("Limit hit").extra["policy"]
    assert 1 == telemetry.metrics.value(METRIC, event="limit_hit")


def test_ids_of_an_event_pass_as_given(client: TestClient, telemetry: CapturedTelemetry) -> None:
    """
    Also those that would be a secret, or a card by chance, in any other record.
    """
    given = {"session_id": "sess-1", "token_id": "t9", "api_key_id": "ak_5", "tenantId": "4111111111111111"}

    security_event("failed_login", **given)

    said = telemetry.log("Failed login").extra
    assert given == {name: said[name] for name in given}


def test_a_profile_s_layout_and_metric_serve_an_event() -> None:
    """
    Its words for levels and messages, its field of the caller's, its counter, and all declared events with 0.
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROFILED],
        cwd=ROOT,
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        capture_output=True,
        timeout=60,
        check=True,
        text=True,
    )
    line = next(found for found in map(json.loads, done.stdout.splitlines()) if "event" in found)
    metrics = done.stderr.splitlines()

    assert ["level", "userId", "msg"] == list(line)[:3]
    assert ("WARN", "u1", "RLS policy violation detected") == (line["level"], line["userId"], line["msg"])
    assert ("t1", "users", "INSERT") == (line["tenantId"], line["table"], line["operation"])
    assert "violations_total 1" in metrics
    assert f'{METRIC}{{event="rls_violation"}} 1' in metrics
    assert f'{METRIC}{{event="failed_login"}} 0' in metrics
