"""
Whether Redis counts for all processes, or is away for now; said on `/metrics` and in the log.

Owns the rule (three failures in a row, or one failed probe of a start) and the names of failures.
Knows nothing of connections, and of a failure only its kind: an error's text may quote an address or a key.
"""

from __future__ import annotations

import logging
import time
from typing import Literal

from otel_kit.ledger import Counter, Gauge

__all__ = ["Breaker", "FailureKind", "failure_kind", "storage_errors", "storage_up"]

MAX_FAILURES = 3

FailureKind = Literal[
    "timeout",
    "connection",
    "authentication",
    "permission",
    "out_of_memory",
    "read_only",
    "loading",
    "other",
]

_WORDS: tuple[tuple[str, FailureKind], ...] = (
    ("OOM ", "out_of_memory"),
    ("READONLY", "read_only"),
    ("NOPERM", "permission"),
    ("permissions to", "permission"),
    ("The user executing the script", "permission"),
    ("NOAUTH", "authentication"),
    ("WRONGPASS", "authentication"),
    ("Authentication required", "authentication"),
)
"""What Redis says; the client library takes some words off, and Redis 6 wraps others into the script's error."""

_CLASSES: dict[str, FailureKind] = {
    "TimeoutError": "timeout",
    "BusyLoadingError": "loading",
    "AuthenticationError": "authentication",
    "AuthorizationError": "permission",
    "NoPermissionError": "permission",
    "OutOfMemoryError": "out_of_memory",
    "ReadOnlyError": "read_only",
    "ConnectionError": "connection",
    "OSError": "connection",
}

_logger = logging.getLogger("otel_kit.ratelimit")

storage_up = Gauge(
    "otel_kit_ratelimit_storage_up",
    "Whether limits are counted for all processes in Redis (1) or in each process by itself (0); "
    "of several workers the least.",
    multiprocess_mode="min",
)
storage_errors = Counter(
    "otel_kit_ratelimit_storage_errors_total",
    "Calls of Redis that failed, by kind of failure.",
    ["kind"],
)


def failure_kind(error: BaseException) -> FailureKind:
    """
    Which of the known failures an exception of the client library is.
    """
    text = str(error)[:400]
    for word, kind in _WORDS:
        if word in text:
            return kind
    # by name, since this module is read before the library is
    names = (ancestor.__name__ for ancestor in type(error).__mro__)
    return next((_CLASSES[name] for name in names if name in _CLASSES), "other")


class Breaker:
    """
    Opens after three failures in a row; closed by a probe that succeeds.
    """

    def __init__(self) -> None:
        self.is_open = False
        self._failures = 0
        self._opened_at = 0.0
        self._shown = False

    def show(self) -> None:
        """
        Put the state on `/metrics`; asked for by each process that serves, before its first call.
        """
        if not self._shown:
            self._shown = True
            storage_up.set(0.0 if self.is_open else 1.0)

    def failed(self, kind: FailureKind, *, at_once: bool = False) -> bool:
        """
        Count one failed call; says whether it was the one that opened the breaker.

        Args:
            at_once: Don't wait for two more.
        """
        storage_errors.labels(kind).inc()
        self._failures += 1
        if self.is_open or (self._failures < MAX_FAILURES and not at_once):
            return False
        self.is_open = True
        self._opened_at = time.monotonic()
        storage_up.set(0.0)
        _logger.warning("rate_limit.storage_failed", extra={"error.type": kind, "limits": "local"})
        return True

    def succeeded(self) -> None:
        """
        Forget the failures of a row; while open, only a probe says so.
        """
        if not self.is_open:
            self._failures = 0

    def close(self) -> None:
        """
        A probe has succeeded: limits are shared again.
        """
        if not self.is_open:
            return
        self.is_open = False
        self._failures = 0
        storage_up.set(1.0)
        away = round(time.monotonic() - self._opened_at, 3)
        _logger.info("rate_limit.storage_recovered", extra={"limits": "shared", "seconds": away})
