"""
What the documented systems' routes say: when all is well, and in each way that it is not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from otel_kit.health import Checks, Health, Providers
from otel_kit.health_layout import Facts, HealthRoutes, Memory
from otel_kit.ledger import Gauge
from otel_kit.profiles.platform import HEALTH as PLATFORM_HEALTH
from otel_kit.profiles.todo import HEALTH as TODO_HEALTH
from otel_kit.profiles.xionimus import HEALTH as XIONIMUS_HEALTH
from tests.health.asking import Asked, ask_route, health_of

DATABASE_DOWN = "ConnectionError: no route to db.internal"
FACTS = Facts("3.1.4", "production", True, "INFO", lambda: Memory(26.9, 46891.06))


async def good() -> None:
    """
    Healthy.
    """


def bad() -> None:
    """
    Not healthy.
    """
    raise ConnectionError("no route to db.internal")


def anybody(scope: object) -> bool:
    """
    Trusts every peer.
    """
    return True


def checks_of(database: Callable[[], Any] | None = good, **others: Callable[[], Any]) -> Checks:
    """
    The database's check, if there is one, and others that are critical.
    """
    checks = Checks(timeout_seconds=5.0)
    if database is not None:
        checks.add("database", database, type="SQLite")
    for name, function in others.items():
        checks.add(name, function)
    return checks


def hanging() -> Checks:
    """
    A database whose check takes its whole time.
    """
    checks = Checks(timeout_seconds=0.05)
    checks.add("database", lambda: asyncio.sleep(60), type="SQLite")
    return checks


def providers_of(**declared: Any) -> Providers:
    """
    These providers.
    """
    providers = Providers(timeout_seconds=5.0)
    providers.declare(declared)
    return providers


def is_now(timestamp: str) -> bool:
    """
    Whether it is ISO 8601 with microseconds and an offset, of this minute.
    """
    at = datetime.fromisoformat(timestamp)
    return len("2025-10-01T05:08:03.580606+00:00") == len(timestamp) and abs(datetime.now(at.tzinfo) - at) < timedelta(
        minutes=1
    )


# -- todo -----------------------------------------------------------------------------------------


async def test_todo_is_alive() -> None:
    """
    `/health` says so with the time, and runs no check.
    """
    runs: list[int] = []
    asked = await ask_route(health_of(checks_of(lambda: runs.append(1)), TODO_HEALTH), "/health")

    assert (200, "healthy", ["status", "timestamp"]) == (asked.status, asked.document["status"], [*asked.document])
    assert (True, []) == (is_now(asked.document["timestamp"]), runs)


async def test_todo_is_ready() -> None:
    """
    Each declared check is true.
    """
    asked = await ask_route(health_of(checks_of(auth=good), TODO_HEALTH), "/health/ready")

    assert (200, {"status": "ready", "services": {"database": True, "auth": True}}) == (asked.status, asked.document)


@pytest.mark.parametrize("checks", [checks_of(bad, auth=good), hanging()])
async def test_todo_is_not_ready(checks: Checks) -> None:
    """
    503, and the check that fails or hangs is false.
    """
    asked = await ask_route(health_of(checks, TODO_HEALTH), "/health/ready")

    assert (503, "not_ready", False) == (
        asked.status,
        asked.document["status"],
        asked.document["services"]["database"],
    )


async def test_todo_stays_ready_without_what_is_not_critical() -> None:
    """
    It is false in the document all the same.
    """
    checks = checks_of()
    checks.add("cache", bad, critical=False)
    asked = await ask_route(health_of(checks, TODO_HEALTH), "/health/ready")

    assert (200, {"database": True, "cache": False}) == (asked.status, asked.document["services"])


async def test_todo_is_not_ready_while_it_drains() -> None:
    """
    The services are as they were last seen; nothing is asked any more.
    """
    runs: list[int] = []
    health = health_of(checks_of(lambda: runs.append(1)), TODO_HEALTH)
    await ask_route(health, "/health/ready")
    health.stopping()
    asked = await ask_route(health, "/health/ready")
    await health.close()

    assert (503, {"status": "not_ready", "services": {"database": True}}) == (asked.status, asked.document)
    assert [1] == runs


# -- xionimus -------------------------------------------------------------------------------------


def xionimus(checks: Checks | None = None, providers: Providers | None = None, **options: Any) -> Health:
    """
    With a database that answers and a provider that is configured, unless told otherwise.
    """
    options = {"facts": lambda: FACTS, **options}
    return health_of(
        checks_of() if checks is None else checks,
        XIONIMUS_HEALTH,
        providers=providers_of(openai=True) if providers is None else providers,
        **options,
    )


async def test_xionimus_with_every_field() -> None:
    """
    The whole document, in the documented order.
    """
    providers = providers_of(openai=True, anthropic=lambda: False, perplexity=False)
    asked = await ask_route(xionimus(providers=providers), "/api/health")
    at, uptime = asked.document.pop("timestamp"), asked.document.pop("uptime_seconds")

    assert (200, True, 0) == (asked.status, is_now(at), uptime)
    assert {
        "status": "healthy",
        "version": "3.1.4",
        "platform": "Xionimus AI",
        "services": {
            "database": {"status": "connected", "type": "SQLite", "error": None},
            "ai_providers": {
                "configured": 1,
                "total": 3,
                "status": {"openai": True, "anthropic": False, "perplexity": False},
            },
        },
        "system": {"memory_used_percent": 26.9, "memory_available_mb": 46891.06},
        "environment": {"debug": True, "log_level": "INFO"},
    } == asked.document


async def test_xionimus_has_the_documented_version_where_nobody_gave_one() -> None:
    """
    As its documents show it.
    """
    asked = await ask_route(xionimus(facts=Facts), "/api/health")

    assert "2.0.0" == asked.document["version"]


async def test_xionimus_on_a_machine_that_tells_nothing() -> None:
    """
    The fields of memory are there, and null.
    """
    asked = await ask_route(xionimus(facts=Facts), "/api/health")

    assert {"memory_used_percent": None, "memory_available_mb": None} == asked.document["system"]


@pytest.mark.parametrize("providers", [providers_of(), providers_of(openai=False, anthropic=lambda: None)])
async def test_xionimus_is_limited_without_a_provider(providers: Providers) -> None:
    """
    None declared, or none configured: it works all the same.
    """
    asked = await ask_route(xionimus(providers=providers), "/api/health")
    told = asked.document["services"]["ai_providers"]

    assert (200, "limited", (0, len(providers))) == (
        asked.status,
        asked.document["status"],
        (told["configured"], told["total"]),
    )


@pytest.mark.parametrize(("setting", "status"), [(503, 503), (200, 200)])
@pytest.mark.parametrize("openai", [True, False])
@pytest.mark.parametrize("checks", [checks_of(bad), checks_of(search=bad), hanging()])
async def test_xionimus_is_degraded(checks: Checks, openai: bool, setting: int, status: int) -> None:
    """
    By the database or another critical check, with providers or without; the setting decides on the status.
    """
    health = xionimus(checks, providers_of(openai=openai), degraded_status=setting)
    asked = await ask_route(health, "/api/health")

    assert (status, "degraded") == (asked.status, asked.document["status"])


async def test_xionimus_is_degraded_by_its_database_whatever_it_was_declared_as() -> None:
    """
    Documented is the database, not how critical somebody thinks it is.
    """
    checks = Checks(timeout_seconds=5.0)
    checks.add("database", bad, critical=False)

    assert "degraded" == (await ask_route(xionimus(checks), "/api/health")).document["status"]


async def test_xionimus_is_not_degraded_by_what_is_not_critical() -> None:
    """
    That check is among the services, as one that fails.
    """
    checks = checks_of()
    checks.add("cache", bad, critical=False, type="Redis")
    asked = await ask_route(xionimus(checks), "/api/health")

    assert (200, "healthy") == (asked.status, asked.document["status"])
    assert {"status": "error", "type": "Redis", "error": "unavailable"} == asked.document["services"]["cache"]


@pytest.mark.parametrize(("trusted", "error"), [(anybody, DATABASE_DOWN), (None, "unavailable")])
async def test_xionimus_tells_the_error_to_trusted_peers(trusted: Callable[[object], bool] | None, error: str) -> None:
    """
    Others read a plain word, so that the field is not null where something is wrong.
    """
    asked = await ask_route(xionimus(checks_of(bad), trusted=trusted), "/api/health")

    assert {"status": "error", "type": "SQLite", "error": error} == asked.document["services"]["database"]


async def test_xionimus_without_a_check_of_its_database() -> None:
    """
    The document does not pretend that there is a connection, and the service does not fail for it.
    """
    asked = await ask_route(xionimus(Checks()), "/api/health")
    database = asked.document["services"]["database"]

    assert (200, "healthy", "unknown") == (asked.status, asked.document["status"], database["status"])
    assert database["error"].startswith("not checked")


async def test_xionimus_in_time_when_everything_hangs() -> None:
    """
    Checks and providers are asked at the same time, each within its own.
    """
    providers = Providers(timeout_seconds=0.05)
    providers.declare({name: lambda: asyncio.sleep(60) for name in ("openai", "anthropic")})
    begun = time.monotonic()
    asked = await ask_route(xionimus(hanging(), providers), "/api/health")

    assert (503, 0) == (asked.status, asked.document["services"]["ai_providers"]["configured"])
    assert time.monotonic() - begun < 2.0


@pytest.mark.parametrize("routes", [TODO_HEALTH, PLATFORM_HEALTH])
async def test_providers_are_asked_by_documents_that_tell_of_them(routes: HealthRoutes) -> None:
    """
    Nobody else has them run.
    """
    runs: list[int] = []
    health = health_of(checks_of(), routes, providers=providers_of(openai=lambda: runs.append(1)))
    for route in routes.routes:
        await ask_route(health, route.path)

    assert [] == runs


# -- platform -------------------------------------------------------------------------------------


def data(asked: Asked) -> Any:
    """
    What a procedure says that went well.
    """
    return asked.document["result"]["data"]


def error(asked: Asked) -> Any:
    """
    What one says that did not.
    """
    return asked.document["error"]["data"]


async def test_platform_checks_the_whole_system() -> None:
    """
    With each check by name, and the service's own facts.
    """
    asked = await ask_route(health_of(checks_of(), PLATFORM_HEALTH, facts=lambda: FACTS), "/trpc/health.check")
    told = data(asked)
    latency = told["checks"]["database"].pop("latencyMs")

    assert (200, True, True) == (asked.status, is_now(told.pop("timestamp")), 0 <= latency < 5000)
    assert {
        "status": "healthy",
        "uptime": 0,
        "version": "3.1.4",
        "environment": "production",
        "checks": {"database": {"status": "healthy"}},
    } == told


@pytest.mark.parametrize("checks", [checks_of(bad), hanging()])
@pytest.mark.parametrize(("procedure", "word"), [("health.check", "unhealthy"), ("health.readiness", "not_ready")])
async def test_platform_is_unhealthy(procedure: str, word: str, checks: Checks) -> None:
    """
    503 with tRPC's envelope of an error, in which the document stands all the same.
    """
    asked = await ask_route(health_of(checks, PLATFORM_HEALTH), f"/trpc/{procedure}")

    assert (503, 503, procedure) == (asked.status, error(asked)["httpStatus"], error(asked)["path"])
    assert (word, {"database"}) == (error(asked)["health"]["status"], {*error(asked)["health"]["checks"]})


@pytest.mark.parametrize(("trusted", "error_told"), [(anybody, DATABASE_DOWN), (None, None)])
async def test_platform_tells_the_error_to_trusted_peers(
    trusted: Callable[[object], bool] | None, error_told: str | None
) -> None:
    """
    Others see which check fails, and no text.
    """
    asked = await ask_route(health_of(checks_of(bad), PLATFORM_HEALTH, trusted=trusted), "/trpc/health.check")

    assert error_told == error(asked)["health"]["checks"]["database"].get("error")


async def test_platform_degraded_is_no_error() -> None:
    """
    It is documented for unhealthy alone that the probe fails.
    """
    checks = checks_of()
    checks.add("cache", bad, critical=False)
    asked = await ask_route(health_of(checks, PLATFORM_HEALTH), "/trpc/health.check")

    assert (200, "degraded") == (asked.status, data(asked)["status"])


async def test_platform_is_alive_whatever_its_checks_say() -> None:
    """
    Liveness runs none of them.
    """
    runs: list[int] = []
    asked = await ask_route(health_of(checks_of(lambda: runs.append(1)), PLATFORM_HEALTH), "/trpc/health.liveness")

    assert (200, "alive", []) == (asked.status, data(asked)["status"], runs)


async def test_platform_is_ready_and_then_drains() -> None:
    """
    Each check is true or false.
    """
    health = health_of(checks_of(), PLATFORM_HEALTH)
    ready = await ask_route(health, "/trpc/health.readiness")
    health.stopping()
    draining = await ask_route(health, "/trpc/health.readiness")
    await health.close()

    assert (200, "ready", {"database": True}) == (ready.status, data(ready)["status"], data(ready)["checks"])
    assert (503, "not_ready") == (draining.status, error(draining)["health"]["status"])


async def test_platform_shows_its_metrics() -> None:
    """
    What is handed over, to those who may read the page of metrics.
    """
    totals = {"api_requests_total": {"type": "counter", "value": 7}}
    health = health_of(None, PLATFORM_HEALTH, metrics=lambda: totals, trusted=anybody)
    asked = await ask_route(health, "/trpc/health.metrics")

    assert (200, totals) == (asked.status, data(asked))


@pytest.mark.parametrize(("status", "code"), [(401, "UNAUTHORIZED"), (403, "FORBIDDEN")])
async def test_platform_keeps_its_metrics_from_others(status: int, code: str) -> None:
    """
    By the rule of the page of metrics, in tRPC's words; nothing is collected for them.
    """
    runs: list[int] = []

    def collect() -> dict[str, Any]:
        runs.append(1)
        return {}

    health = health_of(
        None, PLATFORM_HEALTH, metrics=collect, refusal=lambda scope: (status, "refused", "Not for you.")
    )
    asked = await ask_route(health, "/trpc/health.metrics")

    assert (status, code, "Not for you.") == (asked.status, error(asked)["code"], asked.document["error"]["message"])
    assert [] == runs


async def test_a_page_of_metrics_in_plain_json() -> None:
    """
    The kind is the same in each form: a refusal says how to be let in.
    """
    route = HealthRoutes(tuple(_plain(route) for route in PLATFORM_HEALTH.routes if route.kind == "metrics"))
    health = health_of(None, route, refusal=lambda scope: (401, "unauthorized", "Send the token."))
    asked = await ask_route(health, "/metrics.json")

    assert (401, "unauthorized", "Bearer") == (
        asked.status,
        asked.document["error"],
        asked.answer.header("www-authenticate"),
    )


def _plain(route: Any) -> Any:
    return type(route)("/metrics.json", route.kind, route.document)


# -- all ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("routes", [TODO_HEALTH, XIONIMUS_HEALTH, PLATFORM_HEALTH])
async def test_kubernetes_probes_are_beside_the_documented_routes(routes: HealthRoutes) -> None:
    """
    Under the names that Kubernetes' own components use.
    """
    health = health_of(checks_of(), routes)

    assert [200, 200] == [(await ask_route(health, path)).status for path in ("/readyz", "/startupz")]
    await health.close()


@pytest.mark.parametrize(
    ("routes", "off"),
    [
        (TODO_HEALTH, ["part of /health/ready"]),
        (XIONIMUS_HEALTH, ["part of /api/health", "providers"]),
        (PLATFORM_HEALTH, []),
    ],
)
def test_what_a_document_can_not_tell_is_said(routes: HealthRoutes, off: list[str]) -> None:
    """
    A check that the system documents and the application does not declare is on the list of what is off.
    """
    assert off == [*health_of(None, routes).what_is_off()]


@pytest.mark.parametrize(
    ("routes", "names"), [(TODO_HEALTH, set()), (XIONIMUS_HEALTH, {"ai_providers"}), (PLATFORM_HEALTH, set())]
)
def test_names_that_a_document_uses_itself_are_reserved(routes: HealthRoutes, names: set[str]) -> None:
    """
    A check of such a name would take the place of something else.
    """
    assert names == routes.reserved_names


@pytest.mark.parametrize(
    ("routes", "free"),
    [
        (TODO_HEALTH, {"/health", "/health/ready"}),
        (XIONIMUS_HEALTH, {"/api/health"}),
        (PLATFORM_HEALTH, {f"/trpc/health.{name}" for name in ("check", "liveness", "readiness", "metrics")}),
    ],
)
def test_health_of_the_three_is_not_limited(routes: HealthRoutes, free: set[str]) -> None:
    """
    Nor are the probes.
    """
    assert {*free, "/readyz", "/startupz"} == {*routes.unlimited}


async def test_the_state_of_the_whole_service_is_a_metric() -> None:
    """
    1 for the word that holds, as soon as somebody asks; the others are 0.
    """
    gauge = Gauge("test_service_state", "State.", ["status"], registry=None)
    health = health_of(checks_of(), XIONIMUS_HEALTH, status_gauge=gauge)
    none: dict[str, bool] = {}
    seen = []
    for providers in (none, {"openai": True}):
        health.providers.declare(providers)
        await ask_route(health, "/api/health")
        seen.append({word: child.m[child.i] for (word,), child in gauge.series.items()})

    assert [
        {"healthy": 0.0, "limited": 1.0, "degraded": 0.0},
        {"healthy": 1.0, "limited": 0.0, "degraded": 0.0},
    ] == seen
