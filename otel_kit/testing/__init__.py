"""
A pytest plugin: fixture `telemetry`, with what the code under test has emitted.

Installed with the package; nothing is imported from it but by pytest. A test runs on providers that belong to the
plugin and export nothing, and nothing that a set-up inside of it made is left afterwards (`one_test.py`). An
application that was set up before, when its module was imported, is covered as well: the fixture listens to it.

Everything is imported when the first test uses the fixture, so a suite without it pays for nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from otel_kit.testing.captured import CapturedMetrics, CapturedTelemetry

__all__ = ["CapturedMetrics", "CapturedTelemetry", "telemetry"]

FLUSH_SECONDS = 1.0

OWN_FIXTURE = "_otel_kit_test"


@pytest.fixture
def telemetry(_otel_kit_test: CapturedTelemetry) -> CapturedTelemetry:
    """
    Spans, logs and metrics of this test alone.
    """
    return _otel_kit_test


@pytest.fixture
def _otel_kit_test() -> Iterator[CapturedTelemetry]:
    from otel_kit.testing.one_test import OneTest

    test = OneTest()
    captured = test.begin()
    try:
        yield captured
    finally:
        test.end()


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    """
    Begin before the test's other fixtures, in whatever order it names them: one of them may set an application up.
    """
    if fixturedef.scope == "function" and fixturedef.argname != OWN_FIXTURE and OWN_FIXTURE in request.fixturenames:
        request.getfixturevalue(OWN_FIXTURE)


def _write_lines() -> Iterator[None]:
    """
    Have a test's lines written while its output is still being captured, and not between the dots.
    """
    try:
        yield
    finally:
        module = sys.modules.get("otel_kit.runtime")
        runtime = None if module is None else module.current()
        if runtime is not None:
            runtime.logs.flush(time.monotonic() + FLUSH_SECONDS)


# the last of the wrappers stands inside of pytest's own, which captures
@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_setup() -> Iterator[None]:
    """
    Lines of fixtures.
    """
    return (yield from _write_lines())


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call() -> Iterator[None]:
    """
    Lines of the test.
    """
    return (yield from _write_lines())


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """
    Lines of what the fixtures do at their ends.
    """
    return (yield from _write_lines())
