"""
The rings stay in an application whatever contrib's instrumentation does to it.
"""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

from otel_kit import Observability, setup_observability
from otel_kit.settings import Settings
from otel_kit.testing import CapturedTelemetry

from .asgi_client import call


def set_up(order: str) -> tuple[FastAPI, Observability]:
    """
    An application with contrib's instrumentation, in one of the orders in which it may come.
    """
    app = FastAPI()
    if order == "before":
        FastAPIInstrumentor.instrument_app(app)
    kit = setup_observability(app, settings=Settings(engine="contrib" if order == "setting" else "kit"))
    if order == "after":
        FastAPIInstrumentor.instrument_app(app)

    @app.get("/x")
    async def x() -> str:
        return "ok"

    return app, kit


@pytest.mark.parametrize("serving", [False, True])
@pytest.mark.parametrize("order", ["before", "after", "setting"])
async def test_the_kit_outlives_contribs_instrumentation(
    telemetry: CapturedTelemetry, order: str, serving: bool
) -> None:
    """
    When the user takes contrib's out, before the first request or after it, the kit makes the spans itself.
    """
    app, kit = set_up(order)
    if serving:
        await call(app, path="/x")
        telemetry.clear()

    FastAPIInstrumentor.uninstrument_app(app)
    answer, page = await call(app, path="/x"), await call(app, path="/metrics")

    (span,) = telemetry.spans
    assert span.instrumentation_scope is not None
    assert "otel_kit" == span.instrumentation_scope.name
    assert answer.header("x-correlation-id") == span.attributes["correlation_id"]
    assert (200, "kit", ["/metrics"]) == (page.status, kit.report()["engine"], kit.report()["pages"])
    assert kit is setup_observability(app)
    kit.undo()


@pytest.mark.parametrize("order", ["before", "after", "setting"])
async def test_undo_after_contribs_instrumentation_is_out(telemetry: CapturedTelemetry, order: str) -> None:
    """
    The kit goes, too, and can be set up again.
    """
    app, kit = set_up(order)
    FastAPIInstrumentor.uninstrument_app(app)

    kit.undo()
    bare = await call(app, path="/x")
    app.middleware_stack = None
    again = setup_observability(app)
    observed = await call(app, path="/x")
    again.undo()

    assert [] == bare.all("x-correlation-id")
    assert observed.header("x-correlation-id")


@pytest.mark.parametrize("order", ["before", "after"])
async def test_undo_leaves_contribs_instrumentation(telemetry: CapturedTelemetry, order: str) -> None:
    """
    Without the kit contrib's spans go on, and contrib's can be taken out without a trace of the kit.
    """
    app, kit = set_up(order)

    kit.undo()
    telemetry.clear()
    with_contrib = await call(app, path="/x")
    scopes = {span.instrumentation_scope.name for span in telemetry.spans if span.instrumentation_scope}
    FastAPIInstrumentor.uninstrument_app(app)
    telemetry.clear()
    bare = await call(app, path="/x")

    assert {"opentelemetry.instrumentation.fastapi"} == scopes
    assert ([], []) == (with_contrib.all("x-correlation-id"), bare.all("x-correlation-id"))
    # FastAPI's own telemetry is on again
    after = {span.instrumentation_scope.name for span in telemetry.spans if span.instrumentation_scope}
    assert set() == after & {"otel_kit", "opentelemetry.instrumentation.fastapi"}


async def test_an_engine_by_setting_is_gone_with_undo(telemetry: CapturedTelemetry) -> None:
    """
    What the kit has instrumented it takes out again, and the application can be set up anew at once.
    """
    app, kit = set_up("setting")

    kit.undo()
    again = setup_observability(app)
    await call(app, path="/x")

    assert ["otel_kit"] == [span.instrumentation_scope.name for span in telemetry.spans if span.instrumentation_scope]
    assert "kit" == again.report()["engine"]
    again.undo()
