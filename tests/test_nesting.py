"""
An application that is set up, inside of another one that is.
"""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from otel_kit import Limit, Observability, setup_observability
from otel_kit.testing import CapturedTelemetry
from tests.asgi_client import call

WARNING = "otel_kit.set_up_inside"
GIVEN: dict[str, Any] = {
    "limits": {"/": "3/minute", "/up": Limit("50/minute", max_body_bytes=10)},
    "identify": lambda connection: "everyone",
    "checks": {"database": lambda: False},
}


class Through:
    """
    A middleware that does nothing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def make_inner(**given: Any) -> tuple[FastAPI, Observability]:
    """
    An application with one page, and its handle.
    """
    app = FastAPI()
    kit = setup_observability(app, **given)
    app.add_api_route("/page", lambda: "inner")
    return app, kit


def make_outer(inner: ASGIApp, **given: Any) -> FastAPI:
    """
    One that is set up around it.
    """
    app = FastAPI()
    setup_observability(app, **given)
    app.mount("/sub", inner)
    return app


def warnings(telemetry: CapturedTelemetry) -> list[dict[str, Any]]:
    """
    What was said of applications inside of others.
    """
    return [dict(item.extra) for item in telemetry.logs if item.message == WARNING]


async def test_what_does_not_hold_inside_is_said_where_serving_begins(telemetry: CapturedTelemetry) -> None:
    """
    With the place, what was given in vain, and what to do; before anybody has asked for anything inside.
    """
    inner, _ = make_inner(**GIVEN)
    await call(make_outer(inner), path="/nowhere")
    (said,) = warnings(telemetry)

    assert ("/sub", ["limits", "identify", "checks"]) == (said["mounted_at"], said["not_in_force"])
    assert "give them to the outer application" in said["remedy"]


@pytest.mark.parametrize("given", ["limits", "identify", "checks"])
async def test_only_what_was_given_is_named(telemetry: CapturedTelemetry, given: str) -> None:
    """
    What comes with the profile is the outer application's as well.
    """
    inner, _ = make_inner(**{given: GIVEN[given]})
    await call(make_outer(inner), path="/sub/page")

    assert [[given]] == [said["not_in_force"] for said in warnings(telemetry)]


async def test_what_is_given_by_the_handle_is_named(telemetry: CapturedTelemetry) -> None:
    """
    Checks and providers that are declared after set-up.
    """
    inner, kit = make_inner()
    kit.check("cache")(lambda: True)
    kit.providers({"openai": True})
    await call(make_outer(inner), path="/sub/page")

    assert [["checks", "providers"]] == [said["not_in_force"] for said in warnings(telemetry)]


async def test_another_profile_is_named(telemetry: CapturedTelemetry) -> None:
    """
    Requests are counted as the outer application's profile says.
    """
    inner, _ = make_inner(profile="todo")
    await call(make_outer(inner, profile="platform"), path="/sub/page")

    assert [["profile"]] == [said["not_in_force"] for said in warnings(telemetry)]


async def test_nothing_given_is_nothing_lost(telemetry: CapturedTelemetry) -> None:
    """
    The one line alone holds by way of the outer application.
    """
    inner, _ = make_inner()
    await call(make_outer(inner), path="/sub/page")

    assert [] == warnings(telemetry)


async def test_it_is_said_once(telemetry: CapturedTelemetry) -> None:
    """
    However many requests come.
    """
    inner, _ = make_inner(**GIVEN)
    outer = make_outer(inner)
    for _ in range(3):
        await call(outer, path="/sub/page")

    assert 1 == len(warnings(telemetry))


@pytest.mark.parametrize("late", [True, False])
async def test_what_can_not_be_seen_from_outside_is_said_at_the_first_request(
    telemetry: CapturedTelemetry, late: bool
) -> None:
    """
    Behind a wrapper of the user's own, or mounted while the outer application serves.
    """
    inner, _ = make_inner(**GIVEN)
    outer = make_outer(FastAPI() if late else Through(inner))
    await call(outer, path="/nowhere")
    assert [] == warnings(telemetry)
    if late:
        outer.mount("/late", inner)
    await call(outer, path="/late/page" if late else "/sub/page")

    assert ["/late" if late else "/sub"] == [said["mounted_at"] for said in warnings(telemetry)]


async def test_however_deep_it_is_found(telemetry: CapturedTelemetry) -> None:
    """
    In a mounted application that is not set up, by a mount that has middleware.
    """
    inner, kit = make_inner(**GIVEN)
    between = FastAPI()
    between.router.routes.append(Mount("/deep", inner, middleware=[Middleware(Through)]))
    await call(make_outer(between), path="/nowhere")

    assert ["/sub/deep"] == [said["mounted_at"] for said in warnings(telemetry)]
    assert kit.report()["limits"]["enabled"] is False


@pytest.mark.usefixtures("telemetry")
async def test_the_report_inside_says_what_is_off() -> None:
    """
    Limits, health and the page of metrics, each with the reason.
    """
    inner, kit = make_inner(**GIVEN)
    await call(make_outer(inner), path="/nowhere")
    report = kit.report()

    assert (False, "off", []) == (report["limits"]["enabled"], report["health"]["phase"], report["pages"])
    reasons = [report["limits"]["why"], report["health"]["why"]]
    reasons += [report["off"][name] for name in ("rate limits", "health", "metrics page")]
    assert [True] * 5 == [reason.startswith("inside another application that is set up") for reason in reasons]


@pytest.mark.usefixtures("telemetry")
async def test_the_report_outside_is_as_ever() -> None:
    """
    The outer application's limits and health hold.
    """
    inner, _ = make_inner(**GIVEN)
    outer = FastAPI()
    kit = setup_observability(outer)
    outer.mount("/sub", inner)
    await call(outer, path="/sub/page")
    report = kit.report()

    assert ("serving", ["/metrics"]) == (report["health"]["phase"], report["pages"])
    assert not {"health", "metrics page"} & report["off"].keys()


async def test_inside_of_one_that_is_not_set_up_all_of_it_holds(telemetry: CapturedTelemetry) -> None:
    """
    So nothing is said.
    """
    inner, kit = make_inner(**GIVEN)
    outer = FastAPI()
    outer.mount("/sub", inner)
    await call(outer, path="/sub/page")

    assert [] == warnings(telemetry)
    assert ("serving", ["/metrics"]) == (kit.report()["health"]["phase"], kit.report()["pages"])


@pytest.mark.usefixtures("telemetry")
@pytest.mark.parametrize("order", [("/sub/page", None), (None, "/sub/page")])
async def test_one_that_also_serves_by_itself_is_on(order: tuple[str | None, str | None]) -> None:
    """
    Whichever comes first: for requests of its own all of it holds, and that is what it reports.
    """
    inner, kit = make_inner(**GIVEN)
    outer = make_outer(inner)
    for path in order:
        await (call(inner, path="/page") if path is None else call(outer, path=path))
    report = kit.report()

    assert ("serving", ["/metrics"]) == (report["health"]["phase"], report["pages"])
    assert "health" not in report["off"]
