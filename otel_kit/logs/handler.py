"""
The one handler the kit puts on the root logger.

Owns the step from `logging.LogRecord` to `LogItem`, on the calling thread, and hands the item
to the exits. Knows nothing of layouts, streams or OTLP.

A log call never raises here and never waits: whatever is odd about it (arguments that don't
fit, texts that can't be made, cycles), the record arrives with what could be read of it.
`close` and `flush` do nothing: `logging.config.dictConfig`, which servers and users call,
closes every handler it finds, and this one has to live on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Any, Protocol, cast

from opentelemetry import trace

from otel_kit.context import correlation_id, current_record
from otel_kit.faults import fault
from otel_kit.logs.exceptions import ExceptionText, describe
from otel_kit.logs.item import LogItem, user_of
from otel_kit.logs.quiet import LibraryNoise
from otel_kit.logs.values import bounded, plain_mapping, safe_text

__all__ = ["RECORD_NAMES", "REQUEST_KEY", "KitHandler", "Sink", "item_of"]

Sink = Callable[[LogItem, int], None]
"""Takes an item and its size in bytes, never blocks and never raises."""

REQUEST_KEY = "otel_kit.request"
"""Attribute of a `LogRecord` that carries the item of a request line past other handlers."""

_EMPTY_RECORD = logging.makeLogRecord({}).__dict__
_STANDARD_COUNT = len(_EMPTY_RECORD)
RECORD_NAMES = frozenset(_EMPTY_RECORD) | {
    "asctime",
    "color_message",
    "message",
    "otelServiceName",
    "otelSpanID",
    "otelTraceID",
    "otelTraceSampled",
    "taskName",
}
"""What `logging`, uvicorn and OpenTelemetry's logging instrumentation put on a record by themselves."""

_OF_REQUEST = RECORD_NAMES | {
    "correlation_id",
    "duration_ms",
    "method",
    "path",
    "span_id",
    "status_code",
    "trace_id",
    REQUEST_KEY,
}
"""On the record of a request line, what the item has in fields of its own."""

_EXCEPTION_NAMES = ("err", "error", "exception")

_CALLER_CLASSES = frozenset({"audit", "security", "error", "application"})


class Output(Protocol):
    """
    Where lines go.
    """

    def offer(self, item: LogItem) -> None:
        """
        Take the item or count it as dropped, at once.
        """


class KitHandler(logging.Handler):
    """
    Makes an item of each record and hands it to standard output and, when it is set, to the sink.

    Args:
        facts: Of the request in which a record is made, what its item has: `route`, `user`, both or neither.
    """

    def __init__(self, output: Output, sink: Sink | None = None, facts: Collection[str] = ()) -> None:
        super().__init__()
        self.output = output
        self.sink = sink
        self._facts = facts
        self.noise = LibraryNoise()

    def handle(self, record: logging.LogRecord) -> bool:
        """
        As in `logging`, without the lock: nothing here needs one.
        """
        if self.filters:
            passed: Any = self.filter(record)
            if not passed:
                return False
            if isinstance(passed, logging.LogRecord):
                record = passed
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """
        Hand the record on. Never raises.
        """
        try:
            exportable, allowed = self.noise.judge(record)
            if allowed:
                self.deliver(item_of(record, self._facts), exportable)
        except Exception as error:
            fault("logs", error)

    def deliver(self, item: LogItem, exportable: bool = True) -> None:
        """
        Hand an item to the exits.
        """
        self.output.offer(item)
        sink = self.sink
        if sink is not None and exportable:
            sink(item, item.size)

    def flush(self) -> None:
        """
        Nothing: lines are flushed by the writer, within a deadline.
        """

    def close(self) -> None:
        """
        Nothing: see the module's header.
        """


def item_of(record: logging.LogRecord, facts: Collection[str] = ()) -> LogItem:
    """
    What an exit needs of a record, with the ids of the moment and these facts of its request.
    """
    request = record.__dict__.get(REQUEST_KEY)
    if request is not None:
        _set_extra(request, record, _OF_REQUEST)
        return cast(LogItem, request)
    item = LogItem(record.created, record.levelno, record.levelname, record.name or "root", message_of(record))
    item.module = record.module
    item.function = record.funcName
    item.line = record.lineno
    item.size += len(item.message)
    if record.levelno >= logging.ERROR:
        item.log_class = "error"
    set_ids(item, facts)
    if len(record.__dict__) != _STANDARD_COUNT or record.stack_info:
        _set_extra(item, record, RECORD_NAMES)
    if record.exc_info or record.exc_text:
        _set_exception(item, record)
    return item


def message_of(record: logging.LogRecord) -> str:
    """
    The record's message; where its arguments don't fit, the template and the arguments.
    """
    try:
        return bounded(record.getMessage())
    except Exception:  # wrong number or kind of arguments, or a __str__ that raises
        arguments = record.args if isinstance(record.args, tuple) else (record.args,)
        return bounded(" ".join([safe_text(record.msg), *map(safe_text, arguments or ())]))


def set_ids(item: LogItem, facts: Collection[str]) -> None:
    """
    Correlation, trace and span id of the code that is logging, and these facts of its request.
    """
    item.correlation_id = correlation_id()
    span = trace.get_current_span()
    request = current_record.get()
    if request is not None and facts:
        item.route = request.route_by_now() if "route" in facts else None
        item.user = user_of(request) if "user" in facts else None
    if request is not None and span is request.span:
        item.trace_id, item.span_id, item.trace_flags = request.trace_id, request.span_id, request.trace_flags
    elif span is not trace.INVALID_SPAN:
        context = span.get_span_context()
        if context.is_valid:
            item.trace_id = f"{context.trace_id:032x}"
            item.span_id = f"{context.span_id:016x}"
            item.trace_flags = int(context.trace_flags)


def _set_extra(item: LogItem, record: logging.LogRecord, known: frozenset[str]) -> None:
    given: dict[object, object] = {key: value for key, value in record.__dict__.items() if key not in known}
    if record.stack_info:
        given.setdefault("stack_info", record.stack_info)
    if not record.exc_info:
        _take_exception(item, given)
    declared = given.get("log.class")
    if isinstance(declared, str) and declared in _CALLER_CLASSES:
        del given["log.class"]
        if declared != "application":
            item.log_class = declared  # type: ignore[assignment]
    if given:
        item.extra, size = plain_mapping(given)
        item.size += size


def _take_exception(item: LogItem, given: dict[object, object]) -> None:
    """
    An exception that the caller gave as `extra={"err": error}`, as in pino, is the record's.
    """
    for name in _EXCEPTION_NAMES:
        error = given.get(name)
        if isinstance(error, BaseException):
            found = describe(type(error), error, error.__traceback__)
            if found is not None:
                del given[name]
                _hold(item, found)
                return


def _set_exception(item: LogItem, record: logging.LogRecord) -> None:
    found = describe(*record.exc_info) if record.exc_info else None
    if found is None and record.exc_text:
        # a record that came through a queue or a pickle brings the text alone
        lines = record.exc_text.rstrip("\n").rpartition("\n")[2]
        kind, _, message = lines.partition(": ")
        found = ExceptionText(kind, message, bounded(record.exc_text))
    if found is not None:
        _hold(item, found)


def _hold(item: LogItem, found: ExceptionText) -> None:
    item.exception = found
    item.size += found.size
