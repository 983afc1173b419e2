"""
One scrape of `/metrics` with 1 000 and 10 000 lines of one metric, as a counter and as a histogram.

Each source fills the same label sets and answers through an ASGI application, so that the whole scrape is timed.
Between scrapes one series in ten moves, as it would in service: an unchanged answer kept from before helps nobody.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from fastapi import FastAPI, Response

from benchmarks.exchange import Application, Lifespan, Request, send_request
from benchmarks.processes import Child, Sink, take_channel

LABELS = ("method", "endpoint", "status")
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
LINES_OF_HISTOGRAM = len(BOUNDS) + 3
SHAPES = ("counter", "histogram")
LINES = (1_000, 10_000)
SCRAPES = 9

Record = Callable[[tuple[str, str, str]], None]
"""Adds one observation to the series of these label values."""


@dataclass(frozen=True)
class Scrape:
    """First and typical scrape in milliseconds; `lines` are those of the metric that was filled."""

    source: str
    shape: str
    lines: int
    first_ms: float
    typical_ms: float
    kilobytes: float


# --- the child ------------------------------------------------------------------------------------------------


def build_prometheus_client(shape: str) -> tuple[Application, Record]:
    """
    prometheus_client behind the instrumentator's own route.
    """
    from prometheus_client import Counter, Histogram
    from prometheus_fastapi_instrumentator import Instrumentator

    app = FastAPI()
    Instrumentator().instrument(app).expose(app)
    if shape == "counter":
        counter = Counter("bench_events", "Events.", LABELS)
        return app, lambda values: counter.labels(*values).inc()
    histogram = Histogram("bench_seconds", "Seconds.", LABELS, buckets=BOUNDS)
    return app, lambda values: histogram.labels(*values).observe(0.2)


def build_opentelemetry(shape: str) -> tuple[Application, Record]:
    """
    The SDK's Prometheus reader, rendered by prometheus_client.
    """
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.view import View
    from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

    app = FastAPI()

    @app.get("/metrics")
    def read_metrics() -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    # the SDK caps an instrument at 2 000 series
    uncapped = View(instrument_name="bench_*", aggregation_cardinality_limit=2 * max(LINES))
    meter = MeterProvider([PrometheusMetricReader()], views=[uncapped]).get_meter("bench")
    if shape == "counter":
        counter = meter.create_counter("bench_events")
        return app, lambda values: counter.add(1, dict(zip(LABELS, values, strict=True)))
    histogram = meter.create_histogram("bench_seconds", explicit_bucket_boundaries_advisory=BOUNDS)
    return app, lambda values: histogram.record(0.2, dict(zip(LABELS, values, strict=True)))


def build_kit(shape: str) -> tuple[Application, Record]:
    """
    The kit's ledger behind its own route.
    """
    from otel_kit import Counter, Histogram, setup_observability

    app = FastAPI()
    setup_observability(app)
    series = 2 * max(LINES)
    if shape == "counter":
        counter = Counter("bench_events", "Events.", LABELS, max_series=series)
        return app, lambda values: counter.labels(*values).inc()
    histogram = Histogram("bench_seconds", "Seconds.", LABELS, buckets=BOUNDS, max_series=series)
    return app, lambda values: histogram.labels(*values).observe(0.2)


SOURCES = {
    "prometheus_client": build_prometheus_client,
    "opentelemetry": build_opentelemetry,
    "otel_kit": build_kit,
}


async def time_scrapes(source: str, shape: str, lines: int) -> dict[str, float]:
    """
    Fill, then scrape several times.
    """
    app, record = SOURCES[source](shape)
    count = lines if shape == "counter" else lines // LINES_OF_HISTOGRAM
    label_sets = [("GET", f"/things/{number}/of/{{name}}", "200") for number in range(count)]
    async with Lifespan(app):
        for values in label_sets:
            record(values)
        milliseconds = []
        for _ in range(SCRAPES):
            started = perf_counter()
            body = await send_request(app, Request("GET", "/metrics"))
            milliseconds.append((perf_counter() - started) * 1000)
            for values in label_sets[::10]:
                record(values)
    check_lines(body, count if shape == "counter" else count * LINES_OF_HISTOGRAM)
    return {"first": milliseconds[0], "typical": statistics.median(milliseconds[1:]), "bytes": len(body)}


def check_lines(body: bytes, expected: int) -> None:
    """
    Make sure that nothing was left out of the answer.
    """
    lines = [line for line in body.splitlines() if line.startswith(b"bench_") and b"_created{" not in line]
    if len(lines) != expected:
        raise ValueError(f"expected {expected} lines, found {len(lines)}")


# --- the driver -----------------------------------------------------------------------------------------------


def measure(sources: list[str], sink: Sink) -> list[Scrape]:
    """
    A fresh process for every source, shape and number of lines.
    """
    return [measure_one(source, shape, lines, sink) for shape in SHAPES for lines in LINES for source in sources]


def measure_one(source: str, shape: str, lines: int, sink: Sink) -> Scrape:
    """
    One process and its answer.
    """
    child = Child("scrape", source, shape, str(lines), environment=sink.environment("scrape"))
    try:
        answer: dict[str, Any] = child.read()
    finally:
        child.close()
    return Scrape(source, shape, lines, answer["first"], answer["typical"], answer["bytes"] / 1024)


if __name__ == "__main__":
    channel = take_channel()
    channel.write(json.dumps(asyncio.run(time_scrapes(sys.argv[1], sys.argv[2], int(sys.argv[3])))) + "\n")
