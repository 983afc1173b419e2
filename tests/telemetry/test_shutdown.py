"""
The last net: installed, chained, taken away.
"""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

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


def test_closes_once_in_a_process() -> None:
    """
    A process that comes by two ways of ending is closed by the first.
    """
    seen: list[str] = []
    closing = Closing(lambda: seen.append("close"))

    closing._run()
    closing._run()

    assert ["close"] == seen


def ends_of_child(closing: Closing, marks: Path) -> str:
    """
    What the net leaves in the file when a child of `multiprocessing` ends.
    """
    child = multiprocessing.get_context("fork").Process(target=closing.install)
    child.start()
    child.join(30)
    assert 0 == child.exitcode
    return marks.read_text() if marks.exists() else ""


def test_child_that_was_forked_under_the_net_is_closed(tmp_path: Path) -> None:
    """
    A child of `multiprocessing` runs no `atexit`, and yet closes, once; its parent doesn't.
    """
    marks = tmp_path / "marks"
    closing = Closing(lambda: marks.open("a").write("closed "))
    closing.install()
    try:
        assert "closed " == ends_of_child(closing, marks)
    finally:
        closing.undo()


def test_child_that_has_put_up_the_net_itself_is_closed(tmp_path: Path) -> None:
    """
    So does a child that has installed it only after its beginning.
    """
    marks = tmp_path / "marks"

    assert "closed " == ends_of_child(Closing(lambda: marks.open("a").write("closed ")), marks)


def test_child_without_the_net_is_not_closed(tmp_path: Path) -> None:
    """
    A net that was taken away before the fork is not under the child.
    """
    marks = tmp_path / "marks"
    closing = Closing(lambda: marks.open("a").write("closed "))
    closing.install()
    closing.undo()
    child = multiprocessing.get_context("fork").Process(target=int)
    child.start()
    child.join(30)

    assert (0, False) == (child.exitcode, marks.exists())


def test_nothing_is_imported_for_children() -> None:
    """
    A process that has no use for `multiprocessing` does not get it from the net.
    """
    program = (
        "import sys; from otel_kit.telemetry.shutdown import Closing; import os\n"
        "before = 'multiprocessing.util' in sys.modules\n"
        "closing = Closing(int); closing.install()\n"
        "pid = os.fork()\n"
        "if pid: assert os.waitpid(pid, 0)[1] == 0\n"
        "print(before, 'multiprocessing.util' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert {"False False"} == set(done.stdout.splitlines())
