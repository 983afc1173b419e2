"""
The collector's answer to an export: how many items it took.

Owns the reading of OTLP partial success, in both encodings.
"""

from __future__ import annotations

import json

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

__all__ = ["rejected_items"]

_REJECTED_KEYS = ("rejectedSpans", "rejectedLogRecords", "rejectedDataPoints")


def rejected_items(body: bytes) -> int:
    """
    Items the collector refused; 0 for an empty answer and for one that can't be read.

    The answers of the three signals have the same shape on the wire, so one class reads them all.
    """
    if not body:
        return 0
    if body[:1] == b"{":
        return _rejected_in_json(body)
    try:
        answer = ExportTraceServiceResponse.FromString(body)
    except DecodeError:
        return 0
    return max(int(answer.partial_success.rejected_spans), 0)


def _rejected_in_json(body: bytes) -> int:
    try:
        partial = json.loads(body).get("partialSuccess") or {}
        # 64-bit numbers are text in protobuf's JSON form
        return max(sum(int(partial.get(key, 0)) for key in _REJECTED_KEYS), 0)
    except (ValueError, TypeError, AttributeError):
        return 0
