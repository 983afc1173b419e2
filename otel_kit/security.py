"""
Security events: what somebody tried and was refused, as one kind of log record and one metric.

Owns names, bounds and the sampling of floods. Knows nothing of keys, limits or bodies: whoever
refuses something says so here.

Every event is counted at once. Of each name at most ten become records in any ten seconds; the next
record says in `suppressed` how many came before it unwritten, so `1 + suppressed` over all records
is the count. What a flood leaves over is written when metrics are read, in the name of its last event.
"""

from __future__ import annotations

import contextvars
import logging
import os
import re
import threading
import time
from collections import deque
from typing import Any

from otel_kit.context import RequestRecord, bound_correlation_id, current_record
from otel_kit.faults import fault
from otel_kit.ledger import Counter, ledger

__all__ = ["begin_anew", "security_event", "write_suppressed"]

WINDOW_SECONDS = 10.0
RECORDS_PER_WINDOW = 10

MAX_EVENTS = 32
MAX_FIELDS = 16
MAX_TEXT = 256

Fields = dict[str, str | int]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TAKEN = frozenset(logging.makeLogRecord({}).__dict__) | {"asctime", "message", "suppressed"}
_logger = logging.getLogger("otel_kit.security")
_lock = threading.Lock()

_events = Counter("otel_kit_security_events_total", "Security events, by name.", ["event"])


class _Tally:
    """
    The events of one name: when the last records were written, and what was not written since.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.written_at: deque[float] = deque(maxlen=RECORDS_PER_WINDOW)
        self.suppressed = 0
        self.last: tuple[Fields, str | None] = ({}, None)

    def is_full(self, now: float) -> bool:
        """
        Whether the window has no room for one more record.
        """
        return len(self.written_at) == RECORDS_PER_WINDOW and now - self.written_at[0] < WINDOW_SECONDS


_tallies: dict[str, _Tally] = {}


def security_event(name: str, *, record: RequestRecord | None = None, **fields: str | int) -> None:
    """
    Count an event, and write a record of it unless there are too many. Never raises.

    Args:
        name: Of a small closed set, in snake case: it becomes a label.
        record: The request it belongs to; None takes the one at hand, if there is one.
        fields: What is to be said, in snake case. Never a credential.
    """
    try:
        tally = _tally_of(name)
        if tally is None:
            return
        record = record or current_record.get()
        said = {**_of_request(record), **_checked(fields)}
        with _lock:
            _events.labels(name).inc()
            now = time.monotonic()
            if tally.is_full(now):
                tally.suppressed += 1
                tally.last = said, None if record is None else record.correlation_id
                return
            tally.written_at.append(now)
            suppressed, tally.suppressed = tally.suppressed, 0
        _write(name, said, suppressed)
    except Exception as error:
        fault("security", error)


def write_suppressed(everything: bool = False) -> None:
    """
    Write what is left of floods.

    Args:
        everything: Also where a window is still full; for the process's end.
    """
    for tally in list(_tallies.values()):
        with _lock:
            now = time.monotonic()
            if not tally.suppressed or (tally.is_full(now) and not everything):
                continue
            tally.written_at.append(now)
            suppressed, tally.suppressed = tally.suppressed, 0
            said, identity = tally.last
        # a context of its own: the one at hand belongs to whoever reads metrics
        contextvars.Context().run(_write, tally.name, said, suppressed - 1, identity)


def _tally_of(name: str) -> _Tally | None:
    tally = _tallies.get(name)
    if tally is not None:
        return tally
    if not _NAME.fullmatch(name) or len(_tallies) >= MAX_EVENTS:
        fault("security", "a security event's name can't be used")
        return None
    return _tallies.setdefault(name, _Tally(name))


def _of_request(record: RequestRecord | None) -> dict[str, Any]:
    if record is None:
        return {}
    return {
        "client.address": record.client or "local",
        "http.request.method": record.method,
        "url.path": record.path,
    }


def _checked(fields: Fields) -> Fields:
    """
    The fields that can be written, texts bounded.
    """
    good: Fields = {}
    for name, value in fields.items():
        if not _NAME.fullmatch(name) or name in _TAKEN or not isinstance(value, str | int) or len(good) >= MAX_FIELDS:
            fault("security", "a security event's field can't be used")
        else:
            good[name] = value[:MAX_TEXT] if isinstance(value, str) else value
    return good


def _write(name: str, said: Fields, suppressed: int, identity: str | None = None) -> None:
    extra: dict[str, Any] = {**said, "log.class": "security"}
    if suppressed:
        extra["suppressed"] = suppressed
    if identity is None:
        _logger.warning(name, extra=extra)
        return
    with bound_correlation_id(identity):
        _logger.warning(name, extra=extra)


def begin_anew() -> None:
    """
    Forget what floods there were: in a forked child, whose parent writes its own, and between tests.
    """
    global _lock
    _lock = threading.Lock()
    _tallies.clear()


ledger.on_refresh(write_suppressed)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=begin_anew)
