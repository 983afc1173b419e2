"""
What the exporting libraries themselves log: seldom, and never into their own export.

Owns the judgement over loggers of OpenTelemetry and of the HTTP client below it. Without it a
collector that is away would fill the log, and each failed export would make more to export.
"""

from __future__ import annotations

import logging
import time

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_value

__all__ = ["EVERY_SECONDS", "LibraryNoise"]

EVERY_SECONDS = 10.0
"""One line per kind (logger, level and template) in this time."""

_EXPORTER = ("opentelemetry",)
_CLIENT = ("urllib3", "requests", "grpc")
_MAX_NAMES = 1_024
_MAX_KINDS = 256


class LibraryNoise:
    """
    Judges each record by its logger. Safe in any thread: a race costs one line more.
    """

    def __init__(self) -> None:
        self._families: dict[str, str] = {}
        self._said_at: dict[tuple[str, int, str], float] = {}

    def judge(self, record: logging.LogRecord) -> tuple[bool, bool]:
        """
        Whether the record may be exported, and whether it may be seen at all.

        An HTTP client's records count as the exporter's own only while it is exporting.
        """
        family = self._families.get(record.name)
        if family is None:
            family = self._learn(record.name)
        if not family or (family == "client" and not get_value(_SUPPRESS_INSTRUMENTATION_KEY)):
            return True, True
        return False, self._is_due(record)

    def _learn(self, name: str) -> str:
        if len(self._families) >= _MAX_NAMES:
            self._families.clear()
        root = (name or "").partition(".")[0]
        family = "exporter" if root in _EXPORTER else "client" if root in _CLIENT else ""
        self._families[name] = family
        return family

    def _is_due(self, record: logging.LogRecord) -> bool:
        template = record.msg[:200] if isinstance(record.msg, str) else type(record.msg).__name__
        kind = (record.name, record.levelno, template)
        now = time.monotonic()
        if now - self._said_at.get(kind, -EVERY_SECONDS) < EVERY_SECONDS:
            return False
        if len(self._said_at) >= _MAX_KINDS:
            self._said_at.clear()
        self._said_at[kind] = now
        return True
