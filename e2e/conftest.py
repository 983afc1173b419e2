"""
What every test here has at hand: the stores, once a session, and the logs of what it started.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from e2e.process import STARTED
from e2e.programs import Double, Jaeger, Loki, Prometheus, Tempo, double, jaeger, loki, prometheus, tempo

# one caller asks more than one client may; the tests of limits switch them on by name
os.environ.setdefault("RATELIMIT_ENABLED", "false")


@pytest.fixture(scope="session")
def loki_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loki]:
    """
    Loki, shared by the session.
    """
    with loki(tmp_path_factory.mktemp("loki")) as store:
        yield store


@pytest.fixture(scope="session")
def tempo_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tempo]:
    """
    Tempo, shared by the session.
    """
    with tempo(tmp_path_factory.mktemp("tempo")) as store:
        yield store


@pytest.fixture(scope="session")
def jaeger_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jaeger]:
    """
    Jaeger, shared by the session.
    """
    with jaeger(tmp_path_factory.mktemp("jaeger")) as store:
        yield store


@pytest.fixture(scope="session")
def prometheus_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """
    Prometheus that scrapes nobody but itself: what is in it came over OTLP.
    """
    with prometheus(tmp_path_factory.mktemp("prometheus")) as store:
        yield store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Double]:
    """
    A second Collector in place of a store.
    """
    with double(tmp_path / "store") as running:
        yield running


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """
    Forget the programs of earlier tests that have ended.
    """
    STARTED[:] = [running for running in STARTED if running.is_alive]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """
    Show, with a test that fails, the end of each log.
    """
    report = yield
    if report.failed:
        for running in STARTED:
            report.sections.append((f"{running.name} ({running.log})", running.tail(15)))
    return report
