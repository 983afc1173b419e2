"""
The account of one event: its counters, and how many records its floods have had.

Owns the window. Of an event of class `security` at most ten records are written in any ten seconds; the next record
says in `suppressed` how many came before it unwritten, so `1 + suppressed` over all records is the count.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Any, NamedTuple

from otel_kit.event_layout import EventClass, SecurityEvent
from otel_kit.ledger import Counter

__all__ = ["RECORDS_PER_WINDOW", "WINDOW_SECONDS", "Said", "Tally", "events_total", "renew_lock"]

WINDOW_SECONDS = 10.0
RECORDS_PER_WINDOW = 10

LOGGERS: dict[EventClass, logging.Logger] = {
    "security": logging.getLogger("otel_kit.security"),
    "audit": logging.getLogger("otel_kit.audit"),
}

events_total = Counter("otel_kit_security_events_total", "Security events, by name.", ["event"])

# reentrant: a signal handler or a finaliser may report an event while this thread is in here
_lock = threading.RLock()


class Said(NamedTuple):
    """
    What a record says: its fields, whose request it was, and from where in the code (file, line, function).
    """

    extra: dict[str, Any]
    correlation_id: str | None
    origin: tuple[str, int, str]


class Tally:
    """
    `left_out` is the first event that found no room since the last record, as far as it is known.
    """

    __slots__ = ("_written_at", "counters", "event", "left_out", "level", "logger", "sampled", "suppressed")

    def __init__(self, event: SecurityEvent) -> None:
        self._written_at: deque[float] = deque(maxlen=RECORDS_PER_WINDOW)
        self.suppressed = 0
        self.left_out: Said | None = None
        self.declare(event)

    def declare(self, event: SecurityEvent) -> None:
        """
        Account for the event as it is declared now.
        """
        self.event = event
        self.level: int = getattr(logging, event.level)
        self.logger = LOGGERS[event.log_class]
        self.sampled = event.log_class != "audit"
        profile_counters = [count.metric.labels(**count.labels) for count in event.counts]
        self.counters = (events_total.labels(event.name), *profile_counters)

    def enter(self) -> int | None:
        """
        Take a place for a record.

        Returns:
            How many came before it unwritten; None when there is no room, and this event is one of those.
        """
        with _lock:
            now = time.monotonic()
            written = self._written_at
            if len(written) == RECORDS_PER_WINDOW and now - written[0] < WINDOW_SECONDS:
                self.suppressed += 1
                return None
            written.append(now)
            suppressed, self.suppressed, self.left_out = self.suppressed, 0, None
            return suppressed

    def keep(self, what: Said) -> None:
        """
        Remember what found no room, unless another thread was first, or a record has told of all by now.
        """
        with _lock:
            if self.suppressed and self.left_out is None:
                self.left_out = what

    def leave(self, everything: bool) -> tuple[int, Said | None]:
        """
        Take a place for what a flood has left over.

        Args:
            everything: Also where there is no room.

        Returns:
            How many there are, 0 where nothing is to be written, and the first of them.
        """
        with _lock:
            now = time.monotonic()
            full = len(self._written_at) == RECORDS_PER_WINDOW and now - self._written_at[0] < WINDOW_SECONDS
            if full and not everything:
                return 0, None
            left = self.suppressed, self.left_out
            if self.suppressed:
                self._written_at.append(now)
                self.suppressed, self.left_out = 0, None
            return left


def renew_lock() -> None:
    """
    A forked child can't wait for a lock that a thread of its parent held.
    """
    global _lock
    _lock = threading.RLock()
