"""
The ledger's one thread.
"""

from __future__ import annotations

import threading

from otel_kit.ledger.pulse import Pulse

from .conftest import until


def test_beats_and_checks() -> None:
    """
    A check follows each fourth beat.
    """
    beats: list[str] = []
    pulse = Pulse(lambda: beats.append("beat"), lambda: beats.append("check"))
    done = until(lambda: "check" in beats)
    pulse.stop()

    assert done
    assert ["beat"] * 4 + ["check"] == beats[:5]


def test_stopping_from_within_does_not_wait() -> None:
    """
    A hook that closes the ledger can't wait for the thread it runs in.
    """
    stopped = threading.Event()

    def stop() -> None:
        pulse.stop()
        stopped.set()

    pulse = Pulse(stop, lambda: None)

    assert stopped.wait(5.0)
