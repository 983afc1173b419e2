"""
Lines that were lost: counted at once, and said in the log when lines come out again.

Owns the account between two such lines. Knows nothing of queues or metrics.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import accumulate

from otel_kit.logs.item import LogItem, kit_item
from otel_kit.logs.output import DropReason

__all__ = ["SAY_EVERY_SECONDS", "Losses", "lost_of"]

SAY_EVERY_SECONDS = 10.0


class Losses:
    """
    Args:
        dropped: Told of each loss at once: the reason and how many lines.
    """

    def __init__(self, dropped: Callable[[DropReason, int], None]) -> None:
        self._dropped = dropped
        self._lock = threading.RLock()
        self._unsaid: Counter[DropReason] = Counter()
        self._said_at = -SAY_EVERY_SECONDS

    def add(self, reason: DropReason, lines: int) -> None:
        """
        Count lines as lost.
        """
        if lines:
            with self._lock:
                self._unsaid[reason] += lines
            self._dropped(reason, lines)

    def to_say(self) -> LogItem | None:
        """
        The record that says what was lost since the last one; None where there is nothing, or too soon.
        """
        if not self._unsaid or time.monotonic() - self._said_at < SAY_EVERY_SECONDS:
            return None
        with self._lock:
            lost, self._unsaid = self._unsaid, Counter()
            self._said_at = time.monotonic()
        return kit_item(logging.WARNING, "log_output.lines_dropped", {"lines": sum(lost.values()), "reasons": {**lost}})


def lost_of(lines: Iterable[bytes], sent: int) -> int:
    """
    How many of these lines did not go out whole, where only so many bytes of them did.
    """
    return sum(1 for end in accumulate(map(len, lines)) if end > sent)
