"""
Log records and requests with them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from e2e.otlp.values import Attributes, any_value, pairs

__all__ = ["log", "logs"]

SEVERITIES = {1: "TRACE", 5: "DEBUG", 9: "INFO", 13: "WARN", 17: "ERROR", 21: "FATAL"}


def log(
    body: Any,
    *,
    severity: int = 9,
    attributes: Attributes | None = None,
    trace: str = "",
    span: str = "",
    time_ns: int | None = None,
    event_name: str = "",
) -> LogRecord:
    """
    One record; severity 9 is INFO, 17 is ERROR.
    """
    moment = time.time_ns() if time_ns is None else time_ns
    return LogRecord(
        time_unix_nano=moment,
        observed_time_unix_nano=time.time_ns(),
        severity_number=severity,  # type: ignore[arg-type]
        severity_text=SEVERITIES.get(severity, ""),
        body=any_value(body),
        attributes=pairs(attributes),
        trace_id=bytes.fromhex(trace),
        span_id=bytes.fromhex(span),
        event_name=event_name,
    )


def logs(records: Iterable[LogRecord], resource: Attributes, scope: str = "e2e") -> ExportLogsServiceRequest:
    """
    A request with these records of one service.
    """
    scoped = ScopeLogs(scope=InstrumentationScope(name=scope), log_records=records)
    return ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=Resource(attributes=pairs(resource)), scope_logs=[scoped])]
    )
