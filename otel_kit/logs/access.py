"""
One line for each request: how it went.

Owns the `request_completed` line, and the short way to the exits. A call through `logging`
costs several times the line itself, so while nobody but the kit's handler would see the record
the item is made directly. As soon as somebody else listens (a handler, a filter, a record
factory, a library that patches `logging`), a real record goes through the machinery.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from opentelemetry.trace import use_span

from otel_kit.context import RequestRecord
from otel_kit.faults import fault
from otel_kit.logs.exceptions import describe, mark
from otel_kit.logs.handler import REQUEST_KEY, KitHandler
from otel_kit.logs.item import RequestItem

__all__ = ["RequestLog"]

LOGGER = "otel_kit.request"
_CALL_HANDLERS = logging.Logger.callHandlers
_LEVEL_NAMES = {logging.INFO: "INFO", logging.ERROR: "ERROR"}


def _has_nobody_above(logger: logging.Logger) -> bool:
    """
    Whether no logger between this one and the root would handle or stop its records.
    """
    parent = logger.parent
    while parent is not None and parent is not logging.root:
        if parent.handlers or not parent.propagate:
            return False
        parent = parent.parent
    return parent is logging.root


class RequestLog:
    """
    Writes the request lines of one application.

    Args:
        handler: The kit's handler on the root logger.
        service_name: Shown as the line's logger.
        level: Of the lines, whatever is done to the levels of other loggers: `set_log_level("error",
            "otel_kit.request")` makes them rarer.
        message: The line's message.
        restore: Called when the handler has been taken off the root logger, or the logger
            disabled, by a later configuration of `logging`.
    """

    def __init__(
        self,
        handler: KitHandler,
        service_name: str,
        message: str = "request_completed",
        restore: Callable[[logging.Logger], None] | None = None,
        level: int = logging.INFO,
    ) -> None:
        self._handler = handler
        self._message = message
        self._restore = restore
        self._name = service_name
        # a logger of its own: an application that sets the root's level, or that of a package which is
        # called like the service, has not asked for its requests to vanish
        self.logger = logging.getLogger(LOGGER)
        if self.logger.level == logging.NOTSET:
            self.logger.setLevel(level)

    def emit(self, record: RequestRecord) -> None:
        """
        Write the line of a request that has ended. Never raises.

        Level ERROR from status 500 or with an unhandled exception, INFO otherwise. The
        exception's whole stack is on the line, and a later record of it by the server is dropped.
        A quiet request has a line only when it failed.
        """
        try:
            failed = record.error is not None or (record.status_code is not None and record.status_code >= 500)
            if record.quiet and not failed:
                return
            level = logging.ERROR if failed else logging.INFO
            logger = self.logger
            handlers = logging.root.handlers
            alone = len(handlers) == 1 and handlers[0] is self._handler
            if not alone or logger.disabled:
                self._put_back()
            if not logger.isEnabledFor(level):
                return
            item = self._item(record, level)
            if alone and self._is_unobserved(logger):
                self._handler.deliver(item)
            else:
                logger.handle(self._record(record, item))
        except Exception as error:
            fault("logs", error)

    def late_error(self, record: RequestRecord, error: BaseException) -> None:
        """
        Log an exception that came after the answer was whole, from a background task or a middleware.

        The server's own record of it, which comes without the ids, is dropped by the mark.
        """
        try:
            # another engine's server span is no longer the current one here
            with use_span(record.span, record_exception=False, set_status_on_exception=False):
                self.logger.error("request_failed_after_response", exc_info=error)
            mark(error)
        except Exception as problem:
            fault("logs", problem)

    def _item(self, record: RequestRecord, level: int) -> RequestItem:
        item = RequestItem(record, time.time(), level, _LEVEL_NAMES[level], self._name, self._message)
        if level >= logging.ERROR:
            item.log_class = "error"
            error = _told(record)
            if error is not None:
                found = item.exception = record.failure or describe(type(error), error, error.__traceback__)
                item.size += 0 if found is None else found.size
                mark(error)
        return item

    def _is_unobserved(self, logger: logging.Logger) -> bool:
        return (
            not logger.handlers
            and not logger.filters
            and logger.propagate
            and _has_nobody_above(logger)
            and not self._handler.filters
            and self._handler.level <= logging.INFO
            and type(logger) is logging.Logger
            and logging.Logger.callHandlers is _CALL_HANDLERS
            and logging.getLogRecordFactory() is logging.LogRecord
        )

    def _record(self, record: RequestRecord, item: RequestItem) -> logging.LogRecord:
        """
        The line as other handlers should see it: the fields as extra, the exception as `exc_info`.
        """
        error = _told(record)
        made = self.logger.makeRecord(
            item.logger,
            item.levelno,
            __file__,
            0,
            item.message,
            (),
            None if error is None else (type(error), error, error.__traceback__),
            "emit",
            {
                "method": item.method,
                "path": item.path,
                "status_code": item.status_code,
                "duration_ms": round(item.duration_seconds * 1000.0, 2),
                "correlation_id": item.correlation_id,
                "trace_id": item.trace_id,
                "span_id": item.span_id,
            },
        )
        made.__dict__[REQUEST_KEY] = item
        return made

    def _put_back(self) -> None:
        if self._restore is not None and (self.logger.disabled or self._handler not in logging.root.handlers):
            self._restore(self.logger)


def _told(record: RequestRecord) -> BaseException | None:
    """
    The exception of which the line tells: the error, or what was read behind an answer by choice.
    """
    return record.raised if record.error is None and record.failure is not None else record.error
