"""
What every test has at hand.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from otel_kit import Observability

NOWHERE = "http://127.0.0.1:9"

# before anything reads the environment: tests export to nowhere unless they say where
os.environ.setdefault("OTEL_EXPORTER_OTLP_ENDPOINT", NOWHERE)
os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
os.environ.setdefault("OTEL_BSP_SCHEDULE_DELAY", "200")
# most tests send more requests than one client may; those of limits switch them on by name
os.environ.setdefault("RATELIMIT_ENABLED", "false")

# How long one example takes says nothing of it where others use the processor as well. The examples are the same
# at every run, so that a change is judged by what it changes; `make fuzz` looks for new ones.
settings.register_profile(
    "same", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile(
    "fuzz", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=5_000
)
settings.load_profile("same")


def _is_news(record: logging.LogRecord) -> bool:
    """
    That nothing was delivered to nowhere is none. A thread of the process says so every minute, whichever test it is
    that reads the kit's lines at that moment.
    """
    return NOWHERE != record.__dict__.get("endpoint")


logging.getLogger("otel_kit").addFilter(_is_news)


@pytest.fixture(autouse=True)
def nothing_left_set_up() -> Iterator[None]:
    """
    What a test has set up is undone when it is over, also where it says nothing of that.

    The kit's log handler and its hooks in client libraries are the process's: as long as one application keeps
    them, every later test meets them.
    """
    before = _set_up()
    yield
    for kit in _set_up():
        if kit not in before:
            kit.undo()


@pytest.fixture(scope="module")
def first_set_up() -> Iterator[None]:
    """
    Nothing was set up before the tests of this module.

    The name of the service and the layout of the lines are those of a process's first application.
    """
    from otel_kit import runtime

    before = runtime.current()
    runtime.put(None)
    yield
    runtime.put(before)


def _set_up() -> list[Observability]:
    """
    The applications' handles that hold the process's runtime, where there is one.
    """
    module = sys.modules.get("otel_kit.runtime")
    runtime = None if module is None else module.current()
    return [] if runtime is None else list(runtime._applications)


def pytest_unconfigure() -> None:
    """
    Nobody wants to read, below the tests' last line, that nothing was delivered to nowhere.
    """
    logging.getLogger("otel_kit").setLevel(logging.ERROR)
