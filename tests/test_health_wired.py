"""
Health through the one line: real facts in the documents, and where it stands beside the application and its limits.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine
from starlette.testclient import TestClient

from otel_kit import ConfigurationError, Settings, setup_observability
from otel_kit.health_layout import HealthRoutes
from otel_kit.integrations.checks import sqlalchemy_check
from otel_kit.profiles import Profile
from otel_kit.profiles.goblin import HEALTH as GOBLIN_HEALTH
from otel_kit.profiles.goblin import PROFILE
from otel_kit.profiles.platform import HEALTH as PLATFORM_HEALTH
from otel_kit.profiles.todo import HEALTH as TODO_HEALTH
from otel_kit.profiles.xionimus import HEALTH as XIONIMUS_HEALTH
from otel_kit.testing import CapturedTelemetry

LIMITS_ON = Settings(ratelimit_enabled=True)


def profile_of(health: HealthRoutes, **different: Any) -> Profile:
    """
    These routes under metrics that a process may have beside those of other tests.
    """
    return replace(PROFILE, health=health, quiet=(), limits={}, **different)


def document_of(app: FastAPI, path: str = "/api/health", **headers: str) -> Any:
    """
    What is answered.
    """
    with TestClient(app) as client:
        return client.get(path, headers=headers).json()


def xionimus(app: FastAPI | None = None, **options: Any) -> Any:
    """
    The one document of an application.
    """
    app = FastAPI() if app is None else app
    setup_observability(app, **{"profile": profile_of(XIONIMUS_HEALTH), **options})
    return document_of(app)


@pytest.mark.parametrize(
    ("settings", "own", "version"),
    [
        (Settings(app_version="1.2.3"), {"version": "4.5.6"}, "1.2.3"),
        (Settings(), {"version": "4.5.6"}, "4.5.6"),
        (Settings(), {}, "2.0.0"),
    ],
)
def test_the_version(settings: Settings, own: dict[str, Any], version: str) -> None:
    """
    `APP_VERSION` goes before what the application says of itself; without both it is the documented one.
    """
    assert version == xionimus(FastAPI(**own), settings=settings)["version"]


@pytest.mark.parametrize("debug", [True, False])
def test_the_debug_flag(debug: bool) -> None:
    """
    The application's.
    """
    assert debug is xionimus(FastAPI(debug=debug))["environment"]["debug"]


@pytest.mark.parametrize(
    ("number", "word"), [(logging.WARNING, "WARN"), (logging.ERROR, "ERROR"), (5, "TRACE"), (25, "Level 25")]
)
def test_the_level_in_force(number: int, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    As it is now, whatever it was at the start, in the profile's word for it.
    """
    app = FastAPI()
    layout = replace(PROFILE.layout, level_names={"WARNING": "WARN"})
    setup_observability(app, profile=profile_of(XIONIMUS_HEALTH, layout=layout))
    monkeypatch.setattr(logging.getLogger(), "level", number)

    assert word == document_of(app)["environment"]["log_level"]


def test_memory_is_that_of_the_machine() -> None:
    """
    From real sources.
    """
    told = xionimus()["system"]

    assert 0 <= told["memory_used_percent"] <= 100
    assert told["memory_available_mb"] > 0


def test_providers_are_declared_by_the_handle() -> None:
    """
    Values, plain and async functions; a second call adds to the first.
    """

    async def asked() -> bool:
        return True

    app = FastAPI()
    kit = setup_observability(app, profile=profile_of(XIONIMUS_HEALTH))
    kit.providers({"openai": False, "anthropic": lambda: True})
    kit.providers({"perplexity": asked})
    told = document_of(app)["services"]["ai_providers"]

    assert {
        "configured": 2,
        "total": 3,
        "status": {"openai": False, "anthropic": True, "perplexity": True},
    } == told
    assert [("openai", "not configured"), ("anthropic", "configured"), ("perplexity", "configured")] == [
        (one["name"], one["state"]) for one in kit.report()["health"]["providers"]
    ]


def test_a_database_by_the_ready_made_check(tmp_path: Path) -> None:
    """
    The engine in use, without anybody naming it.
    """
    engine = create_engine(f"sqlite:///{tmp_path}/shop.db")
    told = xionimus(checks={"database": sqlalchemy_check(engine)})["services"]["database"]
    engine.dispose()

    assert {"status": "connected", "type": "SQLite", "error": None} == told


def test_a_database_that_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Degraded with 503, and good again as soon as it answers.
    """
    monkeypatch.setattr("otel_kit.health.check.FRESH_SECONDS", 0.0)
    place = tmp_path / "data"
    engine = create_engine(f"sqlite:///{place}/shop.db")
    app = FastAPI()
    kit = setup_observability(app, profile=profile_of(XIONIMUS_HEALTH), checks={"database": sqlalchemy_check(engine)})
    kit.providers({"openai": True})
    with TestClient(app) as client:
        stopped = client.get("/api/health")
        place.mkdir()
        started = client.get("/api/health")
    engine.dispose()

    assert [(503, "degraded", "error"), (200, "healthy", "connected")] == [
        (answer.status_code, answer.json()["status"], answer.json()["services"]["database"]["status"])
        for answer in (stopped, started)
    ]


def test_a_type_by_decorator() -> None:
    """
    What the check asks, for documents that tell.
    """
    app = FastAPI()
    kit = setup_observability(app, profile=profile_of(XIONIMUS_HEALTH))
    kit.check("database", type="PostgreSQL")(lambda: None)

    assert "PostgreSQL" == document_of(app)["services"]["database"]["type"]


@pytest.mark.parametrize(
    ("settings", "headers", "status"),
    [
        (Settings(), {}, 200),
        (Settings(), {"X-Forwarded-For": "192.0.2.1"}, 403),
        (Settings(metrics_token="open"), {"X-Forwarded-For": "192.0.2.1"}, 401),
        (Settings(metrics_token="open"), {"X-Forwarded-For": "192.0.2.1", "Authorization": "Bearer open"}, 200),
    ],
)
def test_metrics_by_procedure_are_for_those_who_may_read_the_page(
    settings: Settings, headers: dict[str, str], status: int
) -> None:
    """
    One rule for both.
    """
    app = FastAPI()
    setup_observability(app, profile=profile_of(PLATFORM_HEALTH), settings=settings)
    with TestClient(app) as client:
        statuses = [client.get(path, headers=headers).status_code for path in ("/trpc/health.metrics", "/metrics")]

    assert [status, status] == statuses


@pytest.mark.parametrize(
    ("health", "path"),
    [
        (TODO_HEALTH, "/health"),
        (TODO_HEALTH, "/health/ready"),
        (XIONIMUS_HEALTH, "/api/health"),
        (PLATFORM_HEALTH, "/trpc/health.check"),
        (PLATFORM_HEALTH, "/trpc/health.metrics"),
    ],
)
@pytest.mark.parametrize("prefix", ["/", "*"])
def test_health_is_not_limited_where_the_system_does_not_limit_it(health: HealthRoutes, path: str, prefix: str) -> None:
    """
    A limit for all paths leaves it alone.
    """
    app = FastAPI()
    setup_observability(app, profile=profile_of(health), settings=LIMITS_ON, limits={prefix: "1/minute"})
    with TestClient(app) as client:
        traffic = [client.get("/").status_code for _ in range(2)]

        assert ([404, 429], {200}) == (traffic, {client.get(path).status_code for _ in range(3)})


def test_health_is_limited_by_name() -> None:
    """
    Who asks for it gets it.
    """
    app = FastAPI()
    limits = {"/api/health": "1/minute"}
    setup_observability(app, profile=profile_of(XIONIMUS_HEALTH), settings=LIMITS_ON, limits=limits)
    with TestClient(app) as client:
        assert [200, 429] == [client.get("/api/health").status_code for _ in range(2)]


@pytest.mark.parametrize(("health", "name"), [(XIONIMUS_HEALTH, "ai_providers"), (GOBLIN_HEALTH, "all")])
def test_a_check_that_would_hide_something(health: HealthRoutes, name: str) -> None:
    """
    A name that a route or a document uses is refused at set-up.
    """
    with pytest.raises(ConfigurationError, match=name):
        setup_observability(FastAPI(), profile=profile_of(health), checks={name: lambda: True})


def test_what_is_missing_is_on_the_report() -> None:
    """
    And gone from it when it is declared.
    """
    app = FastAPI()
    kit = setup_observability(app, profile=profile_of(XIONIMUS_HEALTH))
    before = {"part of /api/health", "providers"} & kit.report()["off"].keys()
    kit.checks.add("database", lambda: None)
    kit.providers({"openai": True})

    assert ({"part of /api/health", "providers"}, set()) == (before, before & kit.report()["off"].keys())


def mounted(path: str) -> FastAPI:
    """
    An application that has mounted another one, with a procedure of its own.
    """
    app, inner = FastAPI(), FastAPI(openapi_url=None)
    inner.add_api_route("/user.list", lambda: "listed")
    inner.add_api_route("/health.check", lambda: "mine")
    app.mount(path, inner)
    return app


def parameter() -> FastAPI:
    """
    One that serves all procedures by one route.
    """
    app = FastAPI()
    app.add_api_route("/trpc/{procedure}", lambda procedure: procedure)
    return app


@pytest.mark.parametrize(
    ("app", "path", "answer"),
    [
        (mounted("/trpc"), "/trpc/user.list", "listed"),
        (mounted("/trpc"), "/trpc/health.check", "mine"),
        (mounted("/trpc"), "/trpc/user.list,health.liveness", {"detail": "Not Found"}),
        (parameter(), "/trpc/user.list", "user.list"),
        (parameter(), "/trpc/health.check,user.list", "health.check,user.list"),
    ],
)
def test_procedures_of_the_applications_own(app: FastAPI, path: str, answer: object) -> None:
    """
    A mount or a route with a parameter has batches and other names, and a literal path what is there.
    """
    setup_observability(app, profile=profile_of(PLATFORM_HEALTH))

    assert answer == document_of(app, path)


@pytest.mark.parametrize("app", [mounted("/trpc"), parameter(), mounted("/api"), FastAPI()])
def test_single_procedures_of_health_beside_them(app: FastAPI) -> None:
    """
    They are the kit's to answer all the same.
    """
    setup_observability(app, profile=profile_of(PLATFORM_HEALTH))

    assert "alive" == document_of(app, "/trpc/health.liveness")["result"]["data"]["status"]


def test_a_route_of_the_application_over_the_page_of_a_check() -> None:
    """
    The application's wins, and the report says so.
    """
    app = FastAPI()
    kit = setup_observability(app, checks={"chroma": lambda: False})

    @app.get("/health/chroma")
    async def chroma() -> dict[str, str]:
        return {"own": "answer"}

    with TestClient(app) as client:
        assert {"own": "answer"} == client.get("/health/chroma").json()
    assert "the application has a route of its own there" == kit.report()["off"]["health route /health/chroma"]
    kit.undo()


def test_no_name_of_a_check_is_taken_for_a_secret(telemetry: CapturedTelemetry) -> None:
    """
    The start-up record tells of `auth`, which todo documents.
    """
    app = FastAPI()
    kit = setup_observability(app, profile="todo", checks={"auth": lambda: True})
    with TestClient(app):
        pass
    kit.undo()
    text = str(telemetry.log("otel_kit.started").extra)

    assert ("'name': 'auth'" in text, "no check is called database" in text) == (True, True)
