"""
What protects an application, through the one line: where limits, health and guards stand, and what is seen of them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from starlette.middleware.cors import CORSMiddleware
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from otel_kit import ConfigurationError, Limit, Settings, setup_observability
from otel_kit.identity import Identity
from otel_kit.profiles.goblin import PROFILE
from otel_kit.ratelimit.clients import key_start
from otel_kit.testing import CapturedTelemetry
from tests.asgi_client import call

LIMITS_ON = Settings(ratelimit_enabled=True)
ORIGIN = "https://pages.example.com"


def make_app(**options: Any) -> FastAPI:
    """
    An application with every kind of place that a request may come to.
    """
    app = FastAPI()
    setup_observability(app, **{"settings": LIMITS_ON, **options})

    @app.get("/plain")
    async def plain() -> str:
        return "plain"

    inner = APIRouter(prefix="/inner")

    @inner.get("/{name}")
    async def included(name: str) -> str:
        return name

    outer = APIRouter(prefix="/outer")
    outer.include_router(inner)
    app.include_router(outer)

    mounted = FastAPI()

    @mounted.get("/page")
    async def page() -> str:
        return "mounted"

    app.mount("/mounted", mounted)

    @app.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    @app.post("/upload")
    async def upload(content: dict[str, str]) -> int:
        return len(content)

    return app


@pytest.mark.parametrize("path", ["/plain", "/outer/inner/one", "/mounted/page", "/nowhere", "/mounted/nowhere"])
def test_a_limit_holds_wherever_a_request_goes(path: str) -> None:
    """
    Routes, included routers, mounted applications and paths that nothing serves: three pass, the fourth does not.
    """
    with TestClient(make_app(limits={"/": "3/minute"})) as client:
        answers = [client.get(path) for _ in range(4)]

    assert [False, False, False, True] == [answer.status_code == 429 for answer in answers]
    assert answers[3].headers["X-Correlation-ID"]


def test_a_websocket_handshake_is_limited() -> None:
    """
    The handshake after the limit is refused.
    """
    with TestClient(make_app(limits={"/socket": "1/minute"})) as client:
        with client.websocket_connect("/socket"):
            pass
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/socket"):
            raise AssertionError("the second handshake was let in")


def test_a_prefix_means_whole_segments_and_metrics_is_exempt() -> None:
    """
    `/plain` limits nothing else that begins so, and the page of metrics is always served.
    """
    with TestClient(make_app(limits={"/plain": "1/minute"})) as client:
        statuses = [client.get(path).status_code for path in ("/plain", "/plainly", "/plain", "/metrics", "/metrics")]

    assert [200, 404, 429, 200, 200] == statuses


def test_one_bucket_holds_for_all_paths_of_a_rule() -> None:
    """
    Whatever path or method: the rule counts them together.
    """
    with TestClient(make_app(limits={"/outer": "2/minute"})) as client:
        statuses = [
            client.get("/outer/inner/one").status_code,
            client.post("/outer/inner/two").status_code,
            client.get("/outer/inner/three").status_code,
        ]

    assert [200, 405, 429] == statuses


def test_a_refused_request_is_seen_like_any_other(telemetry: CapturedTelemetry) -> None:
    """
    In trace, log and metrics, under its route where that has no parameters.
    """
    with TestClient(make_app(limits={"/plain": "1/minute"})) as client:
        client.get("/plain")
        refused = client.get("/plain")

    line = [item for item in telemetry.logs if item.message == "request_completed"][-1]
    span = telemetry.spans[-1]
    assert refused.headers["X-Correlation-ID"] == line.correlation_id
    assert ("GET /plain", 429) == (span.name, (span.attributes or {})["http.response.status_code"])
    assert 1 == telemetry.metrics.value("http_requests_total", method="GET", endpoint="/plain", status_code="429")
    assert 1 == telemetry.metrics.value("otel_kit_ratelimit_decisions_total", policy="/plain", outcome="refused")
    assert 1 == telemetry.metrics.value("otel_kit_security_events_total", event="limit_hit")


def test_limits_of_the_profile_hold_by_default() -> None:
    """
    Goblin's: the eleventh login within a minute gets the documented body.
    """
    with TestClient(make_app()) as client:
        answers = [client.post("/auth/login", json={}) for _ in range(11)]

    assert [404] * 10 + [429] == [answer.status_code for answer in answers]
    body = answers[10].json()
    assert {"error": "rate_limit_exceeded", "message": "Rate limit exceeded: 10 per 1 minute"} == {
        name: body[name] for name in ("error", "message")
    }
    assert str(body["retry_after"]) == answers[10].headers["Retry-After"]


def test_limits_that_are_off_are_said_to_be() -> None:
    """
    `RATELIMIT_ENABLED=false` refuses nobody, and the report says why.
    """
    app = FastAPI()
    kit = setup_observability(app, limits={"/": "1/minute"}, settings=Settings(ratelimit_enabled=False))
    with TestClient(app) as client:
        statuses = {client.get("/").status_code for _ in range(5)}

    assert {404} == statuses
    assert "RATELIMIT_ENABLED=false" == kit.report()["off"]["rate limits"]


def test_a_mounted_application_with_a_line_of_its_own_judges_once() -> None:
    """
    Both are set up: the request counts where it came in, and one time.
    """
    inner = FastAPI()
    setup_observability(inner, limits={"/": "1/minute"}, settings=LIMITS_ON)
    inner.add_api_route("/page", lambda: "inner")
    outer = FastAPI()
    setup_observability(outer, limits={"/": "3/minute"}, settings=LIMITS_ON)
    outer.mount("/sub", inner)
    with TestClient(outer) as client:
        statuses = [client.get("/sub/page").status_code for _ in range(4)]

    assert [200, 200, 200, 429] == statuses


def test_a_route_may_have_a_limit_of_its_own() -> None:
    """
    `Depends(kit.limit(...))` holds beside the limits by path, and answers alike.
    """
    app = FastAPI()
    kit = setup_observability(app, limits={"/": "100/minute"}, settings=LIMITS_ON)
    app.add_api_route("/rare", lambda: "rare", dependencies=[Depends(kit.limit("2/minute"))])
    with TestClient(app) as client:
        answers = [client.get("/rare") for _ in range(3)]

    assert [200, 200, 429] == [answer.status_code for answer in answers]
    assert "Rate limit exceeded: 2 per 1 minute" == answers[2].json()["message"]


def test_tiers_come_from_identify() -> None:
    """
    A client of the paid tier has its own rate; identities count apart.
    """

    async def who(connection: Any) -> tuple[str, str]:
        return connection.headers["x-who"], "paid" if connection.headers["x-who"] == "acme" else "free"

    limits = {"/": Limit("1/minute", tiers={"paid": "3/minute"})}
    with TestClient(make_app(limits=limits, identify=who)) as client:
        passed = {
            name: sum(client.get("/plain", headers={"x-who": name}).status_code == 200 for _ in range(5))
            for name in ("acme", "nobody", "another")
        }

    assert {"acme": 3, "nobody": 1, "another": 1} == passed


def test_health_counts_but_leaves_no_line(telemetry: CapturedTelemetry) -> None:
    """
    The kit's health routes are counted by their templates; without a fault they have neither span nor line.
    """
    with TestClient(make_app(checks={"database": lambda: None})) as client:
        answer = client.get("/health/database")

    assert {"status": "healthy"} == {"status": answer.json()["status"]}
    assert 1 == telemetry.metrics.value(
        "http_requests_total", method="GET", endpoint="/health/{service}", status_code="200"
    )
    assert [] == telemetry.spans
    assert [] == [item for item in telemetry.logs if item.message == "request_completed"]


def test_own_health_routes_stay_in_charge() -> None:
    """
    A route with the same path wins, also one that is added after set-up; the report says so.
    """
    app = FastAPI()
    kit = setup_observability(app)
    app.add_api_route("/health", lambda: "mine")
    with TestClient(app) as client:
        mine, others = client.get("/health").json(), client.get("/health/all").json()

    assert "mine" == mine
    assert "healthy" == others["status"]
    assert "health route /health" in kit.report()["off"]


@pytest.mark.parametrize("path", ["/readyz", "/startupz", "/metrics"])
def test_traffic_does_not_use_up_the_probes(path: str) -> None:
    """
    Kubernetes may ask from the address of its traffic; a service is not taken out of rotation for that.
    """
    with TestClient(make_app(limits={"/": "1/minute"})) as client:
        traffic = [client.get("/plain").status_code for _ in range(2)]

        assert ([200, 429], 200) == (traffic, client.get(path).status_code)


def test_probes_are_limited_by_name() -> None:
    """
    Who asks for it gets it.
    """
    with TestClient(make_app(limits={"/readyz": "1/minute"})) as client:
        assert [200, 429] == [client.get("/readyz").status_code for _ in range(2)]


def test_checks_are_a_mapping() -> None:
    """
    Anything else is said at set-up.
    """
    with pytest.raises(ConfigurationError, match="from names to functions"):
        make_app(checks=[print])


async def test_own_health_routes_are_never_shed() -> None:
    """
    A probe that gets 503 under load has the service restarted, whoever would have answered it.
    """
    app = FastAPI()
    setup_observability(app, settings=Settings(max_in_flight=1))
    app.add_api_route("/health", lambda: "mine")
    app.add_api_route("/plain", lambda: "plain")

    @app.get("/busy")
    async def busy() -> list[int]:
        return [(await call(app, path=path)).status for path in ("/health", "/plain")]

    assert [200, 503] == json.loads((await call(app, path="/busy")).body)


def test_a_mount_at_the_root_does_not_hide_health() -> None:
    """
    It takes what nobody else does, whatever it is made of.
    """
    app, rest = FastAPI(), FastAPI()
    setup_observability(app)
    rest.add_api_route("/health", lambda: "of the rest")
    app.mount("/", rest)
    with TestClient(app) as client:
        assert {"status": "healthy"} == client.get("/health").json()


@pytest.mark.parametrize(("path", "label"), [("/upload", "/upload"), ("/nowhere", "unmatched")])
def test_a_refused_body_is_counted_under_its_route(telemetry: CapturedTelemetry, path: str, label: str) -> None:
    """
    Routing has not begun, but a template without parameters is known by then.
    """
    with TestClient(make_app(settings=Settings(max_body_bytes=10))) as client:
        client.post(path, json={"name": "much too long"})

    assert 1 == telemetry.metrics.value("http_requests_total", method="POST", endpoint=label, status_code="413")


async def test_a_shed_request_is_counted_under_its_route(telemetry: CapturedTelemetry) -> None:
    """
    So that it can be seen what suffers.
    """
    app = FastAPI()
    setup_observability(app, settings=Settings(max_in_flight=1))
    app.add_api_route("/plain", lambda: "plain")

    @app.get("/busy")
    async def busy() -> int:
        return (await call(app, path="/plain")).status

    await call(app, path="/busy")

    assert 1 == telemetry.metrics.value("http_requests_total", method="GET", endpoint="/plain", status_code="503")


def test_a_body_beyond_the_limit_gets_413_with_the_id() -> None:
    """
    The guard stands within the rings: the answer carries the id and is counted.
    """
    with TestClient(make_app(settings=Settings(max_body_bytes=10))) as client:
        answer = client.post("/upload", json={"name": "much too long"})
        counted = client.get("/metrics").text

    assert (413, "body_too_large") == (answer.status_code, answer.json()["error"])
    assert answer.headers["X-Correlation-ID"]
    assert 'status_code="413"' in counted


def test_a_limit_may_say_how_large_bodies_are() -> None:
    """
    `max_body_bytes` of a `Limit` holds below its prefix.
    """
    limits = {"/upload": Limit("100/minute", max_body_bytes=5)}
    with TestClient(make_app(limits=limits)) as client:
        assert 413 == client.post("/upload", json={"a": "b"}).status_code


def test_browsers_may_read_refusals_too() -> None:
    """
    CORS headers are on a 429 and on an unhandled 500.
    """
    app = make_app(limits={"/plain": "1/minute"}, settings=Settings(ratelimit_enabled=True, cors_origins=[ORIGIN]))

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("broken")

    with TestClient(app, raise_server_exceptions=False) as client:
        client.get("/plain")
        refused = client.get("/plain", headers={"Origin": ORIGIN})
        failed = client.get("/broken", headers={"Origin": ORIGIN})

    assert [(429, ORIGIN), (500, ORIGIN)] == [
        (answer.status_code, answer.headers["access-control-allow-origin"]) for answer in (refused, failed)
    ]


def test_preflights_do_not_count() -> None:
    """
    However many come, the request itself passes.
    """
    asking = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    for origins in ([], [ORIGIN]):
        settings = Settings(ratelimit_enabled=True, cors_origins=origins)
        with TestClient(make_app(limits={"/": "1/minute"}, settings=settings)) as client:
            for _ in range(3):
                client.options("/plain", headers=asking)
            assert 200 == client.get("/plain").status_code


def test_an_own_cors_middleware_is_left_in_charge() -> None:
    """
    The kit adds none, and the guard stands inside of it, so browsers can read a 413.
    """
    app = make_app(settings=Settings(cors_origins=["https://other.example.com"], max_body_bytes=5))
    app.add_middleware(CORSMiddleware, allow_origins=[ORIGIN])
    with TestClient(app) as client:
        answer = client.post("/upload", json={"name": "long"}, headers={"Origin": ORIGIN})

    assert (413, ORIGIN) == (answer.status_code, answer.headers["access-control-allow-origin"])


def test_undo_takes_protection_out() -> None:
    """
    Afterwards there are no limits and no health routes.
    """
    app = FastAPI()
    kit = setup_observability(app, limits={"/": "1/minute"}, settings=LIMITS_ON)
    with TestClient(app) as client:
        client.get("/")
        assert 429 == client.get("/").status_code
    kit.undo()
    with TestClient(app) as client:
        assert {404} == {client.get("/health").status_code for _ in range(3)}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"limits": {"auth": "10/minute"}}, "auth"),
        ({"limits": {"/": "lots"}}, "lots"),
        ({"limits": {"/": "-1/minute"}}, "-1/minute"),
        ({"checks": {"all": lambda: True}}, "all"),
        ({"checks": {"database": "not callable"}}, "database"),
        ({"identify": "me"}, "identify"),
    ],
)
def test_what_can_not_be_used_is_said_at_set_up(options: dict[str, Any], named: str) -> None:
    """
    One line that names the entry at fault.
    """
    with pytest.raises(ConfigurationError, match=named):
        setup_observability(FastAPI(), settings=LIMITS_ON, **options)


def test_services_count_apart() -> None:
    """
    The same client and rule, in services of different names, have windows of their own.
    """
    identity = Identity("address", "10.0.0.1", None)

    assert 2 == len({key_start(identity, service) for service in ("shop", "stock")})


def test_the_limiter_knows_its_service() -> None:
    """
    By the name under which telemetry leaves.
    """
    kit = setup_observability(FastAPI(), settings=LIMITS_ON)

    assert kit.report()["service"]["name"] == kit._protection.limiter.service


def test_a_check_may_be_called_all_where_no_route_is() -> None:
    """
    A name is taken by a route or a document of the profile, and by nothing else.
    """
    kit = setup_observability(FastAPI(), profile="todo", checks={"all": lambda: True})

    assert kit.checks.get("all") is not None
    with pytest.raises(ConfigurationError, match="a health route or its document has this name"):
        setup_observability(FastAPI(), profile="goblin", checks={"all": lambda: True})


def test_the_report_has_the_body_limits_of_single_paths() -> None:
    """
    Those of the profile, and those that a limit names in their place.
    """
    profile = replace(PROFILE, max_body_bytes={"/upload": 100, "/plain": 200})
    kit = setup_observability(FastAPI(), profile=profile, limits={"/plain": Limit("5/minute", max_body_bytes=50)})

    assert [{"prefix": "/plain", "bytes": 50}, {"prefix": "/upload", "bytes": 100}] == kit.report()["body_limits"]
