"""
A Collector with one backend that is elsewhere, at whose door one of each signal has knocked.

Owns what is sent and which files are loaded. What the door should have seen is the tests' business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from e2e import otlp
from e2e.programs import GROUND, Collector, ConfigFile, collector, wait_for
from e2e.recorder import Recorder, recorder

__all__ = ["RESOURCE", "SIGNALS", "knocking", "sending"]

RESOURCE = {
    "service.name": "shop",
    "service.version": "1.2.3",
    "service.instance.id": "i-1",
    "deployment.environment.name": "staging",
}
SIGNALS: dict[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


@contextmanager
def sending(
    directory: Path, backend: str, environment: Mapping[str, str], *more: dict[str, Any]
) -> Iterator[Collector]:
    """
    A Collector with one backend, which has just been sent one of each signal.
    """
    files: list[ConfigFile] = [*GROUND, f"backends/{backend}.yaml", *more]
    with collector(files, environment, directory / "collector") as running:
        send_one_of_each(running.url)
        yield running


def send_one_of_each(url: str) -> None:
    """
    A span, a record, and a sum that counts.
    """
    trace, span = otlp.trace_id(), otlp.span_id()
    route = {"http.route": "/orders", "http.request.method": "POST", "correlation_id": "c-1"}
    spans = otlp.traces([otlp.span("POST /orders", trace=trace, id=span, attributes=route)], RESOURCE)
    records = otlp.logs(
        [otlp.log("order taken", trace=trace, span=span, attributes={"correlation_id": "c-1"})], RESOURCE
    )
    for request in (spans, records, otlp.metrics([otlp.gauge("shelf_items", 7)], RESOURCE)):
        assert 200 == otlp.send(url, request).status


@contextmanager
def knocking(
    factory: pytest.TempPathFactory, backend: str, told: Callable[[str], Mapping[str, str]]
) -> Iterator[Recorder]:
    """
    The door of a store at which one of each signal has knocked.
    """
    with recorder() as door, sending(factory.mktemp(backend), backend, told(door.url)):
        wait_for(lambda: len(door.requests) >= len(SIGNALS), "one of each signal")
        yield door
