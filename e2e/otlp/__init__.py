"""
Raw OTLP: what a client of any language sends, built by hand from the official classes.

    answer = otlp.send(collector.url, otlp.traces([otlp.span("GET /items")], {"service.name": "shop"}))
    assert 200 == answer.status

Values of attributes are Python data: text, bool, int, float, bytes, list, dict, None. Ids are hex.
"""

from __future__ import annotations

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from e2e.otlp.logs import log, logs
from e2e.otlp.metrics import exemplar, gauge, histogram, metrics, sum_of
from e2e.otlp.sending import Answer, Request, send, send_by_grpc
from e2e.otlp.traces import event, link, span, span_id, trace_id, traces
from e2e.otlp.values import any_value, pairs

__all__ = [
    "Answer",
    "LogRecord",
    "Request",
    "any_value",
    "event",
    "exemplar",
    "gauge",
    "histogram",
    "link",
    "log",
    "logs",
    "metrics",
    "pairs",
    "send",
    "send_by_grpc",
    "span",
    "span_id",
    "sum_of",
    "trace_id",
    "traces",
]
