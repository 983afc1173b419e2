"""
The flag between offering threads and the worker.
"""

from __future__ import annotations

import threading

from otel_kit.wake import Wake


def test_raised_twice_is_seen_once() -> None:
    """
    A flag that is up stays up until somebody waits, and then is down.
    """
    wake = Wake()
    wake.set()
    wake.set()

    assert [True, False] == [wake.wait(0.5), wake.wait(0.0)]


def test_wakes_a_waiting_thread() -> None:
    """
    Whoever waits without a time limit goes on when the flag is raised.
    """
    wake = Wake()
    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(wake.wait(None)), daemon=True)
    thread.start()

    wake.set()
    thread.join(20)

    assert [True] == seen


def test_negative_time_does_not_wait() -> None:
    """
    A deadline that has passed is no error.
    """
    assert not Wake().wait(-1.0)
