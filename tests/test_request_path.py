"""
Every kind of request, seen from outside: answer, span, metrics and line.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI

from otel_kit import setup_observability
from otel_kit.settings import Settings
from otel_kit.testing import CapturedTelemetry

from . import kinds
from .asgi_client import Answer, call

UUID = re.compile(r"[0-9a-f-]{36}")


class Kind(NamedTuple):
    """
    One row of the table.
    """

    path: str
    status: int
    route: str | None
    method: str = "GET"
    body: bytes = b""
    error: str | None = None
    raises: type[BaseException] | None = None


KINDS = {
    "plain": Kind("/items/3", 200, "/items/{item_id}"),
    "sync": Kind("/sync/3", 200, "/sync/{n}"),
    "included router": Kind("/api/inner/x/3", 200, "/api/inner/x/{item}"),
    "mounted": Kind("/sub/things/9", 200, "/sub/things/{thing}"),
    "invalid path": Kind("/items/three", 422, "/items/{item_id}"),
    "invalid body": Kind("/items", 422, "/items", "POST", b"{}"),
    "body": Kind("/items", 200, "/items", "POST", b'{"name": "n"}'),
    "wrong method": Kind("/items/3", 405, "/items/{item_id}", "DELETE"),
    "not found": Kind("/nowhere", 404, None),
    "redirect": Kind("/items/3/", 307, None),
    "unhandled": Kind("/boom/1", 500, "/boom/{n}", error="ValueError", raises=ValueError),
    "http exception": Kind("/teapot", 418, "/teapot"),
    "unavailable": Kind("/unavailable", 503, "/unavailable", error="503"),
    "handled": Kind("/handled", 500, "/handled", error="ArithmeticError"),
    "turned": Kind("/turned", 503, "/turned", error="503"),
    "dependency turns": Kind("/dependency-turns", 503, "/dependency-turns", error="503"),
    "refused": Kind("/refused", 403, None),
    "swallowed": Kind("/swallowed", 500, "/swallowed", error="ValueError"),
    "stream": Kind("/stream", 200, "/stream"),
    "sync stream": Kind("/sync-stream", 200, "/sync-stream"),
    "broken stream": Kind("/broken-stream", 200, "/broken-stream", error="RuntimeError", raises=RuntimeError),
    "background": Kind("/background", 200, "/background"),
    "unknown method": Kind("/items/3", 405, "/items/{item_id}", "BREW"),
    "docs": Kind("/docs", 200, "/docs"),
}


ENGINES = [
    "kit",
    "kit, set up first",
    "contrib",
    "contrib, instrumented last",
    "contrib, instrumented last, first call",
]


@pytest.fixture(params=ENGINES)
async def app(request: pytest.FixtureRequest, telemetry: CapturedTelemetry) -> AsyncIterator[FastAPI]:
    """
    The application of all kinds, under each engine and order of set-up, after its first call or before it.
    """
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    application = FastAPI()
    kit = None
    instrumented_last = "instrumented last" in request.param
    if request.param == "kit, set up first" or instrumented_last:
        kit = setup_observability(application)
    if request.param == "contrib":
        FastAPIInstrumentor.instrument_app(application, exclude_spans=["send", "receive"])
    application.add_middleware(kinds.RefusesSome)
    application.add_middleware(kinds.CopiesScope)
    kinds.add_routes(application)
    if instrumented_last:
        FastAPIInstrumentor.instrument_app(application, exclude_spans=["send", "receive"])
    kit = kit or setup_observability(application)
    application.state.engine = request.param.partition(",")[0]
    if "first call" not in request.param:
        await call(application, path="/items/1")
    telemetry.clear()
    kinds.seen_ids.clear()
    yield application
    kit.undo()
    if "contrib" in request.param:
        FastAPIInstrumentor.uninstrument_app(application)


async def answer(app: FastAPI, kind: Kind, **scope: Any) -> Answer:
    """
    The application's answer; what it raises to the server after its answer is expected here.
    """
    sent: list[Any] = []
    headers = scope.pop("headers", {}) | ({"content-type": "application/json"} if kind.body else {})
    try:
        return await call(app, kind.body, method=kind.method, path=kind.path, headers=headers, sent=sent, **scope)
    except Exception as error:
        if kind.raises is None or not isinstance(error, kind.raises):
            raise
        from .asgi_client import answer_of

        return answer_of(sent)


@pytest.mark.parametrize("name", KINDS)
async def test_every_kind_is_one_span_one_count_one_line(app: FastAPI, telemetry: CapturedTelemetry, name: str) -> None:
    """
    Each kind of request is one server span, one count under its template, and one line, all with one id.
    """
    kind = KINDS[name]

    answered = await answer(app, kind)

    identity = answered.header("X-Correlation-ID")
    method = kind.method if kind.method != "BREW" else "_OTHER"
    assert kind.status == answered.status
    assert UUID.fullmatch(identity)
    servers = [span for span in telemetry.spans if span.kind.name == "SERVER"]
    assert len(servers) == 1, [span.name for span in telemetry.spans]
    (span,) = servers
    assert identity == span.attributes["correlation_id"]
    assert kind.status == span.attributes["http.response.status_code"]
    if app.state.engine == "kit" or kind.route is not None:
        assert kind.route == span.attributes.get("http.route")
    word = "HTTP" if method == "_OTHER" else method
    if kind.route is not None:
        assert f"{word} {kind.route}" == span.name
    (line,) = [item for item in telemetry.logs if item.message == "request_completed"]
    assert (identity, method, kind.path, kind.status) == (line.correlation_id, line.method, line.path, line.status_code)
    assert f"{span.context.trace_id:032x}" == line.trace_id
    assert f"{span.context.span_id:016x}" == line.span_id
    assert line.levelname == ("ERROR" if kind.error else "INFO")
    endpoint = kind.route or "unmatched"
    assert 1.0 == telemetry.metrics.value(
        "http_requests_total", method=method, endpoint=endpoint, status_code=str(kind.status)
    )
    assert 1.0 == telemetry.metrics.value("http_request_duration_seconds", method=method, endpoint=endpoint)
    assert 0.0 == telemetry.metrics.value("http_requests_in_progress", method=method, endpoint=endpoint)
    errors = {key for key in telemetry.metrics.changed() if key[0] == "http_errors_total"}
    expected = {("http_errors_total", (("endpoint", endpoint), ("error_type", kind.error), ("method", method)))}
    assert (expected if kind.error else set()) == errors


BEHIND = {
    "handled": ["OSError: at the bottom", "ArithmeticError: handled"],
    "turned": ["OSError: at the bottom", "HTTPException: 503: later"],
    "dependency turns": ["OSError: at the bottom", "HTTPException: 503: later"],
    "swallowed": ["ValueError: swallowed"],
    "unhandled": ["ValueError: boom 1"],
}
"""What is told of the exception behind an answer, in this order."""


@pytest.mark.parametrize("name", BEHIND)
async def test_the_exception_behind_an_answer_is_told_once(
    app: FastAPI, telemetry: CapturedTelemetry, name: str
) -> None:
    """
    One event and one stack with its causes, also where a middleware passes the answer on from another task.
    """
    await answer(app, KINDS[name])

    (span,) = [span for span in telemetry.spans if span.kind.name == "SERVER"]
    (event,) = [event for event in span.events if event.name == "exception"]
    line = telemetry.log("request_completed")
    assert line.exception is not None
    for stack in (line.exception.stack, str(event.attributes["exception.stacktrace"])):
        lines = [found.strip(" |") for found in stack.splitlines() if found.endswith(tuple(BEHIND[name]))]
        # an older Starlette tells of it twice: in a group, and taken out of there
        assert BEHIND[name] == list(dict.fromkeys(line.rpartition(".")[2] for line in lines))
    assert [] == [item.message for item in telemetry.logs if item.message == "request_failed_after_response"]


async def test_an_answer_by_choice_has_no_exception(app: FastAPI, telemetry: CapturedTelemetry) -> None:
    """
    `HTTPException(503)` that nothing has led to is told by its status: no event, no stack.
    """
    await answer(app, KINDS["unavailable"])

    (span,) = [span for span in telemetry.spans if span.kind.name == "SERVER"]
    line = telemetry.log("request_completed")
    assert ([], None, "503") == (list(span.events), line.exception, span.attributes.get("error.type"))


@pytest.mark.parametrize("status", [200, 404, 499])
async def test_a_handled_exception_below_500_stays_quiet(
    app: FastAPI, telemetry: CapturedTelemetry, status: int
) -> None:
    """
    What the application answers for by another status is no error: no event, no stack, no error type.
    """
    await call(app, path="/handled", query=f"status={status}".encode())

    (span,) = [span for span in telemetry.spans if span.kind.name == "SERVER"]
    line = telemetry.log("request_completed")
    assert ([], None, "INFO") == (list(span.events), line.exception, line.levelname)
    assert "error.type" not in span.attributes


@pytest.mark.parametrize("status", [200, 500])
async def test_a_middleware_may_make_something_else_of_an_answer(telemetry: CapturedTelemetry, status: int) -> None:
    """
    What was noted of an exception is dropped when a middleware answers well after all.
    """
    from starlette.responses import PlainTextResponse

    application = FastAPI()
    kinds.add_routes(application)

    @application.middleware("http")
    async def instead(request: Any, call_next: Any) -> Any:
        await call_next(request)
        return PlainTextResponse("instead", status)

    kit = setup_observability(application)
    await call(application, path="/handled")
    kit.undo()

    (span,) = [span for span in telemetry.spans if span.kind.name == "SERVER"]
    expected = (["exception"], "ArithmeticError") if status == 500 else ([], None)
    assert expected == ([event.name for event in span.events], span.attributes.get("error.type"))


@pytest.mark.parametrize("engine", ["kit", "contrib"])
async def test_a_failure_after_the_answer_names_the_server_span(engine: Any, telemetry: CapturedTelemetry) -> None:
    """
    Under each engine the line about a background task that failed leads to the request's trace.
    """
    # without the middleware of the other tests: Starlette's BaseHTTPMiddleware once kept such errors to itself
    application = FastAPI()
    kinds.add_routes(application)
    kit = setup_observability(application, settings=Settings(engine=engine))
    with pytest.raises(KeyError):
        await call(application, path="/background-fails")
    kit.undo()

    (server,) = [span for span in telemetry.spans if span.kind.name == "SERVER"]
    line = telemetry.log("request_failed_after_response")
    assert (f"{server.context.trace_id:032x}", f"{server.context.span_id:016x}") == (line.trace_id, line.span_id)


async def test_a_link_of_the_application_is_kept(telemetry: CapturedTelemetry) -> None:
    """
    What a handler adds to the server span, a link to another trace too, is on it when it ends.
    """
    from opentelemetry.trace import SpanContext, get_current_span

    application = FastAPI()
    kit = setup_observability(application)

    @application.get("/linked")
    async def linked() -> str:
        get_current_span().add_link(SpanContext(0xABC, 0xDEF, True))
        return "ok"

    await call(application, path="/linked")
    kit.undo()

    (server,) = [span for span in telemetry.spans if span.kind.name == "SERVER"]
    assert [0xABC] == [link.context.trace_id for link in server.links]
