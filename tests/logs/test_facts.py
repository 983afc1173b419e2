"""
What lines that are written during a request tell of it.
"""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

from otel_kit import Settings, setup_observability
from otel_kit.context import RequestRecord
from otel_kit.layout import Field, LogLayout
from otel_kit.logs.json_layout import JsonLayout
from otel_kit.logs.layouts import facts_of_requests
from otel_kit.profiles import load_profile
from otel_kit.testing import CapturedTelemetry
from tests.identity.issuer import SECRET, token

SETTINGS = Settings(jwt_key=SecretStr(SECRET), ratelimit_enabled=True)

logger = logging.getLogger("shop.orders")

pytestmark = pytest.mark.usefixtures("first_set_up")


def served(profile: str) -> TestClient:
    """
    A client of an application that logs during a request, and asks by its limits whose request it is.
    """
    app = FastAPI()
    setup_observability(app, profile=profile, settings=SETTINGS, limits={"/": "100/minute"})

    @app.get("/orders/{number}")
    def order(number: int) -> int:
        logger.info("taken")
        return number

    return TestClient(app, headers={"Authorization": f"Bearer {token(sub='u-17').decode()}"})


def line_of(telemetry: CapturedTelemetry, profile: str) -> dict[str, Any]:
    """
    The application's line by a profile's layout.
    """
    line: dict[str, Any] = json.loads(JsonLayout(load_profile(profile).layout).line(telemetry.log("taken")))
    return line


@pytest.mark.parametrize(
    ("profile", "facts"),
    [
        ("todo", {"user_id": "u-17", "endpoint": "/orders/{number}"}),
        ("xionimus", {"user_id": "u-17"}),
        ("platform", {"userId": "u-17"}),
    ],
)
def test_a_line_has_the_facts_that_its_layout_names(
    telemetry: CapturedTelemetry, profile: str, facts: dict[str, str]
) -> None:
    """
    The user and the route of the request in which it was written.
    """
    assert 200 == served(profile).get("/orders/7").status_code
    line = line_of(telemetry, profile)

    assert facts == {name: line[name] for name in facts}


@pytest.mark.parametrize(("profiles", "user"), [(("platform", "goblin"), "u-17"), (("goblin", "platform"), None)])
def test_lines_keep_the_facts_of_the_first_layout(
    telemetry: CapturedTelemetry, profiles: tuple[str, str], user: str | None
) -> None:
    """
    A process's lines have one layout: a second application with another profile changes nothing.
    """
    told = []
    for client in [served(profile) for profile in profiles]:
        telemetry.clear()
        assert 200 == client.get("/orders/7").status_code
        told.append(line_of(telemetry, profiles[0]).get("userId"))

    assert [user, user] == told


def test_nothing_is_looked_up_that_no_line_tells(telemetry: CapturedTelemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Routes are not searched for each line of a layout without the field.
    """
    asked: list[RequestRecord] = []
    monkeypatch.setattr(RequestRecord, "route_by_now", asked.append)

    assert 200 == served("goblin").get("/orders/7").status_code
    assert "taken" == telemetry.log("taken").message
    assert [] == asked


@pytest.mark.parametrize(
    ("expected", "fields"),
    [
        (set(), [Field("message", "message"), Field("user")]),
        (set(), [Field("route", "route", on="request"), Field("user", "user", on="request")]),
        ({"route"}, [Field("endpoint", "route"), Field("user", "user", on="request")]),
        ({"route", "user"}, [Field("path", "route"), Field("who", "user", caller=True)]),
    ],
)
def test_a_layout_says_which_facts(expected: set[str], fields: list[Field]) -> None:
    """
    Those of fields on every line, whatever they are called.
    """
    assert expected == facts_of_requests(LogLayout(fields=tuple(fields)))
