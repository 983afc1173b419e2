"""
The routes of health, and what follows from an answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest

from otel_kit import faults
from otel_kit.faults import counts
from otel_kit.health import Checks
from otel_kit.health_layout import HealthReport, HealthRoute, HealthRoutes
from otel_kit.health_layout.routes import Form
from otel_kit.profiles.goblin import HEALTH as GOBLIN_HEALTH
from tests.health.asking import ask_route, health_of, new_gauge, value_of

SECRET = "postgresql://app:hunter2@db.internal/app"


async def good() -> None:
    """
    Healthy.
    """


def leaking() -> None:
    """
    Fails with more than anybody should read.
    """
    raise ConnectionError(f"can't connect to {SECRET}")


def some_fail() -> Checks:
    """
    A good check, and one whose failure only degrades.
    """
    checks = Checks()
    checks.add("database", good)
    checks.add("cache", leaking, critical=False)
    return checks


async def test_liveness_runs_no_check() -> None:
    """
    `/health` says that the process answers, and nothing more.
    """
    runs: list[int] = []
    asked = await ask_route(health_of({"database": lambda: runs.append(1)}), "/health")

    assert (200, {"status": "healthy"}, []) == (asked.status, asked.document, runs)


async def test_all_that_is_well() -> None:
    """
    `/health/all` names each check with its state and how long it took.
    """
    asked = await ask_route(health_of({"database": good}), "/health/all")
    latency = asked.document["services"]["database"].pop("latency_ms")

    assert 200 == asked.status
    assert {"status": "healthy", "services": {"database": {"status": "healthy"}}} == asked.document
    assert 0 <= latency < 10_000


async def test_no_checks_are_no_fault() -> None:
    """
    A service that declares none is healthy.
    """
    asked = await ask_route(health_of(), "/health/all")

    assert (200, {"status": "healthy", "services": {}}) == (asked.status, asked.document)


async def test_a_failed_check_is_named_in_time() -> None:
    """
    Though another hangs: 503 within the time of a check.
    """
    health = health_of({"a": good, "fails": leaking})
    health.checks.add("hangs", lambda: asyncio.sleep(60), timeout_seconds=0.1)
    begun = time.monotonic()
    asked = await ask_route(health, "/health/all")

    assert (503, "unhealthy") == (asked.status, asked.document["status"])
    assert ["healthy", "unhealthy", "unhealthy"] == [one["status"] for one in asked.document["services"].values()]
    assert time.monotonic() - begun < 2.0


@pytest.mark.parametrize(("setting", "status"), [(503, 503), (200, 200)])
async def test_degraded_by_setting(setting: int, status: int) -> None:
    """
    A check that isn't critical degrades; the status is the setting's, since the profile documents both.
    """
    asked = await ask_route(health_of(some_fail(), degraded_status=setting), "/health/all")

    assert (status, "degraded") == (asked.status, asked.document["status"])
    assert ["healthy", "unhealthy"] == [one["status"] for one in asked.document["services"].values()]


@pytest.mark.parametrize(("name", "status", "state"), [("database", 200, "healthy"), ("cache", 503, "unhealthy")])
async def test_one_service(name: str, status: int, state: str) -> None:
    """
    A check's own route tells of it alone; whether it is critical plays no part.
    """
    asked = await ask_route(health_of(some_fail(), degraded_status=200), f"/health/{name}")

    assert (status, state) == (asked.status, asked.document["status"])
    assert {"status", "latency_ms"} == set(asked.document)


@pytest.mark.parametrize("name", ["unknown", '<script>"', "ä", "x" * 100_000])
async def test_an_unknown_service(name: str) -> None:
    """
    404 in JSON, in which nothing of the name stands.
    """
    asked = await ask_route(health_of({"database": good}), f"/health/{name}")

    assert (404, "not_found") == (asked.status, asked.document["error"])
    assert name.encode() not in asked.answer.body
    assert "no-store" == asked.answer.header("cache-control")


async def test_the_text_of_an_error_is_for_trusted_peers() -> None:
    """
    Others read the documented fields; nobody reads a secret.
    """
    told = health_of({"db": leaking}, trusted=lambda scope: True, clean=lambda text: text.replace("hunter2", "[…]"))
    hidden = health_of({"db": leaking}, trusted=lambda scope: False, clean=str)
    trusted, stranger = await ask_route(told, "/health/all"), await ask_route(hidden, "/health/all")
    service = trusted.document["services"]["db"]

    assert "ConnectionError: can't connect to postgresql://app:[…]@db.internal/app" == service["error"]
    assert b"hunter2" not in trusted.answer.body
    assert {"status", "latency_ms"} == set(stranger.document["services"]["db"])


async def test_secrets_go_before_the_text_is_cut() -> None:
    """
    A long text is bounded, and its cut leaves no half of a secret.
    """

    def long() -> None:
        raise ValueError("x" * 480 + SECRET + "y" * 10_000)

    health = health_of({"db": long}, trusted=lambda scope: True, clean=lambda text: text.replace(SECRET, "[…]"))
    error = (await ask_route(health, "/health/db")).document["error"]

    assert (500, True, False) == (len(error), "[…]" in error, "postgres" in error)


async def test_an_error_that_no_json_can_hold() -> None:
    """
    A lone surrogate is replaced.
    """

    def odd() -> None:
        raise ValueError("\ud800")

    asked = await ask_route(health_of({"db": odd}, trusted=lambda scope: True), "/health/db")

    assert "ValueError: ?" == asked.document["error"]


@pytest.mark.parametrize("path", ["/health", "/health/all", "/health/database", "/readyz", "/startupz"])
async def test_head_answers_as_get_without_a_body(path: str) -> None:
    """
    The length is that of the document.
    """
    asked = await ask_route(health_of({"database": good}), path, method="HEAD")

    assert (200, b"") == (asked.status, asked.answer.body)
    assert int(asked.answer.header("content-length")) > 0


@pytest.mark.parametrize("path", ["/health", "/health/all", "/health/database", "/health/unknown", "/readyz"])
async def test_other_methods_are_refused(path: str) -> None:
    """
    405 says which are allowed, and runs nothing.
    """
    runs: list[int] = []
    asked = await ask_route(health_of({"database": lambda: runs.append(1)}), path, method="POST")

    assert (405, "GET, HEAD", []) == (asked.status, asked.answer.header("allow"), runs)


async def test_no_cache_keeps_an_answer() -> None:
    """
    Health is a moment's truth.
    """
    assert "no-store" == (await ask_route(health_of(), "/health")).answer.header("cache-control")


@pytest.mark.parametrize(
    "path", ["/", "/healthy", "/health/", "/health/a/b", "/health/all/", "/x/health", "/readyz/", "/Health", ""]
)
def test_other_paths_are_not_health(path: str) -> None:
    """
    They go on to the application.
    """
    assert health_of({"a": good}).find(path) is None


@pytest.mark.parametrize(
    ("path", "template"),
    [("/health", "/health"), ("/health/all", "/health/all"), ("/health/db", "/health/{service}")],
)
def test_tells_the_template(path: str, template: str) -> None:
    """
    The label of the route is its template, known check or not.
    """
    assert template == health_of().find(path)[0]


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        ("/health", ["/health"]),
        ("/health/all", ["/health/all"]),
        ("/health/{name}", ["/health/{service}"]),
        ("/health/{name:path}", ["/health/{service}"]),
        ("/health/", ["/health"]),
        ("/", []),
        ("/{path}", []),
        ("/{a}/{b}", []),
        ("/items/{item}", []),
    ],
)
def test_the_routes_of_the_application_win(taken: str, left: list[str]) -> None:
    """
    One with the same text or shape is the application's; a catch-all takes nothing.
    """
    health = health_of()
    health.give_way([taken])

    assert [f"health route {path}" for path in left] == list(health.what_is_off())
    assert (taken in {"/health", "/health/"}) == (health.find("/health") is None)


@pytest.mark.parametrize("taken", ["/health/all", "/health/detailed", "/health/database"])
def test_a_path_of_the_application_is_no_name_of_a_check(taken: str) -> None:
    """
    Beside the route for any name, one without parameters is the application's; other names stay here.
    """
    health = health_of({"database": lambda: None})
    health.give_way([taken])

    assert health.find(taken) is None
    assert health.find("/health/other") is not None


@pytest.mark.parametrize(
    ("path", "concerned"),
    [("/health", True), ("/health/all", True), ("/health/database", True), ("/readyz", True), ("/healthy", False)],
)
@pytest.mark.parametrize("taken", [(), ("/health", "/health/all", "/health/{name}", "/readyz")])
def test_a_path_concerns_health_whoever_serves_it(path: str, concerned: bool, taken: tuple[str, ...]) -> None:
    """
    The answers of the application to probes matter as much as those of the kit.
    """
    health = health_of()
    health.give_way(taken)

    assert concerned == health.concerns(path)


async def test_each_answer_is_on_the_gauge() -> None:
    """
    1 healthy, 0 not, for each check by name.
    """
    gauge = new_gauge()
    await ask_route(health_of(some_fail(), gauge=gauge), "/health/all")

    assert {"database": 1.0, "cache": 0.0} == {name: value_of(gauge, name) for name in ("database", "cache")}


@pytest.mark.usefixtures("always_stale")
async def test_a_line_for_each_change(caplog: pytest.LogCaptureFixture) -> None:
    """
    A check that fails for long is said once, and so is that it is back.
    """
    answers = iter([True, False, False, True, True])
    health = health_of({"database": lambda: next(answers)})
    with caplog.at_level(logging.INFO, "otel_kit.health"):
        for _ in range(5):
            await ask_route(health, "/health/all")

    assert ["otel_kit.check_failed", "otel_kit.check_recovered"] == [record.message for record in caplog.records]


async def test_a_document_that_fails_is_an_answer() -> None:
    """
    A profile's own function may raise: 503, and no exception gets to the server.
    """

    def broken(report: HealthReport) -> Any:
        raise KeyError("memory")

    routes = HealthRoutes((HealthRoute("/api/health", "all", broken),))
    asked = await ask_route(health_of(routes=routes), "/api/health")

    assert (503, "unavailable") == (asked.status, asked.document["error"])


@pytest.mark.parametrize(("form", "named"), [("json", "/api/health"), ("trpc", "health")])
async def test_a_document_that_fails_can_be_found(
    form: Form, named: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The line has the route or procedure, and where in whose code it happened.
    """

    def broken(report: HealthReport) -> Any:
        raise KeyError("memory")

    monkeypatch.setattr(faults, "_logged_at", {})
    line = broken.__code__.co_firstlineno + 1
    routes = HealthRoutes((HealthRoute("/api/health", "all", broken, form=form),))
    with caplog.at_level(logging.WARNING, "otel_kit"):
        await ask_route(health_of(routes=routes), "/api/health")

    (record,) = [record for record in caplog.records if record.message == "otel_kit.fault"]
    assert (named, f"{__name__}:{line}") == (record.__dict__["health.route"], record.__dict__["raised_at"])


async def test_a_profile_with_words_of_its_own() -> None:
    """
    Path, document and states are data: here one page for all, that knows times and calls a failure degraded.
    """

    def page(report: HealthReport) -> Any:
        return {"mood": report.state, "timestamp": report.timestamp, "uptime": int(report.uptime_seconds)}

    route = HealthRoute(
        "/mood",
        "all",
        page,
        state=lambda report: "fine" if report.status == "healthy" else "poorly",
        statuses={"fine": 200, "poorly": 418},
    )
    health = health_of({"database": leaking}, HealthRoutes((route,)))
    asked = await ask_route(health, "/mood")

    assert (418, "poorly", 0) == (asked.status, asked.document["mood"], asked.document["uptime"])
    assert asked.document["timestamp"].endswith("+00:00")


async def test_a_word_without_a_status_is_a_fault() -> None:
    """
    A profile that forgets one is told by 503 and a count, and not by a crash.
    """
    route = HealthRoute("/mood", "live", dict, state=lambda report: "odd")
    before = counts().get("health", 0)
    asked = await ask_route(health_of(routes=HealthRoutes((route,))), "/mood")

    assert (503, "unavailable", 1) == (asked.status, asked.document["error"], counts()["health"] - before)


def test_reserved_names_are_those_that_a_route_would_hide() -> None:
    """
    Of two routes below one prefix the literal one is found.
    """
    assert {"all"} == GOBLIN_HEALTH.reserved_names
