"""
The one line: when it may come, what it leaves alone, and how it goes away.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from otel_kit import ConfigurationError, Settings, SetupError, setup_observability
from otel_kit.testing import CapturedTelemetry

from . import kinds
from .asgi_client import call


def small_app(**options: Any) -> FastAPI:
    """
    One route.
    """
    app = FastAPI(**options)

    @app.get("/items/{n}")
    async def read(n: int) -> int:
        return n

    return app


async def test_a_second_call_gives_the_same_handle(telemetry: CapturedTelemetry) -> None:
    """
    Set up twice, counted once.
    """
    app = small_app()
    first = setup_observability(app)
    second = setup_observability(app)

    await call(app, path="/items/1")

    assert first is second
    assert len(telemetry.spans) == 1
    first.undo()


async def test_too_late_is_an_error() -> None:
    """
    An application that serves already can't be set up any more.
    """
    app = small_app()
    await call(app, path="/items/1")

    with pytest.raises(SetupError, match="too late"):
        setup_observability(app)


def test_redaction_rules_with_a_later_set_up_are_an_error() -> None:
    """
    Rules that could not hold any more are refused, never ignored.
    """
    first = setup_observability(small_app())

    with pytest.raises(SetupError, match="first set-up"):
        setup_observability(small_app(), redact=["inner_ref"])
    first.undo()


def test_something_else_than_fastapi_is_an_error() -> None:
    """
    The error says what was given.
    """
    with pytest.raises(SetupError, match="not str"):
        setup_observability("app")  # type: ignore[arg-type]


async def test_undo_leaves_the_application_as_it_was(telemetry: CapturedTelemetry) -> None:
    """
    After undo: no header, no page, no span, FastAPI's own switches as before; and it can be set up again.
    """
    app = small_app(telemetry={"tracing": True, "logs": False})
    before = dict(app._telemetry)
    kit = setup_observability(app)
    await call(app, path="/items/1")
    telemetry.clear()

    kit.undo()
    app._telemetry["tracing"] = app._telemetry["metrics"] = False
    answer = await call(app, path="/items/1")
    page = await call(app, path="/metrics")

    assert before.keys() == app._telemetry.keys()
    assert "build_middleware_stack" not in vars(app)
    assert answer.all("x-correlation-id") == []
    assert page.status == 404
    assert telemetry.spans == []
    assert setup_observability_again(app) is not kit


def setup_observability_again(app: FastAPI) -> object:
    """
    Set up an application whose stack was built before: only after a reset, as undo leaves it.
    """
    app.middleware_stack = None
    kit = setup_observability(app)
    kit.undo()
    return kit


async def test_undo_restores_fastapis_own_switches() -> None:
    """
    FastAPI's telemetry is as the application had it.
    """
    app = small_app(telemetry={"logs": False})
    before = dict(app._telemetry)

    kit = setup_observability(app)
    during = app._telemetry["tracing"]
    kit.undo()

    assert during is False
    assert before == app._telemetry


async def test_two_applications_share_a_process(telemetry: CapturedTelemetry) -> None:
    """
    Two applications are traced and counted side by side.
    """
    one, two = small_app(), small_app()
    kits = [setup_observability(one), setup_observability(two)]

    await call(one, path="/items/1")
    await call(two, path="/items/2")

    assert len(telemetry.spans) == 2
    labels = {"method": "GET", "endpoint": "/items/{n}", "status_code": "200"}
    assert telemetry.metrics.value("http_requests_total", **labels) == 2.0
    for kit in kits:
        kit.undo()


async def test_a_mounted_application_with_a_set_up_of_its_own_is_one_request(telemetry: CapturedTelemetry) -> None:
    """
    A mounted application that was set up as well adds no second span and no second line.
    """
    inner, outer = small_app(), FastAPI()
    outer.mount("/inner", inner)
    kits = [setup_observability(inner), setup_observability(outer)]

    answer = await call(outer, path="/inner/items/1")

    assert len(answer.all("x-correlation-id")) == 1
    assert ["GET /inner/items/{n}"] == [span.name for span in telemetry.spans]
    for kit in kits:
        kit.undo()


def test_the_users_lifespan_runs_inside(telemetry: CapturedTelemetry) -> None:
    """
    What the application logs at its start and end is kept.
    """
    import logging

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        logging.getLogger("shop").info("opening")
        yield
        logging.getLogger("shop").info("closing")

    app = small_app(lifespan=lifespan)
    kit = setup_observability(app)

    for _ in range(2):
        with TestClient(app) as client:
            assert client.get("/items/1").status_code == 200

    messages = [item.message for item in telemetry.logs]
    assert (2, 2) == (messages.count("opening"), messages.count("closing"))
    kit.undo()


async def test_engine_contrib_by_setting(telemetry: CapturedTelemetry) -> None:
    """
    With the setting the span is made by contrib's instrumentation, and is the only one.
    """
    app = small_app()
    kit = setup_observability(app, settings=Settings(engine="contrib"))

    await call(app, path="/items/1")

    (span,) = telemetry.spans
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "opentelemetry.instrumentation.fastapi"
    assert kit.report()["engine"] == "contrib"
    kit.undo()


async def test_inside_another_server_span_there_is_no_second(telemetry: CapturedTelemetry) -> None:
    """
    Where an outer middleware has opened a server span that one is used.
    """
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

    app = small_app()
    kit = setup_observability(app)
    wrapped = OpenTelemetryMiddleware(app, exclude_spans=["send", "receive"])

    answer = await call(wrapped, path="/items/1")

    (span,) = telemetry.spans
    assert answer.header("x-correlation-id") == span.attributes["correlation_id"]
    assert f"{span.context.trace_id:032x}" == telemetry.log("request_completed").trace_id
    kit.undo()


async def test_the_applications_own_metrics_page_wins() -> None:
    """
    A route of the application's own at /metrics stays in charge, and the report says so.
    """
    app = small_app()

    @app.get("/metrics")
    async def mine() -> str:
        return "mine"

    kit = setup_observability(app)

    assert (await call(app, path="/metrics")).body == b'"mine"'
    assert "metrics page" in kit.report()["off"]
    kit.undo()


async def test_a_catch_all_does_not_hide_the_page() -> None:
    """
    A catch-all route of the application leaves /metrics to the kit.
    """
    app = small_app()

    @app.get("/{rest:path}")
    async def everything(rest: str) -> str:
        return rest

    kit = setup_observability(app)

    assert b"# TYPE http_requests_total counter" in (await call(app, path="/metrics")).body
    kit.undo()


async def test_the_page_leaves_no_trace(telemetry: CapturedTelemetry) -> None:
    """
    /metrics itself has an id, but no span, no count and no line.
    """
    app = small_app()
    kit = setup_observability(app)
    await call(app, path="/items/1")
    telemetry.clear()

    answer = await call(app, path="/metrics")

    assert len(answer.header("x-correlation-id")) == 36
    assert telemetry.spans == []
    assert [item.message for item in telemetry.logs] == []
    assert telemetry.metrics.changed() == {}
    kit.undo()


@pytest.mark.parametrize(("status", "spans"), [(200, 0), (503, 1)])
async def test_health_is_quiet_until_it_fails(telemetry: CapturedTelemetry, status: int, spans: int) -> None:
    """
    A health route is counted, but has a span and a line only when it fails.
    """
    from starlette.responses import Response

    app = small_app()

    @app.get("/health")
    async def health() -> Response:
        return Response(status_code=status)

    kit = setup_observability(app)
    await call(app, path="/items/1")
    telemetry.clear()

    await call(app, path="/health")

    assert spans == len(telemetry.spans)
    assert spans == len([item for item in telemetry.logs if item.message == "request_completed"])
    labels = {"method": "GET", "endpoint": "/health", "status_code": str(status)}
    assert telemetry.metrics.value("http_requests_total", **labels) == 1.0
    kit.undo()


async def test_a_fault_of_the_kit_never_reaches_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    When the kit itself fails the application is called once and answers as ever.
    """
    from otel_kit import faults

    app = small_app()
    kit = setup_observability(app)
    await call(app, path="/items/1")
    (path,) = kit._paths

    def broken(*_: object) -> None:
        raise RuntimeError("the kit is broken")

    before = faults.counts().get("asgi", 0)
    monkeypatch.setattr(path.arrivals, "record", broken)
    at_the_start = await call(app, path="/items/2")
    monkeypatch.undo()
    monkeypatch.setattr(path.metrics, "record", broken)
    at_the_end = await call(app, path="/items/3")

    assert (b"2", b"3") == (at_the_start.body, at_the_end.body)
    assert before + 2 == faults.counts()["asgi"]
    kit.undo()


async def test_requests_in_progress_are_shown_under_their_route(telemetry: CapturedTelemetry) -> None:
    """
    While a request is being answered the gauge counts it under its template.
    """
    app = FastAPI()
    kit = setup_observability(app)
    seen: list[float] = []

    @app.get("/slow/{n}")
    async def slow(n: int) -> None:
        seen.append(telemetry.metrics.value("http_requests_in_progress", method="GET", endpoint="/slow/{n}"))

    await call(app, path="/slow/1")

    assert seen == [1.0]
    assert telemetry.metrics.value("http_requests_in_progress", method="GET", endpoint="/slow/{n}") == 0.0
    kit.undo()


async def test_two_applications_share_the_gauge_of_requests_in_progress(telemetry: CapturedTelemetry) -> None:
    """
    Requests in progress in two applications of one process are added up.
    """
    outer, inner = FastAPI(), FastAPI()
    kits = [setup_observability(outer), setup_observability(inner)]
    seen: list[float] = []

    @inner.get("/slow")
    async def slow() -> None:
        seen.append(telemetry.metrics.value("http_requests_in_progress", method="GET", endpoint="/slow"))

    @outer.get("/slow")
    async def calls_the_other() -> None:
        await call(inner, path="/slow")

    await call(outer, path="/slow")

    assert seen == [2.0]
    for kit in kits:
        kit.undo()


async def test_a_proxy_that_is_not_listed_is_said_once(telemetry: CapturedTelemetry) -> None:
    """
    Forwarding headers from loopback, which nobody listed as a proxy, are worth one line.
    """
    app = small_app()
    kit = setup_observability(app)

    for _ in range(3):
        await call(app, path="/items/1", headers={"X-Forwarded-For": "198.51.100.7"})

    assert telemetry.log("otel_kit.unlisted_proxy").levelname == "WARNING"
    assert "client.address" in telemetry.spans[0].attributes
    kit.undo()


def test_all_kinds_of_places_are_in_the_report() -> None:
    """
    The report has what is on, where it goes, and what is off.
    """
    app = FastAPI()
    kinds.add_routes(app)
    kit = setup_observability(app)

    report = kit.report()

    assert {"service", "profile", "engine", "traces", "metrics", "logs", "off", "findings"} <= report.keys()
    assert report["traces"]["on"] is True
    kit.undo()


@pytest.mark.parametrize("logger", [None, "otel-kit"])
async def test_the_applications_levels_do_not_silence_request_lines(
    telemetry: CapturedTelemetry, logger: str | None
) -> None:
    """
    An application that sets the root's level, or a package's that is called like the service, keeps its request lines.
    """
    import logging

    app = small_app()
    kit = setup_observability(app)
    level = logging.getLogger(logger).level
    logging.getLogger(logger).setLevel("WARNING")

    await call(app, path="/items/1")

    logging.getLogger(logger).setLevel(level)
    assert telemetry.log("request_completed").levelname == "INFO"
    kit.undo()


async def test_an_exemplar_leads_to_the_trace(telemetry: CapturedTelemetry) -> None:
    """
    The OpenMetrics page names the trace of the last request of a series.
    """
    app = small_app()
    kit = setup_observability(app)
    await call(app, path="/items/1")

    page = await call(app, path="/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})

    trace_id = f"{telemetry.span('GET /items/{n}').context.trace_id:032x}"
    text = page.body.decode()
    lines = [line for line in text.splitlines() if f'trace_id="{trace_id}"' in line]
    assert any(line.startswith("http_requests_total{") for line in lines)
    assert any(line.startswith("http_request_duration_seconds_bucket{") for line in lines)
    assert text.endswith("# EOF\n")
    kit.undo()


async def test_instruments_of_other_libraries_stand_beside_ours() -> None:
    """
    An OpenTelemetry instrument is on the page by the exporter's name.
    """
    from opentelemetry import metrics

    app = small_app()
    kit = setup_observability(app)
    metrics.get_meter("some.library").create_counter("library.calls", unit="s").add(3, {"kind": "a"})

    page = (await call(app, path="/metrics")).body.decode()

    assert 'library_calls_seconds_total{kind="a"} 3' in page
    kit.undo()


@pytest.mark.parametrize(
    ("argument", "given"),
    [("service_name", 5), ("service_name", ""), ("service_name", " "), ("settings", {}), ("settings", "x")],
)
def test_an_argument_that_cannot_be_used_is_an_error(argument: str, given: Any) -> None:
    """
    One line says which it is, and nothing is set up.
    """
    app = small_app()

    with pytest.raises(ConfigurationError, match=rf"^{argument}='.*' can't be used: give [^\n]+$"):
        setup_observability(app, **{argument: given})
    assert "_otel_kit" not in vars(app)
