"""
structlog joins in.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from otel_kit.logs import structlog_options
from otel_kit.logs.handler import KitHandler

from .conftest import Collected, alone

# made when this is imported, as by a module of an application's
older = logging.getLogger("shop.older")


@pytest.fixture(autouse=True)
def configured(kit_handler: KitHandler) -> Iterator[None]:
    """
    structlog, configured by the documented line; `logging` makes its own kind of loggers again afterwards.
    """
    kinds = {logger: type(logger) for logger in _loggers()}
    usual = logging.getLoggerClass()
    structlog.configure(**structlog_options())
    alone(kit_handler)
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.setLoggerClass(usual)
    for logger in _loggers():
        logger.__class__ = kinds.get(logger, usual)


def _loggers() -> list[logging.Logger]:
    return [known for known in logging.root.manager.loggerDict.values() if isinstance(known, logging.Logger)]


def test_event_and_fields_arrive(kit_handler: KitHandler, collected: Collected) -> None:
    """
    The event is the message, what is bound and given is extra, context variables too.
    """
    alone(kit_handler)
    structlog.contextvars.bind_contextvars(tenant="t-1")
    structlog.get_logger("shop.orders").bind(order=7).warning("order.paid", amount=12.5)
    (item,) = collected.items

    assert ("order.paid", "WARNING", "shop.orders") == (item.message, item.levelname, item.logger)
    assert {"order": 7, "amount": 12.5, "tenant": "t-1"} == item.extra


def test_names_the_place_of_the_call(kit_handler: KitHandler, collected: Collected) -> None:
    """
    Module and function are those of the caller, not structlog's.
    """
    alone(kit_handler)
    structlog.get_logger("shop").info("here")

    assert ("test_structlog_bridge", "test_names_the_place_of_the_call") == (
        collected.items[0].module,
        collected.items[0].function,
    )


def test_names_the_place_of_a_logger_that_is_older_than_structlog(
    kit_handler: KitHandler, collected: Collected
) -> None:
    """
    So it is for a logger that a module has made before structlog was configured; its own calls name theirs.
    """
    alone(kit_handler)
    structlog.get_logger(older.name).info("by structlog")
    older.info("by itself")

    here = ("test_structlog_bridge", "test_names_the_place_of_a_logger_that_is_older_than_structlog")
    assert [here, here] == [(item.module, item.function) for item in collected.items]


def test_a_logger_without_a_name_is_called_like_its_module(kit_handler: KitHandler, collected: Collected) -> None:
    """
    The module is the one that asks for the logger.
    """
    alone(kit_handler)
    structlog.get_logger().info("here")

    assert __name__ == collected.items[0].logger


def test_fields_may_have_any_name(kit_handler: KitHandler, collected: Collected) -> None:
    """
    Names that `logging` keeps for itself make way.
    """
    alone(kit_handler)
    structlog.get_logger("shop").info("%s odd", name="n", message="m", args=1, module="x")

    assert "%s odd" == collected.items[0].message
    assert {"extra.name": "n", "extra.message": "m", "extra.args": 1, "extra.module": "x"} == collected.items[0].extra


def test_exceptions_arrive(kit_handler: KitHandler, collected: Collected) -> None:
    """
    `exception` brings the stack.
    """
    alone(kit_handler)
    try:
        int("x")
    except ValueError:
        structlog.get_logger("shop").exception("failed")
    found = collected.items[0].exception

    assert found is not None
    assert "ValueError" == found.type


def test_levels_hold(kit_handler: KitHandler, collected: Collected) -> None:
    """
    What the standard logger wouldn't log is not logged.
    """
    alone(kit_handler)
    logging.root.setLevel(logging.WARNING)
    structlog.get_logger("shop").info("quiet")

    assert not collected.items
