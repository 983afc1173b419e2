"""
One log record after the calling thread has let go of it.

Owns the value that travels from a log call to the exits (standard output, OTLP), and its one
redaction. Plain data only: nothing in it refers to live objects of the application.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from otel_kit.context import RequestRecord
from otel_kit.logs.exceptions import ExceptionText
from otel_kit.logs.values import TEXT_LIMIT, Plain

if TYPE_CHECKING:
    from otel_kit.redaction import Policy

__all__ = ["AUDIT_BYTES", "AUDIT_ITEMS", "BASE_SIZE", "LogClass", "LogItem", "RequestItem", "user_of"]

LogClass = Literal["audit", "security", "error", "application"]
"""How long a line is kept and who reads it. A record that fits two classes has the first."""

MAX_USER = 256

_EVENT_LOGGERS = frozenset({"otel_kit.audit", "otel_kit.security"})
"""Of records whose ids are documented to pass as given."""

BASE_SIZE = 400
"""Bytes that an item without texts of its own takes on a line and in memory."""

AUDIT_ITEMS = 10_000
AUDIT_BYTES = 8 * 1024 * 1024
"""What a queue of log records takes beyond its bound, of those of class `audit`: they are the last to be lost."""


class LogItem:
    """
    One record. `created` is in epoch seconds, the ids are hexadecimal text or None, `size` is in bytes.
    """

    __slots__ = (
        "cleaned",
        "correlation_id",
        "created",
        "exception",
        "extra",
        "function",
        "levelname",
        "levelno",
        "line",
        "log_class",
        "logger",
        "message",
        "module",
        "route",
        "size",
        "span_id",
        "trace_flags",
        "trace_id",
        "user",
    )

    kind: Literal["application", "request"] = "application"

    def __init__(self, created: float, levelno: int, levelname: str, logger: str, message: str) -> None:
        self.created = created
        self.levelno = levelno
        self.levelname = levelname
        self.logger = logger
        self.message = message
        self.extra: Mapping[str, Plain] | None = None
        self.exception: ExceptionText | None = None
        self.correlation_id: str | None = None
        self.trace_id: str | None = None
        self.span_id: str | None = None
        self.trace_flags = 0
        self.log_class: LogClass = "application"
        self.module: str | None = None
        self.function: str | None = None
        self.line: int | None = None
        self.route: str | None = None
        self.user: str | None = None
        self.size = BASE_SIZE
        self.cleaned = False

    def clean(self, policy: Policy) -> None:
        """
        Take every secret out, once. Both exits call this before they read anything else.

        Two threads may do it at the same moment: cleaning clean text changes nothing.
        """
        if self.cleaned:
            return
        self.logger = policy.cached(self.logger)
        self.message = policy.text(self.message, TEXT_LIMIT)
        if self.extra:
            self.extra = policy.mapping(self.extra, TEXT_LIMIT, ids=self.logger in _EVENT_LOGGERS)
        self._clean_user(policy)
        self._clean_exception(policy)
        self.cleaned = True

    def _clean_user(self, policy: Policy) -> None:
        if self.user is not None:
            self.user = str(policy.value("user_id", self.user, MAX_USER))

    def _clean_exception(self, policy: Policy) -> None:
        found = self.exception
        if found is not None:
            self.exception = ExceptionText(
                found.type, policy.text(found.message, TEXT_LIMIT), policy.text(found.stack, TEXT_LIMIT)
            )


class RequestItem(LogItem):
    """
    How one request went. Path and client are clean already: the ring cleans them at the source.
    """

    __slots__ = ("client", "duration_seconds", "method", "path", "status_code")

    kind = "request"

    def __init__(
        self, record: RequestRecord, created: float, levelno: int, levelname: str, logger: str, message: str
    ) -> None:
        # every slot once, without the base class: this runs for each request
        self.created = created
        self.levelno = levelno
        self.levelname = levelname
        self.logger = logger
        self.message = message
        self.extra = None
        self.exception = None
        self.correlation_id = record.correlation_id
        self.trace_id = record.trace_id
        self.span_id = record.span_id
        self.trace_flags = record.trace_flags
        self.log_class = "application"
        self.module, self.function, self.line = "access", "emit", 0
        self.size = BASE_SIZE + len(record.path)
        self.cleaned = False
        self.method = record.method
        self.path = record.path
        self.route = record.route
        self.user = user_of(record)
        self.client = record.client
        self.status_code = record.status_code
        self.duration_seconds = record.duration_seconds

    def clean(self, policy: Policy) -> None:
        """
        Take secrets out of what is not the kit's own: the exception, and what others put on the record.
        """
        if not self.cleaned:
            if self.extra:
                self.extra = policy.mapping(self.extra, TEXT_LIMIT)
            self._clean_user(policy)
            self._clean_exception(policy)
            self.cleaned = True


def user_of(record: RequestRecord) -> str | None:
    """
    The subject of a verified token, where somebody has asked whose request this is.
    """
    identity = record.identity
    return identity.value if identity is not None and identity.kind == "jwt" else None


def kit_item(levelno: int, message: str, extra: dict[str, Plain]) -> LogItem:
    """
    A record of the kit itself, made where the logging machinery can't be used.
    """
    item = LogItem(time.time(), levelno, logging.getLevelName(levelno), "otel_kit", message)
    item.extra = extra
    item.module, item.function, item.line = "item", "kit_item", 0
    if levelno >= logging.ERROR:
        item.log_class = "error"
    return item
