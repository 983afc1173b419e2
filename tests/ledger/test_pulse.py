"""
The ledger's one thread.
"""

from __future__ import annotations

import threading

from otel_kit.ledger.pulse import Pulse

from .conftest import until


def test_all_tasks_run_at_each_beat() -> None:
    """
    In the order in which they were given.
    """
    done: list[str] = []
    pulse = Pulse(lambda: done.append("first"), lambda: done.append("second"))
    twice = until(lambda: len(done) >= 4)
    pulse.stop()

    assert twice
    assert ["first", "second"] * 2 == done[:4]


def test_stopping_from_within_does_not_wait() -> None:
    """
    A hook that closes the ledger can't wait for the thread it runs in.
    """
    stopped = threading.Event()

    def stop() -> None:
        pulse.stop()
        stopped.set()

    pulse = Pulse(stop)

    assert stopped.wait(20.0)
