"""
Set-up from several threads, from within another set-up, and in a forked child.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest
from fastapi import FastAPI

from otel_kit import Observability, setup, setup_observability
from otel_kit.protection import Protection

MEETING_SECONDS = 0.2

FORKED = """
import os, signal, threading
from fastapi import FastAPI
from otel_kit import setup, setup_observability

held, done = threading.Event(), threading.Event()

def hold():
    with setup._placing:
        held.set()
        done.wait(20)

threading.Thread(target=hold, daemon=True).start()
held.wait(20)
child = os.fork()
if child == 0:
    signal.alarm(15)
    kit = setup_observability(FastAPI())
    os._exit(0 if kit.report()["engine"] == "kit" else 3)
_, status = os.waitpid(child, 0)
done.set()
print(os.waitstatus_to_exitcode(status))
"""


def test_threads_that_set_up_one_application_get_one_handle(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Two that come at the same moment don't both make one.
    """
    meeting = threading.Barrier(2)

    def slowly(*given: Any, **named: Any) -> Protection:
        try:  # both are here at once, or one is kept out until the other is done
            meeting.wait(MEETING_SECONDS)
        except threading.BrokenBarrierError:
            meeting.reset()
        return Protection(*given, **named)

    monkeypatch.setattr(setup, "Protection", slowly)
    app = FastAPI()
    handles: list[Observability] = []
    threads = [threading.Thread(target=lambda: handles.append(setup_observability(app))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert 2 == len(handles)
    assert handles[0] is handles[1]
    handles[0].undo()


def test_a_set_up_within_another_one_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What set-up runs on its way may be the user's, and set up an application of its own.
    """
    inner, outer = FastAPI(), FastAPI()
    handles: list[Observability] = []

    def and_another(*given: Any, **named: Any) -> Protection:
        monkeypatch.undo()
        handles.append(setup_observability(inner))
        return Protection(*given, **named)

    monkeypatch.setattr(setup, "Protection", and_another)
    handles.append(setup_observability(outer))

    assert [handles[0], handles[1]] == [setup_observability(inner), setup_observability(outer)]
    assert handles[0] is not handles[1]
    for handle in handles:
        handle.undo()


def test_a_forked_child_waits_for_no_thread_of_its_parent() -> None:
    """
    A child that is forked while a thread of the parent sets up can set up itself.
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED], capture_output=True, text=True, timeout=60, check=False
    )

    assert "0" == done.stdout.strip(), done.stderr
