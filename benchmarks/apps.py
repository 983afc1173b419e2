"""
The one application that is measured, and the variants that instrument it.

A variant changes nothing but the instruments. `bare` already logs, as a real service would: INFO, plain text, to
the null device. Every variant that exports sends OTLP over HTTP to the sink named by `OTEL_EXPORTER_OTLP_ENDPOINT`.
Peers are imported inside their own function, so that a variant's start-up and memory are its own.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

from benchmarks.exchange import Application

logger = logging.getLogger("service")

UNREACHABLE_LIMIT = "1000000000/minute"
"""A limit is kept and judged on every request, and never met."""


class ChatRequest(BaseModel):
    """What `POST /chat/completions` takes."""

    model: str
    message: str


@dataclass(frozen=True)
class Built:
    """A variant ready to be served; `flush` exports everything that is still queued."""

    app: Application
    flush: Callable[[], Awaitable[None]]


Routes = Callable[[FastAPI], None]


def add_routes(app: FastAPI) -> None:
    """
    The two ordinary routes of the application.
    """

    @app.get("/items")
    async def read_items() -> dict[str, Any]:
        return {"items": ["one", "two", "three"], "count": 3}

    @app.post("/chat/completions")
    async def create_completion(request: ChatRequest) -> dict[str, Any]:
        logger.info("completion requested for %s", request.model)
        return {"model": request.model, "reply": request.message.upper()}


async def nothing_to_flush() -> None:
    """
    For variants that export nothing.
    """


def log_to_null_device(formatter: logging.Formatter | None = None) -> logging.Handler:
    """
    The application's own logging: INFO, to the null device, as plain text unless a formatter says otherwise.
    """
    handler = logging.StreamHandler(open(os.devnull, "w"))  # noqa: SIM115  kept open for the life of the process
    handler.setFormatter(formatter or logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)
    return handler


def build_bare(add_routes: Routes) -> Built:
    """
    The application alone.
    """
    log_to_null_device()
    app = FastAPI()
    add_routes(app)
    return Built(app, nothing_to_flush)


def build_native(add_routes: Routes) -> Built:
    """
    FastAPI's own telemetry, at its cheapest: one span a request.
    """
    log_to_null_device()
    flush = set_global_providers(logs=False)
    app = FastAPI(telemetry={"operation_spans": False})
    add_routes(app)
    return Built(app, flush)


def build_instrumentator(add_routes: Routes) -> Built:
    """
    prometheus-fastapi-instrumentator with its defaults: metrics and nothing else.
    """
    from prometheus_fastapi_instrumentator import Instrumentator

    log_to_null_device()
    app = FastAPI()
    add_routes(app)
    Instrumentator().instrument(app).expose(app)
    return Built(app, nothing_to_flush)


def build_stock(add_routes: Routes) -> Built:
    """
    OpenTelemetry as its documentation sets it up: traces and metrics of the contrib instrumentation.
    """
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    log_to_null_device()
    flush = set_global_providers(logs=False)
    app = FastAPI()
    add_routes(app)
    FastAPIInstrumentor.instrument_app(app)
    return Built(app, flush)


def build_assembled(add_routes: Routes) -> Built:
    """
    What a team assembles for the same result: six libraries, and the request line most write by hand.
    """
    from asgi_correlation_id import CorrelationIdFilter, CorrelationIdMiddleware
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
    from opentelemetry.instrumentation.logging import LoggingInstrumentor
    from prometheus_fastapi_instrumentator import Instrumentator
    from pythonjsonlogger.json import JsonFormatter
    from slowapi import Limiter
    from slowapi.middleware import SlowAPIMiddleware
    from slowapi.util import get_remote_address

    flush = set_global_providers(logs=True)
    fields = "%(asctime)s %(levelname)s %(name)s %(message)s %(correlation_id)s %(otelTraceID)s %(otelSpanID)s"
    log_to_null_device(JsonFormatter(fields)).addFilter(CorrelationIdFilter())
    LoggingInstrumentor().instrument(inject_trace_context=True)

    app = FastAPI()
    add_routes(app)
    app.state.limiter = Limiter(key_func=get_remote_address, default_limits=[UNREACHABLE_LIMIT])
    app.add_middleware(SlowAPIMiddleware)
    app.middleware("http")(log_request_line)
    app.add_middleware(CorrelationIdMiddleware, header_name="X-Correlation-ID")
    Instrumentator().instrument(app).expose(app)
    FastAPIInstrumentor.instrument_app(app)
    return Built(app, flush)


async def log_request_line(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """
    The request line of the assembled stack.
    """
    from time import perf_counter

    started = perf_counter()
    response = await call_next(request)
    fields = {
        "method": request.method,
        "path": request.url.path,
        "status": response.status_code,
        "duration_ms": round((perf_counter() - started) * 1000, 3),
    }
    logger.info("request_completed", extra=fields)
    return response


def build_kit(add_routes: Routes, profile: str | None = None) -> Built:
    """
    otel_kit with everything on: traces, metrics, JSON log lines on standard output, correlation, OTLP, a limit.
    """
    from otel_kit import setup_observability

    app = FastAPI()
    add_routes(app)
    kit = setup_observability(app, profile=profile, limits={"/": UNREACHABLE_LIMIT})

    async def flush() -> None:
        if not await kit.flush(10.0):
            raise TimeoutError("the kit did not flush within 10 seconds")

    return Built(app, flush)


def set_global_providers(logs: bool) -> Callable[[], Awaitable[None]]:
    """
    The SDK's providers with its OTLP exporters and defaults; returns what flushes them.
    """
    from opentelemetry import _logs, metrics, trace
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    tracer_provider = TracerProvider()
    tracer_provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(tracer_provider)
    meter_provider = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
    metrics.set_meter_provider(meter_provider)
    flushes = [tracer_provider.force_flush, meter_provider.force_flush]
    if logs:
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

        logger_provider = LoggerProvider()
        logger_provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
        _logs.set_logger_provider(logger_provider)
        flushes.append(logger_provider.force_flush)

    async def flush() -> None:
        for force_flush in flushes:
            force_flush()

    return flush


VARIANTS: dict[str, Callable[[Routes], Built]] = {
    "bare": build_bare,
    "fastapi_native_one_span": build_native,
    "prometheus_fastapi_instrumentator": build_instrumentator,
    "opentelemetry_contrib": build_stock,
    "assembled": build_assembled,
    "otel_kit": build_kit,
}

EXPORTED: dict[str, tuple[str, ...]] = {
    "fastapi_native_one_span": ("traces", "metrics"),
    "opentelemetry_contrib": ("traces", "metrics"),
    "assembled": ("traces", "metrics", "logs"),
    "otel_kit": ("traces", "metrics", "logs"),
}
"""The signals each variant must have sent to the sink, or its figures mean nothing."""


def build(variant: str, routes: Routes = add_routes) -> Built:
    """
    One variant, in this process; also those with which limiters and profiles are compared.
    """
    if variant not in VARIANTS:
        from benchmarks import limiters, pages, profiles

        return (limiters.VARIANTS | profiles.VARIANTS | pages.VARIANTS)[variant]()
    return VARIANTS[variant](routes)
