"""
The last net: installed, chained, taken away.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from otel_kit import faults
from otel_kit.telemetry.shutdown import Closing


@pytest.fixture(autouse=True)
def restored_handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_servers_handler_runs_and_the_rest_hurries() -> None:
    """
    A handler that was there gets the signal; nothing is closed, since the server is about to.
    """
    seen: list[str] = []
    signal.signal(signal.SIGTERM, lambda number, frame: seen.append("server"))
    closing = Closing(lambda: seen.append("close"), lambda: seen.append("hurry"))
    closing.install()

    signal.raise_signal(signal.SIGTERM)
    closing.undo()

    assert ["hurry", "server"] == seen


def test_installed_twice_runs_once() -> None:
    """
    A second install over the same handler adds no layer.
    """
    seen: list[str] = []
    signal.signal(signal.SIGTERM, lambda number, frame: seen.append("server"))
    closing = Closing(lambda: None, lambda: seen.append("hurry"))
    closing.install()
    closing.install()

    signal.raise_signal(signal.SIGTERM)
    closing.undo()

    assert ["hurry", "server"] == seen


def test_takes_in_a_handler_that_came_later() -> None:
    """
    A server that sets its handler after the first install is chained by the next one.
    """
    seen: list[str] = []
    closing = Closing(lambda: None, lambda: seen.append("hurry"))
    closing.install()
    signal.signal(signal.SIGTERM, lambda number, frame: seen.append("server"))
    closing.install()

    signal.raise_signal(signal.SIGTERM)
    closing.undo()

    assert ["hurry", "server"] == seen


def test_undo_restores_what_was_there() -> None:
    """
    After undo the process has the handler it had.
    """
    before = signal.getsignal(signal.SIGTERM)
    closing = Closing(lambda: None)
    closing.install()

    closing.undo()

    assert before is signal.getsignal(signal.SIGTERM)


def test_undo_leaves_a_handler_above_alone() -> None:
    """
    A handler that somebody has put above the net stays.
    """
    closing = Closing(lambda: None)
    closing.install()

    def later(number: int, frame: object) -> None:
        """A handler of somebody else's."""

    signal.signal(signal.SIGTERM, later)
    closing.undo()

    assert later is signal.getsignal(signal.SIGTERM)


def test_ignored_signal_stays_ignored() -> None:
    """
    Where SIGTERM is ignored it closes nothing and ends nothing.
    """
    seen: list[str] = []
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    closing = Closing(lambda: seen.append("close"))
    closing.install()

    signal.raise_signal(signal.SIGTERM)
    closing.undo()

    assert [] == seen


def test_outside_the_main_thread_only_atexit() -> None:
    """
    A server that runs in a thread gets no signal handler, and no error.
    """
    before = signal.getsignal(signal.SIGTERM)
    closing = Closing(lambda: None)
    thread = threading.Thread(target=closing.install)
    thread.start()
    thread.join()
    after = signal.getsignal(signal.SIGTERM)
    closing.undo()

    assert before is after


def test_a_close_that_raises_is_counted() -> None:
    """
    At the very end nothing may stand in the process's way.
    """
    before = faults.counts().get("shutdown", 0)

    def fail() -> None:
        raise RuntimeError("broken")

    signal.signal(signal.SIGTERM, lambda number, frame: None)
    closing = Closing(lambda: None, fail)
    closing.install()
    signal.raise_signal(signal.SIGTERM)
    closing.undo()

    assert before + 1 == faults.counts()["shutdown"]
