"""
The export queue of one signal: bounded, in order, never in the application's way.

Audit records have room of their own beyond the bound, so that they are the last to be refused.

Owns the life of the thread behind it: started at the first item, given up when it is stuck at
the end, started again when more comes, and made anew after a fork. A lifespan's end flushes;
the process's end closes, and even then a later item finds the queue working.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import Any

from otel_kit.environment.model import QueueLimits
from otel_kit.faults import fault
from otel_kit.logs.item import AUDIT_BYTES, AUDIT_ITEMS
from otel_kit.telemetry.accounts import Accounts
from otel_kit.telemetry.inbox import Inbox
from otel_kit.telemetry.outage import Outages
from otel_kit.telemetry.outcome import Sender
from otel_kit.telemetry.worker import Worker

__all__ = ["ExportQueue", "FlushTicket"]


class FlushTicket:
    """
    How far a flush has to come: everything accepted before it began.
    """

    __slots__ = ("futile", "target", "worker")

    def __init__(self, worker: Worker | None, target: int, futile: int) -> None:
        self.worker = worker
        self.target = target
        self.futile = futile


class ExportQueue:
    """
    Takes items of one signal and brings them out through `sender`.

    Args:
        timeout_seconds: For one attempt to send.
    """

    def __init__(
        self,
        sender: Sender,
        accounts: Accounts,
        outages: Outages,
        limits: QueueLimits,
        timeout_seconds: float = 10.0,
    ) -> None:
        self.sender = sender
        self.accounts = accounts
        self.outages = outages
        self.limits = limits
        self.timeout_seconds = timeout_seconds
        self._inbox = Inbox(limits.max_items, limits.max_bytes)
        self._batch_items = limits.batch_items
        self._worker: Worker | None = None
        self._has_thread = False
        accounts.count_queued = self._count_queued
        outages.watch(accounts, sender.host if sender.endpoint_is_default else None)
        _queues.add(self)

    def offer(self, item: Any, size: int, count: int = 1) -> None:
        """
        Take an item, or count it as dropped when the queue is full. Never waits, never raises.

        Args:
            size: Estimated bytes, the measure of the queue's bound in memory.
            count: For how many items it stands in the accounts.
        """
        inbox = self._inbox
        waiting = inbox.waiting
        if (
            len(waiting) + inbox.held >= inbox.max_items
            or inbox.bytes_waiting + inbox.held_bytes + size > inbox.max_bytes
        ) and not self._has_audit_room(item, size):
            self.accounts.refuse(count)
            return
        waiting.append((item, size, count))
        inbox.bytes_waiting += size
        if inbox.dormant:
            self._rouse()
        elif not len(waiting) % self._batch_items:
            # each multiple, as two threads at once may step over the first
            inbox.wake.set()

    def _has_audit_room(self, item: Any, size: int) -> bool:
        """
        Whether the item is an audit record that fits into the room which those have beyond the bound.
        """
        inbox = self._inbox
        return (
            getattr(item, "log_class", None) == "audit"
            and len(inbox.waiting) + inbox.held < inbox.max_items + AUDIT_ITEMS
            and inbox.bytes_waiting + inbox.held_bytes + size <= inbox.max_bytes + AUDIT_BYTES
        )

    def discard_waiting(self, keep: int) -> None:
        """
        Drop the oldest of what is in no batch yet, as stale, until `keep` are left.
        """
        with self.accounts.lock:
            if self._worker is not None:
                self._worker.discard_waiting(keep)

    def flush(self, deadline: float) -> bool:
        """
        Wait until everything accepted before this call is resolved.

        Args:
            deadline: In monotonic seconds.

        Returns:
            False when something is left: the deadline came, nobody listens, or the collector
            asked to be left alone for longer.
        """
        return self.finish_flush(self.begin_flush(deadline), deadline)

    def begin_flush(self, deadline: float) -> FlushTicket:
        """
        Start a flush and return at once, so that several queues can flush at the same time.
        """
        with self.accounts.lock:
            target = self.accounts.resolved + self._count_queued()
            if target == self.accounts.resolved:
                return FlushTicket(None, target, 0)
            worker = self._running_worker()
            ticket = FlushTicket(worker, target, worker.futile)
        worker.hurry(deadline, ticket)
        return ticket

    def finish_flush(self, ticket: FlushTicket, deadline: float) -> bool:
        """
        Wait for the flush of `ticket`, at most until `deadline`.
        """
        worker = ticket.worker
        if worker is None:
            return True
        if not self._has_thread:
            worker.run_until(deadline)
        with worker.progress:
            while self.accounts.resolved < ticket.target and worker.futile == ticket.futile and not worker.abandoned:
                left = deadline - time.monotonic()
                if left <= 0.0:
                    break
                worker.progress.wait(left)
            worker.calm(ticket)
            return self.accounts.resolved >= ticket.target

    def hurry(self, deadline: float) -> None:
        """
        Let what comes until `deadline` leave without waiting for company.
        """
        with self.accounts.lock:
            worker = self._worker
        if worker is not None:
            worker.hurry(deadline)

    def close(self, deadline: float) -> bool:
        """
        Flush, then give up what is left and count it as dropped at shutdown.
        """
        delivered = self.flush(deadline)
        self.abandon()
        return delivered

    def abandon(self) -> None:
        """
        Count everything still here as dropped at shutdown, a batch on its way included.
        """
        with self.accounts.lock:
            inbox = self._inbox
            # first of all: what comes from here on starts a worker of its own
            inbox.dormant = True
            worker, self._worker = self._worker, None
            if worker is not None:
                worker.abandon("shutdown")
            count = sum(inbox.waiting.popleft()[2] for _ in range(len(inbox.waiting)))
            inbox.bytes_waiting = 0
            self.accounts.resolve(0, count, "shutdown")
        self.sender.reset()

    def reset_after_fork(self) -> None:
        """
        Start empty in a forked child: what the parent had queued, the parent sends.
        """
        self._inbox = Inbox(self.limits.max_items, self.limits.max_bytes)
        self._worker = None
        self.accounts.reset_after_fork()
        self.outages.reset_after_fork()
        self.sender.reset()

    def _rouse(self) -> None:
        try:
            with self.accounts.lock:
                self._running_worker()
                self._inbox.dormant = False
            self._inbox.wake.set()
        except Exception as error:  # called by log calls and span ends: nothing may leave it
            fault("export", error)

    def _running_worker(self) -> Worker:
        worker = self._worker
        if worker is None:
            worker = self._worker = Worker(
                self._inbox, self.sender, self.accounts, self.outages, self.limits, self.timeout_seconds
            )
            self._start_thread(worker)
        return worker

    def _start_thread(self, worker: Worker) -> None:
        self._has_thread = True
        try:
            threading.Thread(target=worker.run, name=f"otel_kit-{self.accounts.signal}", daemon=True).start()
        except RuntimeError:
            # the interpreter is about to end: flush and close do the work on their caller's thread
            self._has_thread = False

    def _count_queued(self) -> int:
        waiting = self._inbox.waiting
        held = 0 if self._worker is None else self._worker.count_held()
        if self.accounts.signal != "metrics":
            return len(waiting) + held
        return sum(entry[2] for entry in tuple(waiting)) + held


_queues: weakref.WeakSet[ExportQueue] = weakref.WeakSet()


def _reset_all_after_fork() -> None:
    for queue in list(_queues):
        queue.reset_after_fork()


os.register_at_fork(after_in_child=_reset_all_after_fork)
