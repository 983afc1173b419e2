"""
The books of one signal: what was accepted, and what became of it.

Owns the equation accepted = delivered + dropped{reason} + queued. Each item is in exactly one
of those places; the sum is written to the ledger from one consistent view, so that a scrape
never sees an item twice or not at all. Knows nothing of threads but its own lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal, get_args

from otel_kit.ledger import Counter, Gauge, ledger

__all__ = ["DROP_REASONS", "Accounts", "DropReason", "SignalName"]

SignalName = Literal["traces", "logs", "metrics"]

DropReason = Literal[
    "queue_full",  # the queue's bound in items or bytes was reached
    "shutdown",  # still there when the process had to end
    "rejected",  # the collector answered 4xx, and not 429
    "too_large",  # a single item that the collector finds too large
    "server_error",  # 5xx other than 502, 503 and 504
    "redirected",  # 3xx: telemetry follows nobody to a stranger
    "partial_success",  # accepted in part: what the collector says it refused
    "unencodable",  # no bytes could be made of it
    "failed",  # an official exporter said FAILURE, or the request could not be made
    "stale",  # metrics that a newer collection has replaced
]

DROP_REASONS: tuple[DropReason, ...] = get_args(DropReason)

accepted_total = Counter(
    "otel_kit_items_accepted_total", "Spans, log records and metric points handed to the export queue.", ["signal"]
)
delivered_total = Counter("otel_kit_items_delivered_total", "Items that a collector confirmed.", ["signal"])
dropped_total = Counter("otel_kit_items_dropped_total", "Items lost on the way, by reason.", ["signal", "reason"])
queued_items = Gauge("otel_kit_items_queued", "Items waiting or on their way.", ["signal"])


class Accounts:
    """
    Counts of one signal since this process started.

    Args:
        signal: Label of the published counts.
        published: False for a second exporter of the same signal (console beside OTLP), whose
            items are counted once already.
    """

    def __init__(self, signal: SignalName, published: bool = True) -> None:
        self.signal = signal
        self.published = published
        self.count_queued: Callable[[], int] = int
        self._begin()
        if published:
            ledger.on_refresh(self.publish)

    def _begin(self) -> None:
        # reentrant, so that a signal handler may look at the books in any moment
        self.lock = threading.RLock()
        self._publishing = threading.RLock()
        self.delivered = 0
        self.resolved = 0
        self.dropped: dict[DropReason, int] = {}
        self._written: dict[tuple[int | str, ...], int] = {}

    def refuse(self, count: int) -> None:
        """
        Count items that never entered the queue because it is full.
        """
        with self.lock:
            self.dropped["queue_full"] = self.dropped.get("queue_full", 0) + count

    def resolve(self, delivered: int, dropped: int = 0, reason: DropReason = "failed") -> None:
        """
        Count items that leave the queue.
        """
        with self.lock:
            self.delivered += delivered
            self.resolved += delivered + dropped
            if dropped:
                self.dropped[reason] = self.dropped.get(reason, 0) + dropped

    def dropped_count(self) -> int:
        """
        Items lost so far, whatever the reason.
        """
        with self.lock:
            return sum(self.dropped.values())

    def view(self) -> dict[str, int]:
        """
        `accepted`, `delivered`, `dropped` and `queued` of one moment.
        """
        with self.lock:
            queued, dropped = self.count_queued(), sum(self.dropped.values())
            accepted = self.delivered + dropped + queued
            return {"accepted": accepted, "delivered": self.delivered, "dropped": dropped, "queued": queued}

    def publish(self) -> None:
        """
        Bring the ledger up to date; called before each snapshot of it.
        """
        # the ledger's own locks are taken here, so the books must not be held meanwhile
        with self._publishing:
            with self.lock:
                view, dropped = self.view(), dict(self.dropped)
            self._write(accepted_total, view["accepted"])
            self._write(delivered_total, view["delivered"])
            for reason, count in dropped.items():
                self._write(dropped_total, count, reason)
            queued_items.labels(self.signal).set(float(view["queued"]))

    def _write(self, counter: Counter, count: int, *labels: str) -> None:
        key: tuple[int | str, ...] = (id(counter), *labels)
        fresh = count - self._written.get(key, 0)
        if fresh > 0 or key not in self._written:
            counter.labels(self.signal, *labels).inc(float(fresh))
            self._written[key] = count

    def reset_after_fork(self) -> None:
        """
        Start from zero: the parent process counts what it had queued.
        """
        self._begin()

    def close(self) -> None:
        """
        Publish for the last time, and let the ledger forget this account.
        """
        if self.published:
            self.publish()
            ledger.off_refresh(self.publish)
