"""
From log calls to items.
"""

from __future__ import annotations

import logging
import logging.config
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from otel_kit import faults
from otel_kit.context import bound_correlation_id
from otel_kit.logs.handler import KitHandler, item_of
from otel_kit.logs.item import LogItem
from otel_kit.logs.values import CUT_MARGIN, TEXT_LIMIT

from .conftest import Collected, alone

pytestmark = pytest.mark.usefixtures("kit_handler")

logger = logging.getLogger("shop.orders")


class Unprintable:
    """
    An object whose text can't be made.
    """

    def __str__(self) -> str:
        raise ValueError("no")

    __repr__ = __str__


def only(collected: Collected) -> LogItem:
    """
    The one item that arrived.
    """
    (item,) = collected.items
    return item


def test_says_what_was_logged(collected: Collected) -> None:
    """
    Message, level, logger and place of the call are on the item.
    """
    logger.warning("stock of %s is %d", "tea", 3)
    item = only(collected)

    assert ("stock of tea is 3", "WARNING", "shop.orders") == (item.message, item.levelname, item.logger)
    assert ("test_handler", "test_says_what_was_logged") == (item.module, item.function)


def test_keeps_extra(collected: Collected) -> None:
    """
    What the caller gave as `extra` arrives, and nothing that `logging` or a server added.
    """
    logger.info("paid", extra={"order": 7, "color_message": "\x1b[1mpaid", "otelTraceID": "0"})

    assert {"order": 7} == only(collected).extra


def test_has_no_extra_when_none_was_given(collected: Collected) -> None:
    """
    An ordinary record has None there.
    """
    logger.info("paid")

    assert only(collected).extra is None


def test_has_no_ids_outside_requests(collected: Collected) -> None:
    """
    Without a request or span there are no ids.
    """
    logger.info("started")
    item = only(collected)

    assert (None, None, None) == (item.correlation_id, item.trace_id, item.span_id)


def test_has_the_ids_of_the_moment(collected: Collected) -> None:
    """
    Correlation id and the innermost span's ids are on the item.
    """
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    outer, inner = tracer.start_as_current_span("outer"), tracer.start_as_current_span("inner")
    with bound_correlation_id("job-7"), outer, inner as span:
        logger.info("inside")
    item, context = only(collected), span.get_span_context()

    assert "job-7" == item.correlation_id
    assert (f"{context.trace_id:032x}", f"{context.span_id:016x}") == (item.trace_id, item.span_id)
    assert item.trace_flags & 1


@pytest.mark.parametrize(
    ("expected", "message", "arguments"),
    [
        ("%d items many", "%d items", ("many",)),
        ("one %s", "one %s", ()),
        ("no place 1 2", "no place", (1, 2)),
        ("value %s <unprintable Unprintable>", "value %s", (Unprintable(),)),
        ("<unprintable Unprintable>", Unprintable(), ()),
        ("None", None, ()),
        ("bad \ud800 text", "bad %s text", ("\ud800",)),
    ],
)
def test_never_raises(
    kit_handler: KitHandler, collected: Collected, expected: str, message: Any, arguments: tuple[object, ...]
) -> None:
    """
    An odd log call arrives with what could be read of it.
    """
    alone(kit_handler)
    before = faults.counts()
    logger.info(message, *arguments)

    assert expected == only(collected).message
    assert before == faults.counts()


def test_never_raises_on_odd_extra(collected: Collected) -> None:
    """
    Cyclic, unprintable and oddly named extra arrives, beside the next record.
    """
    cyclic: dict[str, object] = {}
    cyclic["self"] = cyclic
    logger.info("odd", extra={"cycle": cyclic, "mute": Unprintable(), 3: 4})  # type: ignore[dict-item]
    logger.info("next")

    assert {"cycle", "mute", "3"} == set(collected.items[0].extra or ())
    assert "next" == collected.items[1].message


def test_bounds_the_message(collected: Collected) -> None:
    """
    A message of ten megabytes is cut before it is queued.
    """
    logger.info("x" * 10_000_000)

    assert TEXT_LIMIT + CUT_MARGIN == len(only(collected).message)
    assert only(collected).size < 2 * TEXT_LIMIT


def test_reads_an_exception(collected: Collected) -> None:
    """
    The stack is text by the time the call returns.
    """
    try:
        int("x")
    except ValueError:
        logger.exception("failed")
    found = only(collected).exception

    assert found is not None
    assert "ValueError" == found.type
    assert found.stack.startswith("Traceback")


def test_takes_an_exception_that_comes_as_text(collected: Collected) -> None:
    """
    A record from a queue or another process has its stack as text only.
    """
    record = logging.makeLogRecord(
        {"name": "worker", "levelno": 40, "levelname": "ERROR", "msg": "failed", "exc_text": "Traceback\nOSError: gone"}
    )
    logger.handle(record)
    found = only(collected).exception

    assert found is not None
    assert ("OSError", "gone") == (found.type, found.message)


def test_keeps_a_requested_stack(collected: Collected) -> None:
    """
    `stack_info=True` arrives as a field.
    """
    logger.info("here", stack_info=True)

    assert "test_keeps_a_requested_stack" in str((only(collected).extra or {})["stack_info"])


@pytest.mark.parametrize(
    ("expected", "level", "declared"),
    [
        ("application", logging.INFO, None),
        ("error", logging.ERROR, None),
        ("audit", logging.INFO, "audit"),
        ("audit", logging.ERROR, "audit"),
        ("security", logging.ERROR, "security"),
        ("error", logging.CRITICAL, "application"),
        ("error", logging.INFO, "error"),
    ],
)
def test_finds_the_class(collected: Collected, expected: str, level: int, declared: str | None) -> None:
    """
    The class is the caller's, unless an error says more than `application`.
    """
    logger.log(level, "x", extra={"log.class": declared} if declared else None)

    assert expected == only(collected).log_class
    assert only(collected).extra is None or not only(collected).extra


def test_an_unknown_class_stays_extra(collected: Collected) -> None:
    """
    The classes are a closed set; another word is the caller's own field.
    """
    logger.info("x", extra={"log.class": "gossip"})

    assert "application" == only(collected).log_class
    assert {"log.class": "gossip"} == only(collected).extra


def test_honours_filters(kit_handler: KitHandler, collected: Collected) -> None:
    """
    A filter that the user put on the handler decides.
    """
    kit_handler.addFilter(lambda record: "secret" not in record.getMessage())
    logger.info("secret thing")
    logger.info("plain thing")

    assert "plain thing" == only(collected).message


def test_exports_through_the_sink(kit_handler: KitHandler, collected: Collected) -> None:
    """
    The same item goes to the sink, with its size.
    """
    exported: list[tuple[LogItem, int]] = []
    kit_handler.sink = lambda item, size: exported.append((item, size))
    logger.info("both")

    assert [(only(collected), only(collected).size)] == exported


def test_counts_a_sink_that_raises(kit_handler: KitHandler, collected: Collected) -> None:
    """
    A fault behind the handler is counted; the caller never sees it.
    """

    def broken(item: LogItem, size: int) -> None:
        raise RuntimeError("sink")

    before = faults.counts().get("logs", 0)
    kit_handler.sink = broken
    logger.info("still here")

    assert "still here" == collected.items[0].message
    assert before < faults.counts()["logs"]


def test_survives_a_configuration_of_logging(collected: Collected) -> None:
    """
    `dictConfig`, which servers call, closes every handler; this one goes on.
    """
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
    logger.info("after")

    assert "after" == only(collected).message


def test_takes_a_message_that_logs_itself(kit_handler: KitHandler, collected: Collected) -> None:
    """
    A log call from inside the making of a message does no harm.
    """
    alone(kit_handler)

    class Chatty:
        def __str__(self) -> str:
            logger.debug("inner")
            return "outer"

    logger.info("%s", Chatty())

    assert ["inner", "outer"] == [item.message for item in collected.items]


def test_takes_the_record_of_a_filter(kit_handler: KitHandler, collected: Collected) -> None:
    """
    From Python 3.12 on a filter may put another record in the place of the first.
    """
    other = logging.LogRecord("other", logging.INFO, "", 0, "replaced", (), None)
    kit_handler.addFilter(lambda record: True)
    kit_handler.filter = lambda record: other  # type: ignore[assignment,method-assign,return-value]
    logger.info("first")

    assert "replaced" == only(collected).message


@pytest.mark.parametrize("name", ["err", "error", "exception"])
def test_an_exception_given_as_extra_is_the_records(name: str) -> None:
    """
    As pino's callers give it: its type, message and stack, and no field beside them.
    """
    try:
        raise ValueError("no such table")
    except ValueError as error:
        record = logging.makeLogRecord(
            {"msg": "Database query failed", "levelno": 40, "levelname": "ERROR", name: error, "tenantId": "t1"}
        )
    item = item_of(record)

    assert item.exception is not None
    assert ("ValueError", "no such table") == (item.exception.type, item.exception.message)
    assert "Traceback" in item.exception.stack
    assert {"tenantId": "t1"} == item.extra
