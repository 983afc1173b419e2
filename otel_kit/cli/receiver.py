"""
As much of a collector as one terminal needs: OTLP over HTTP on loopback, kept in memory.

Owns what arrived: spans whole, of log records the id, of metrics the number of points. For a
sender that does not compress, as the kit does by default.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

__all__ = ["Receiver", "Span"]


@dataclass(frozen=True)
class Span:
    """
    A span as it arrived.
    """

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty for the root."""
    start_ns: int
    end_ns: int
    failed: bool
    attributes: dict[str, str]
    events: tuple[tuple[str, dict[str, str]], ...]
    """Name and attributes of each."""

    @property
    def seconds(self) -> float:
        """
        How long it took.
        """
        return (self.end_ns - self.start_ns) / 1e9


class Receiver:
    """
    Listens from its making until `close`.
    """

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.log_ids: list[str] = []
        """The correlation id of each log record; empty where it has none."""
        self.points = 0
        self._changed = threading.Condition()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """
        Stop listening.
        """
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, condition: Callable[[], bool], seconds: float) -> bool:
        """
        Wait until the condition holds of what has arrived; False when the time is up before.
        """
        with self._changed:
            return self._changed.wait_for(condition, seconds)

    def trace_of(self, correlation_id: str) -> list[Span]:
        """
        All spans of the trace in which some span carries this id, in the order of their starts.
        """
        traces = {span.trace_id for span in self.spans if span.attributes.get("correlation_id") == correlation_id}
        return sorted((span for span in self.spans if span.trace_id in traces), key=lambda span: span.start_ns)

    def take(self, path: str, body: bytes) -> bool:
        """
        Keep what one request brings; False for a path that is none of OTLP's.
        """
        read = {"/v1/traces": self._take_spans, "/v1/logs": self._take_logs, "/v1/metrics": self._take_metrics}
        if path not in read:
            return False
        with self._changed:
            read[path](body)
            self._changed.notify_all()
        return True

    def _take_spans(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(map(_span, scope.spans))

    def _take_logs(self, body: bytes) -> None:
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
            for scope in resource.scope_logs:
                self.log_ids.extend(_plain(one.attributes).get("correlation_id", "") for one in scope.log_records)

    def _take_metrics(self, body: bytes) -> None:
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    self.points += len(getattr(metric, metric.WhichOneof("data") or "gauge").data_points)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200 if self.server.receiver.take(self.path, body) else 404)
        # an empty answer is a whole success: nothing was refused
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """
        Nothing: the terminal is for the demonstration.
        """


def _span(span: Any) -> Span:
    return Span(
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        attributes=_plain(span.attributes),
        events=tuple((event.name, _plain(event.attributes)) for event in span.events),
    )


def _plain(attributes: Iterable[Any]) -> dict[str, str]:
    """
    Attributes as text; lists and maps are nothing that is shown.
    """
    kinds = ("string_value", "bool_value", "int_value", "double_value")
    found = ((pair.key, pair.value, pair.value.WhichOneof("value")) for pair in attributes)
    return {key: str(getattr(value, kind)) for key, value, kind in found if kind in kinds}
