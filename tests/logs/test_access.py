"""
Request lines, by the short way and the long one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from otel_kit.logs.access import RequestLog
from otel_kit.logs.exceptions import is_marked
from otel_kit.logs.handler import KitHandler
from otel_kit.logs.item import RequestItem

from .conftest import Collected, alone

MakeRequest = Callable[..., Any]


class Listening(logging.Handler):
    """
    A handler of the user's own.
    """

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """
        Keep it.
        """
        self.records.append(record)


@pytest.fixture
def requests(kit_handler: KitHandler) -> RequestLog:
    """
    The request lines of a service.
    """
    return RequestLog(kit_handler, "goblin_assistant")


def only(collected: Collected) -> RequestItem:
    """
    The one request line that arrived.
    """
    (item,) = collected.items
    assert isinstance(item, RequestItem)
    return item


def raised() -> ValueError:
    """
    An exception that was raised.
    """
    try:
        raise ValueError("no")
    except ValueError as error:
        return error


@pytest.mark.parametrize("observed", [False, True])
def test_says_how_it_went(
    requests: RequestLog, kit_handler: KitHandler, collected: Collected, a_request: MakeRequest, observed: bool
) -> None:
    """
    The item is the same whether or not somebody else listens.
    """
    alone(kit_handler)
    if observed:
        logging.root.addHandler(Listening())
    requests.emit(a_request())
    item = only(collected)

    assert ("INFO", "goblin_assistant", "request_completed") == (item.levelname, item.logger, item.message)
    assert ("POST", "/chat/completions", 200, 1.2345649) == (
        item.method,
        item.path,
        item.status_code,
        item.duration_seconds,
    )
    assert "550e8400-e29b-41d4-a716-446655440000" == item.correlation_id
    assert ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", 1) == (
        item.trace_id,
        item.span_id,
        item.trace_flags,
    )
    assert not item.extra


@pytest.mark.parametrize(
    ("expected", "status"),
    [("INFO", 200), ("INFO", 404), ("INFO", 499), ("ERROR", 500), ("ERROR", 503), ("INFO", None)],
)
def test_level_follows_the_status(
    requests: RequestLog, collected: Collected, a_request: MakeRequest, expected: str, status: int | None
) -> None:
    """
    From 500 on a line is an error.
    """
    requests.emit(a_request(status_code=status))
    item = only(collected)

    assert expected == item.levelname
    assert ("error" if expected == "ERROR" else "application") == item.log_class


def test_carries_the_exception(requests: RequestLog, collected: Collected, a_request: MakeRequest) -> None:
    """
    An unhandled exception's stack is on the line, at level ERROR, and the exception is marked.
    """
    error = raised()
    requests.emit(a_request(status_code=None, error=error))
    item = only(collected)

    assert "ERROR" == item.levelname
    assert item.exception is not None
    assert item.exception.stack.endswith("ValueError: no")
    assert is_marked(error)


def test_others_see_a_real_record(
    requests: RequestLog, kit_handler: KitHandler, collected: Collected, a_request: MakeRequest
) -> None:
    """
    A handler of the user's own gets message, fields and exception by the rules of `logging`.
    """
    alone(kit_handler)
    theirs = Listening()
    logging.root.addHandler(theirs)
    error = raised()
    requests.emit(a_request(status_code=500, error=error))
    (record,) = theirs.records

    assert "request_completed" == record.getMessage()
    assert ("POST", 500, 1234.56) == (record.method, record.status_code, record.duration_ms)  # type: ignore[attr-defined]
    assert record.exc_info is not None
    assert error is record.exc_info[1]


def test_goes_the_long_way_for_a_patched_library(
    requests: RequestLog,
    kit_handler: KitHandler,
    collected: Collected,
    a_request: MakeRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    Libraries that patch `callHandlers` to see every record see this one as well.
    """
    alone(kit_handler)
    seen: list[str] = []
    real = logging.Logger.callHandlers

    def patched(logger: logging.Logger, record: logging.LogRecord) -> None:
        seen.append(record.getMessage())
        real(logger, record)

    monkeypatch.setattr(logging.Logger, "callHandlers", patched)
    requests.emit(a_request())

    assert ["request_completed"] == seen
    assert only(collected)


def test_keeps_what_a_filter_adds(
    requests: RequestLog, kit_handler: KitHandler, collected: Collected, a_request: MakeRequest
) -> None:
    """
    A filter on the service's logger may add fields to the line, or drop it.
    """
    alone(kit_handler)

    def add_tenant(record: logging.LogRecord) -> bool:
        record.tenant = "t-1"
        return record.path != "/quiet"  # type: ignore[attr-defined,no-any-return]

    requests.logger.addFilter(add_tenant)
    try:
        requests.emit(a_request())
        requests.emit(a_request(path="/quiet"))
    finally:
        requests.logger.removeFilter(add_tenant)

    assert {"tenant": "t-1"} == only(collected).extra


def test_a_quiet_request_speaks_only_of_failure(
    requests: RequestLog, collected: Collected, a_request: MakeRequest
) -> None:
    """
    Health and metrics have no line unless they fail.
    """
    requests.emit(a_request(quiet=True))
    requests.emit(a_request(quiet=True, status_code=503))

    assert 503 == only(collected).status_code


def test_follows_the_level_of_its_logger(requests: RequestLog, collected: Collected, a_request: MakeRequest) -> None:
    """
    A level above INFO leaves the errors.
    """
    requests.logger.setLevel(logging.ERROR)
    try:
        requests.emit(a_request())
        requests.emit(a_request(status_code=500))
    finally:
        requests.logger.setLevel(logging.NOTSET)

    assert 500 == only(collected).status_code
