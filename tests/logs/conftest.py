"""
What the tests of logs share: a `logging` tree that is left as it was found, and a place for items.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from otel_kit.logs.handler import KitHandler
from otel_kit.logs.item import LogItem

SERVERS = ("", "uvicorn", "uvicorn.error", "uvicorn.asgi", "uvicorn.access", "gunicorn.error", "otel_kit")


class Collected:
    """
    An output that keeps its items: those of its own thread, since threads that earlier tests have left log as well.
    """

    def __init__(self) -> None:
        self.items: list[LogItem] = []
        self._thread = threading.get_ident()

    def offer(self, item: LogItem) -> None:
        """
        Keep it.
        """
        if threading.get_ident() == self._thread:
            self.items.append(item)


@pytest.fixture(autouse=True)
def same_logging_tree() -> Iterator[None]:
    """
    Loggers that a takeover touches are as before when the test is over.
    """
    before = {name: _state(logging.getLogger(name)) for name in SERVERS}
    yield
    for name, (handlers, kept, level, propagate, filters) in before.items():
        logger = logging.getLogger(name)
        logger.handlers = handlers
        logger.handlers[:] = kept
        logger.filters[:] = filters
        logger.propagate = propagate
        logger.setLevel(level)
    # a dictConfig disables every logger there is
    for known in list(logging.root.manager.loggerDict.values()):
        if isinstance(known, logging.Logger):
            known.disabled = False


def alone(handler: KitHandler) -> None:
    """
    Leave only `handler` on the root logger, without those that pytest adds for each test.
    """
    logging.root.handlers[:] = [handler]


@pytest.fixture
def collected() -> Collected:
    """
    Where the items of `kit_handler` arrive.
    """
    return Collected()


@pytest.fixture
def kit_handler(collected: Collected) -> KitHandler:
    """
    The kit's handler, alone on the root logger at level DEBUG.
    """
    handler = KitHandler(collected)
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.DEBUG)
    return handler


@pytest.fixture
def a_request() -> Callable[..., Any]:
    """
    Makes what the ring knows of a request that has ended.
    """

    def make(**changes: object) -> Any:
        known: dict[str, object] = {
            "method": "POST",
            "path": "/chat/completions",
            "route": "/chat/completions",
            "client": "10.0.0.7",
            "status_code": 200,
            "duration_seconds": 1.2345649,
            "correlation_id": "550e8400-e29b-41d4-a716-446655440000",
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "span_id": "b7ad6b7169203331",
            "trace_flags": 1,
            "error": None,
            "raised": None,
            "failure": None,
            "quiet": False,
            "identity": None,
        }
        return SimpleNamespace(**{**known, **changes})

    return make


@pytest.fixture
def run_python() -> Callable[..., subprocess.Popen[bytes]]:
    """
    Starts a program in an interpreter of its own; the test ends it.
    """

    def run(program: str, **options: Any) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": os.getcwd()}
        return subprocess.Popen([sys.executable, "-c", program], env=environment, **options)

    return run


def _state(logger: logging.Logger) -> tuple[Any, ...]:
    return logger.handlers, list(logger.handlers), logger.level, logger.propagate, list(logger.filters)
