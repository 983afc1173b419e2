"""
Time as a machine gives it that is busy with other things.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType

__all__ = ["Stopwatch"]

SLEEP_SECONDS = 0.02


class Stopwatch:
    """
    Seconds between `with` and its end, less those that the machine let a sleeper wait beyond its time meanwhile.

    For promises such as "gone within five seconds": they hold where a processor is free for the one that made them,
    and nothing that it does is faster where none is. On an idle machine what is taken off is below a hundredth.
    `lasted` has it all.
    """

    def __init__(self) -> None:
        self.seconds = self.lasted = 0.0
        self._late = 0.0
        self._begun = time.monotonic()
        self._over = threading.Event()
        self._sleeper = threading.Thread(target=self._sleep, daemon=True)

    def __enter__(self) -> Stopwatch:
        self._sleeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lasted = time.monotonic() - self._begun
        self._over.set()
        self._sleeper.join()
        self.seconds = self.lasted - self._late

    def _sleep(self) -> None:
        while True:
            before = time.monotonic()
            if self._over.wait(SLEEP_SECONDS):
                return
            self._late += time.monotonic() - before - SLEEP_SECONDS
