"""
The page of metrics in an application that is set up: its limit, where one was given, and guesses at its token.
"""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from otel_kit import Limit, Settings, security, setup_observability
from otel_kit.testing import CapturedTelemetry
from tests.asgi_client import Answer, Pairs, call
from tests.identity.issuer import SECRET

TOKEN = "the-token-of-this-service"
DECISIONS = "otel_kit_ratelimit_decisions_total"
EVENTS = "otel_kit_security_events_total"


@pytest.fixture(autouse=True)
def no_events_before() -> None:
    """
    Events are counted from the test's begin.
    """
    security.begin_anew()


def application(limits: dict[str, Any] | None = None, *, identify: Any = None, **settings: Any) -> FastAPI:
    """
    An application with limits on.
    """
    app = FastAPI()
    setup_observability(app, limits=limits, identify=identify, settings=Settings(ratelimit_enabled=True, **settings))
    return app


async def scrape(app: FastAPI, *values: str, forwarded: bool = True, path: str = "/metrics", **scope: Any) -> Answer:
    """
    One request through a proxy, unless it is said otherwise, with these `Authorization` headers.
    """
    headers: Pairs = [(b"authorization", value.encode()) for value in values]
    if forwarded:
        headers.append((b"x-forwarded-for", b"203.0.113.7"))
    return await call(app, path=path, headers=headers, **scope)


async def statuses(app: FastAPI, times: int = 4, **scope: Any) -> list[int]:
    """
    The answers to so many requests.
    """
    return [(await call(app, **{"path": "/metrics", **scope})).status for _ in range(times)]


@pytest.mark.parametrize("limits", [{"/metrics": "2/minute"}, {"/metrics": "2/minute", "*": "100/minute"}])
async def test_a_limit_that_names_the_page_holds(limits: dict[str, str]) -> None:
    """
    Two pass, and the third doesn't.
    """
    assert [200, 200, 429, 429] == await statuses(application(limits))


async def test_a_refused_scrape_is_answered_as_any_other(telemetry: CapturedTelemetry) -> None:
    """
    The documented body, when to come again, an id; the decision is counted, and the event names client and path.
    """
    app = application({"/metrics": "1/minute"})
    await call(app, path="/metrics")
    refused = await call(app, path="/metrics")
    event = telemetry.log("Limit hit")

    assert b'{"error":"rate_limit_exceeded","message":"Rate limit exceeded: 1 per 1 minute","retry_after":60}' == (
        refused.body
    )
    assert "60" == refused.header("retry-after")
    assert refused.header("x-correlation-id") == event.correlation_id
    assert ("127.0.0.1", "/metrics") == (event.extra["client.address"], event.extra["url.path"])
    assert [1, 1] == [
        telemetry.metrics.value(DECISIONS, policy="/metrics", outcome=outcome) for outcome in ("admitted", "refused")
    ]


async def test_a_refused_scrape_leaves_no_other_trace(telemetry: CapturedTelemetry) -> None:
    """
    As an admitted one: no span, no line, no request metric.
    """
    await statuses(application({"/metrics": "1/minute"}), 2)

    assert [] == telemetry.spans
    assert "request_completed" not in [item.message for item in telemetry.logs]
    assert 0 == telemetry.metrics.value("http_requests_total", method="GET", endpoint="/metrics", status_code="429")


async def test_clients_of_the_page_count_apart() -> None:
    """
    By identity, as on every path, also where that is said by the user's own function and has to be awaited.
    """

    async def who(connection: Any) -> str:
        return str(connection.headers["x-who"])

    app = application({"/metrics": "1/minute"}, identify=who)
    answers = [(await call(app, path="/metrics", headers={"x-who": name})).status for name in ("one", "other", "one")]

    assert [200, 200, 429] == answers


@pytest.mark.parametrize("limits", [None, {"/": "1/minute"}, {"*": "1/minute"}, {"*": "1/minute", "/metrics": None}])
async def test_the_page_is_exempt_unless_it_is_named(limits: dict[str, str] | None) -> None:
    """
    Neither the profile's limits nor one for all paths hold for it.
    """
    assert [200] * 12 == await statuses(application(limits), 12)


async def test_a_limit_on_the_page_in_shadow_refuses_nobody(telemetry: CapturedTelemetry) -> None:
    """
    It counts who would have been.
    """
    app = application({"/metrics": Limit("1/minute", shadow=True)})

    assert [200, 200, 200] == await statuses(app, 3)
    assert 2 == telemetry.metrics.value(DECISIONS, policy="/metrics", outcome="shadow")


async def test_limits_that_are_off_are_off_here_too(telemetry: CapturedTelemetry) -> None:
    """
    Nobody is refused, and what the limit didn't judge is counted.
    """
    app = FastAPI()
    setup_observability(app, limits={"/metrics": "1/minute"}, settings=Settings(ratelimit_enabled=False))

    assert [200, 200, 200] == await statuses(app, 3)
    assert 3 == telemetry.metrics.value(DECISIONS, policy="/metrics", outcome="off")


async def test_a_page_of_the_applications_own_is_limited_as_well() -> None:
    """
    Where a route stands in the page's place, the limit that names it holds for the route.
    """
    app = application({"/metrics": "1/minute"})
    app.add_api_route("/metrics", lambda: "mine")

    assert [200, 429] == await statuses(app, 2)


async def test_a_wrong_token_is_an_event(telemetry: CapturedTelemetry) -> None:
    """
    With the client, the path and the id of the answer, and nothing of the guess.
    """
    answer = await scrape(application(metrics_token=SecretStr(TOKEN)), "Bearer a-guess")
    event = telemetry.log("Token validation failure")

    assert 401 == answer.status
    assert answer.header("x-correlation-id") == event.correlation_id
    assert ("not_accepted", "127.0.0.1", "/metrics") == (
        event.extra["reason"],
        event.extra["client.address"],
        event.extra["url.path"],
    )
    assert 1 == telemetry.metrics.value(EVENTS, event="token_validation_failure")
    assert "a-guess" not in str([(item.message, item.extra) for item in telemetry.logs])


async def test_a_flood_of_guesses_is_counted_exactly(telemetry: CapturedTelemetry) -> None:
    """
    Ten records at most, and every guess on the counter.
    """
    app = application(metrics_token=SecretStr(TOKEN))
    for number in range(30):
        await scrape(app, f"Bearer guess{number}")
    written = [item for item in telemetry.logs if item.message == "Token validation failure"]

    assert 10 == len(written)
    assert 30 == telemetry.metrics.value(EVENTS, event="token_validation_failure")


@pytest.mark.parametrize(
    ("values", "forwarded", "status"),
    [
        ((f"Bearer {TOKEN}",), True, 200),
        ((), True, 401),
        (("Basic abc",), True, 401),
        (("Bearer a-guess",), False, 200),
    ],
)
@pytest.mark.parametrize("more", [{}, {"jwt_key": SecretStr(SECRET)}])
async def test_what_is_no_guess_is_no_event(
    telemetry: CapturedTelemetry, more: dict[str, Any], values: tuple[str, ...], forwarded: bool, status: int
) -> None:
    """
    The right token, none, another scheme, and a peer who is let in whatever it sends.
    """
    app = application(metrics_token=SecretStr(TOKEN), **more)

    assert status == (await scrape(app, *values, forwarded=forwarded)).status
    assert 0 == telemetry.metrics.value(EVENTS, event="token_validation_failure")


@pytest.mark.parametrize("first", [0, 1])
async def test_a_right_token_beside_a_wrong_one_opens_nothing(telemetry: CapturedTelemetry, first: int) -> None:
    """
    In whichever order they come.
    """
    both = (f"Bearer {TOKEN}", "Bearer a-guess")
    answer = await scrape(application(metrics_token=SecretStr(TOKEN)), both[first], both[1 - first])

    assert 401 == answer.status
    assert "ambiguous_credentials" == telemetry.log("Token validation failure").extra["reason"]


@pytest.mark.parametrize(("value", "events"), [(TOKEN, 0), ("a-guess", 1)])
@pytest.mark.parametrize(("profile", "path"), [("goblin", "/metrics"), ("platform", "/trpc/health.metrics")])
async def test_limiter_and_page_agree_on_what_has_failed(
    telemetry: CapturedTelemetry, profile: str, path: str, value: str, events: int
) -> None:
    """
    Where bearer tokens are verified for limits too, the page's own has not failed, and a guess is one event.
    """
    app = FastAPI()
    settings = Settings(ratelimit_enabled=True, metrics_token=SecretStr(TOKEN), jwt_key=SecretStr(SECRET))
    setup_observability(app, profile=profile, limits={path: "9/minute"}, settings=settings)
    answer = await scrape(app, f"Bearer {value}", path=path)

    assert (200, 401)[events] == answer.status
    assert events == telemetry.metrics.value(EVENTS, event="token_validation_failure")
