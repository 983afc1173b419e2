"""
Logs: the standard `logging` module in, lines on standard output and records for export out.
"""

from __future__ import annotations

from otel_kit.logs.access import RequestLog
from otel_kit.logs.assembly import Logs
from otel_kit.logs.handler import KitHandler, Sink
from otel_kit.logs.item import LogItem, RequestItem
from otel_kit.logs.levels import level_number, set_log_level
from otel_kit.logs.structlog_bridge import structlog_options, structlog_processor

__all__ = [
    "KitHandler",
    "LogItem",
    "Logs",
    "RequestItem",
    "RequestLog",
    "Sink",
    "level_number",
    "set_log_level",
    "structlog_options",
    "structlog_processor",
]
