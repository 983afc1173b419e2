"""
The thread behind one export queue: batches, attempts, waits.

Owns what has left the inbox and is not yet resolved. Knows nothing of HTTP or encoding.

Every item is in the inbox, in the backlog or in a batch, and each step from one place to the
next, or to the books, happens under the lock of the accounts. A worker that is stuck in a
request is given up: its items are taken from it under that lock, and whatever its request
comes to later changes nothing.
"""

from __future__ import annotations

import threading
import time
from collections import deque

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value

from otel_kit.environment.model import QueueLimits
from otel_kit.faults import fault
from otel_kit.telemetry.accounts import Accounts, DropReason
from otel_kit.telemetry.inbox import Entry, Inbox
from otel_kit.telemetry.outage import Outages
from otel_kit.telemetry.outcome import Outcome, Prepared, Sender
from otel_kit.telemetry.patience import Patience

__all__ = ["Worker"]

BATCH_BYTES = 1024 * 1024
"""
Estimated size at which a batch is full whatever its number of items.
"""

HURRIED_BATCHES = 4
"""
How many times the usual number of items a request carries while the process waits for its end.
"""


class Batch:
    """
    What one request carries. It is prepared at the first attempt and kept for the next.
    """

    __slots__ = ("count", "entries", "prepared", "size")

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.count = sum(entry[2] for entry in entries)
        self.size = sum(entry[1] for entry in entries)
        self.prepared: Prepared | None = None


class Worker:
    """
    Sends what comes into `inbox`, in order, until it is abandoned.

    Args:
        timeout_seconds: For one attempt.
    """

    def __init__(
        self,
        inbox: Inbox,
        sender: Sender,
        accounts: Accounts,
        outages: Outages,
        limits: QueueLimits,
        timeout_seconds: float,
    ) -> None:
        self.inbox = inbox
        self.sender = sender
        self.accounts = accounts
        self.outages = outages
        self.limits = limits
        self.timeout_seconds = timeout_seconds
        self.progress = threading.Condition(accounts.lock)
        self.abandoned = False
        self.futile = 0
        self._backlog: deque[Entry] = deque()
        self._batches: deque[Batch] = deque()
        self._patience = Patience(limits.delay_seconds)

    def count_held(self) -> int:
        """
        Items taken from the inbox and not yet resolved; hold the accounts' lock.
        """
        return sum(batch.count for batch in self._batches) + sum(entry[2] for entry in self._backlog)

    def hurry(self, deadline: float, asker: object = None) -> None:
        """
        Wait for nothing until `deadline` (monotonic), unless it turns out to be useless.

        What the collector asked for with Retry-After is kept all the same.

        Args:
            asker: Who may end this hurry by `calm`.
        """
        with self.progress:
            self._patience.hurry(deadline, asker)
        self.inbox.wake.set()

    def discard_waiting(self, keep: int) -> None:
        """
        Drop the oldest of what is in no batch yet, as stale, until `keep` are left.
        """
        with self.progress:
            if self.abandoned:
                return
            self.inbox.move_to(self._backlog)
            while len(self._backlog) > keep:
                _, size, count = self._backlog.popleft()
                self.inbox.release(1, size)
                self.accounts.resolve(0, count, "stale")
            self.progress.notify_all()

    def calm(self, asker: object) -> None:
        """
        End the hurry that `asker` asked for, as its flush is over; a longer or later one goes on.

        Otherwise each later item would leave alone, in a request of its own, until the deadline.
        """
        with self.progress:
            self._patience.calm_down(asker)

    def abandon(self, reason: DropReason) -> None:
        """
        Take everything from this worker and count it as dropped; its thread ends when it can.
        """
        with self.progress:
            self.abandoned = True
            count = self.count_held()
            self._batches.clear()
            self._backlog.clear()
            self.inbox.held = self.inbox.held_bytes = 0
            if count:
                self.accounts.resolve(0, count, reason)
            self.progress.notify_all()
        self.inbox.wake.set()

    def run(self) -> None:
        """
        The thread's life.
        """
        # what the kit sends must not become telemetry, nor log lines of the HTTP client
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        while not self.abandoned:
            self._rest()
            self._step()

    def run_until(self, deadline: float) -> None:
        """
        The same on the caller's thread, when no thread can be started any more.
        """
        futile, token = self.futile, attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            while time.monotonic() < deadline and self.futile == futile:
                self._step()
                pause = self._pause()
                if pause is None:
                    return
                time.sleep(max(min(pause, deadline - time.monotonic()), 0.0))
        finally:
            detach(token)

    def _step(self) -> None:
        try:
            batch = self._next_batch()
            if batch is not None:
                self._settle(batch, self._attempt(batch))
        except Exception as error:  # a fault here must not end the export for good
            fault("export", error)
            self._discard_batch()

    def _rest(self) -> None:
        while not self.abandoned:
            pause = self._pause()
            if pause is None:
                self._sleep_until_offered()
            elif pause <= 0.0:
                return
            else:
                self.inbox.wake.wait(pause)

    def _pause(self) -> float | None:
        """
        Seconds until there is something to do; None when nothing is at hand.
        """
        patience = self._patience
        if self._batches:
            if patience.is_futile():
                self._say_futile()
            return patience.before_attempt()
        waiting = len(self.inbox.waiting) + len(self._backlog)
        if not waiting:
            return None
        if patience.is_hurried() or waiting >= self.limits.batch_items:
            return 0.0
        return patience.due_at - time.monotonic()

    def _sleep_until_offered(self) -> None:
        inbox = self.inbox
        inbox.dormant = True
        # an item may have come between the last look and the flag
        if not inbox.waiting and not self.abandoned:
            inbox.wake.wait(None)
        with self.progress:
            if self.abandoned:
                return  # the inbox belongs to another worker by now
            inbox.dormant = False
        self._patience.begin_delay()

    def _next_batch(self) -> Batch | None:
        with self.progress:
            if self.abandoned:
                return None
            self.inbox.move_to(self._backlog)
            if not self._batches and self._backlog:
                self._batches.append(Batch(self._cut_entries()))
            return self._batches[0] if self._batches else None

    def _cut_entries(self) -> list[Entry]:
        room = self.limits.batch_items * (HURRIED_BATCHES if self._patience.is_hurried() else 1)
        entries: list[Entry] = []
        size = 0
        while self._backlog and len(entries) < room:
            size += self._backlog[0][1]
            if entries and size > BATCH_BYTES:
                break
            entries.append(self._backlog.popleft())
        return entries

    def _attempt(self, batch: Batch) -> Outcome:
        if batch.prepared is None:
            batch.prepared = self.sender.prepare([entry[0] for entry in batch.entries])
        if batch.prepared.payload is None:
            return Outcome("drop", "nothing could be encoded", "unencodable", answered=False)
        return self.sender.send(batch.prepared.payload, self._patience.limit(self.timeout_seconds))

    def _settle(self, batch: Batch, outcome: Outcome) -> None:
        if outcome.answered:
            self.outages.answered(self.sender.host)
        with self.progress:
            if self.abandoned:
                return
            if outcome.verdict in ("later", "unreachable"):
                self._postpone(outcome)
            elif outcome.verdict == "split" and len(batch.entries) > 1:
                self._split(batch)
            else:
                self._resolve(batch, outcome)
            self.progress.notify_all()
        self._report(outcome)

    def _resolve(self, batch: Batch, outcome: Outcome) -> None:
        lost = min(batch.prepared.unencodable if batch.prepared else 0, batch.count)
        sent = batch.count - lost
        if outcome.verdict == "delivered":
            rejected = min(outcome.rejected, sent)
            self.accounts.resolve(sent - rejected, rejected, "partial_success")
        else:
            self.accounts.resolve(0, sent, outcome.reason)
        self.accounts.resolve(0, lost, "unencodable")
        self._batches.popleft()
        self.inbox.release(len(batch.entries), batch.size)
        self._patience.succeed()

    def _split(self, batch: Batch) -> None:
        middle = len(batch.entries) // 2
        self._batches.popleft()
        self._batches.appendleft(Batch(batch.entries[middle:]))
        self._batches.appendleft(Batch(batch.entries[:middle]))

    def _postpone(self, outcome: Outcome) -> None:
        silent = self.sender.endpoint_is_default and self.outages.is_silent(self.sender.host)
        self._patience.fail(outcome.retry_after_seconds, silent)
        nobody_there = outcome.verdict == "unreachable" and self._patience.is_hurried()
        if nobody_there or self._patience.is_futile():
            self._say_futile()

    def _say_futile(self) -> None:
        with self.progress:
            self._patience.calm_down()
            self.futile += 1
            self.progress.notify_all()

    def _report(self, outcome: Outcome) -> None:
        signal, host = self.accounts.signal, self.sender.host
        if outcome.verdict == "delivered" and not outcome.rejected:
            self.outages.delivered(signal, host)
        elif outcome.verdict != "split":
            self.outages.failed(signal, host, outcome.kind, self.sender.endpoint_is_default)

    def _discard_batch(self) -> None:
        with self.progress:
            if self._batches and not self.abandoned:
                self._resolve(self._batches[0], Outcome("drop", "fault of the kit"))
                self.progress.notify_all()
