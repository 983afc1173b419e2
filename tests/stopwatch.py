"""
Time as a machine gives it that is busy with other things.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

__all__ = ["Stopwatch"]

SLEEP_SECONDS = 0.02


class Stopwatch:
    """
    Seconds between `with` and its end, less those for which a process and its slowest child waited for a processor.

    For promises such as "gone within five seconds": they hold where a processor is free for the one that made them,
    and nothing that it does is faster where none is. On an idle machine next to nothing is taken off. `lasted` has
    it all.

    Args:
        pid: The process, whose first thread counts.
    """

    def __init__(self, pid: int) -> None:
        self.seconds = self.lasted = 0.0
        self._pid = pid
        self._waits: dict[int, tuple[float, float]] = {}
        self._begun = time.monotonic()
        self._over = threading.Event()
        self._looker = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> Stopwatch:
        self._looker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lasted = time.monotonic() - self._begun
        self._over.set()
        self._looker.join()
        waits = {pid: last - first for pid, (first, last) in self._waits.items()}
        self.seconds = self.lasted - waits.pop(self._pid, 0.0) - max(waits.values(), default=0.0)

    def _look_on(self) -> None:
        while not self._over.wait(SLEEP_SECONDS):
            with suppress(OSError, IndexError):  # gone, or going
                children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split()
                for pid in (self._pid, *map(int, children)):
                    self._note(pid)

    def _note(self, pid: int) -> None:
        # the second number is the time in a queue for a processor, in nanoseconds
        seconds = int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
        first, _ = self._waits.get(pid, (seconds, seconds))
        self._waits[pid] = first, seconds
