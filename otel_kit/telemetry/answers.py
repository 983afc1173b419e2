"""
The collector's answer to an export: how many items it took.

Owns the reading of OTLP partial success, in both encodings.
"""

from __future__ import annotations

import json

from otel_kit.telemetry.protobuf import fields

__all__ = ["rejected_items"]

_REJECTED_KEYS = ("rejectedSpans", "rejectedLogRecords", "rejectedDataPoints")


def rejected_items(body: bytes) -> int:
    """
    Items the collector refused; 0 for an empty answer and for one that can't be read.

    The answers of the three signals have the same shape on the wire: in the first field a message,
    whose own first field is the number.
    """
    if not body:
        return 0
    if body[:1] == b"{":
        return _rejected_in_json(body)
    try:
        partial = b"".join([value for field, value in fields(body) if field == 1 and isinstance(value, bytes)])
        counts = [value for field, value in fields(partial) if field == 1 and isinstance(value, int)]
    except ValueError:
        return 0
    # the last one counts; beyond 63 bits it is a negative number
    return counts[-1] if counts and counts[-1] < 2**63 else 0


def _rejected_in_json(body: bytes) -> int:
    try:
        partial = json.loads(body).get("partialSuccess") or {}
        # 64-bit numbers are text in protobuf's JSON form
        return max(sum(int(partial.get(key, 0)) for key in _REJECTED_KEYS), 0)
    except (ValueError, TypeError, AttributeError):
        return 0
