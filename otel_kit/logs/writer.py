"""
Log lines on their way to standard output, without making anybody wait.

Owns a queue bounded by records and bytes, and the daemon thread that redacts, lays out and
writes what is in it. What is of class `audit` has room beyond. Knows nothing of `logging` or OTLP.

Until `start` (while the application is being set up), and after `close`, there is no thread:
a line is written by its caller as far as the output takes it at once, and waits otherwise. So a
parent process that only forks workers never has a thread, and neither has a forked child that
doesn't serve.

The thread sleeps while there is nothing to do. Once woken it gathers for a fiftieth of a second, or
until much has come or somebody flushes: one write of many lines, and no wake-up for each request.
A caller that logs in a tight loop would keep the interpreter lock from the thread: from half a
queue on it gives way for a tenth of a millisecond, as long as the output is being taken.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from otel_kit.faults import fault
from otel_kit.logs.item import AUDIT_BYTES, AUDIT_ITEMS, LogItem
from otel_kit.logs.layouts import LineLayout
from otel_kit.logs.losses import Losses, lost_of
from otel_kit.logs.output import DescriptorOutput, DropReason, StandardOutput, is_moving
from otel_kit.wake import Wake

if TYPE_CHECKING:
    from otel_kit.redaction import Policy

__all__ = ["LineWriter"]

MAX_ITEMS = 10_000
MAX_BYTES = 8 * 1024 * 1024
GATHER_SECONDS = 0.02
_ENOUGH_ITEMS = 512
_GIVE_WAY_SECONDS = 0.0001
_LOOK_SECONDS = 0.002


def _reset_forked(writer: weakref.ref[LineWriter]) -> None:
    found = writer()
    if found is not None:
        found._reset()


class LineWriter:
    """
    The queue and its thread. Every method may be called from any thread, at any moment.

    Args:
        layout: Makes the line of an item.
        policy: Cleans an item before it is laid out.
        dropped: Told of each line that is lost, with the reason and how many.
        output: Where the lines go.
        max_items: Records that may wait.
        max_bytes: Bytes that waiting records may take.
    """

    def __init__(
        self,
        layout: LineLayout,
        policy: Policy,
        dropped: Callable[[DropReason, int], None],
        *,
        output: DescriptorOutput | StandardOutput | None = None,
        max_items: int = MAX_ITEMS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.layout = layout
        self.policy = policy
        self.output: DescriptorOutput | StandardOutput = output or StandardOutput()
        self._dropped = dropped
        self._max_items = max_items
        self._enough = min(_ENOUGH_ITEMS, max_items >> 2)
        self._max_bytes = max_bytes
        self._reset()
        os.register_at_fork(after_in_child=partial(_reset_forked, weakref.ref(self)))

    def _reset(self) -> None:
        # in a forked child: the lines that wait are the parent's, and so are its locks. The child
        # has no thread until it serves, so a short-lived one loses nothing by ending abruptly
        self._started = False
        self._queue: deque[LogItem] = deque()
        self._bytes = 0
        # reentrant: a signal handler or a finaliser may log while this thread is in here
        self._lock = threading.RLock()
        self._draining = threading.Lock()
        self._wake = Wake()
        self._sleeping = False
        self._busy = 0
        self._stop_at: float | None = None
        self._thread: threading.Thread | None = None
        self._losses = Losses(self._dropped)

    def offer(self, item: LogItem) -> None:
        """
        Take the item, or count it as dropped. Never blocks, never raises.
        """
        with self._lock:
            waiting = len(self._queue)
            full = waiting >= self._max_items or self._bytes + item.size > self._max_bytes
            if full and item.log_class == "audit":
                full = waiting >= self._max_items + AUDIT_ITEMS or self._bytes > self._max_bytes + AUDIT_BYTES
            if not full:
                self._bytes += item.size
                self._queue.append(item)
                if self._sleeping or waiting == self._enough or self._bytes > self._max_bytes >> 2:
                    self._rouse()
        if full:
            self._losses.add("queue_full", 1)
        elif not self._started:
            self._drain_what_goes_at_once()
        elif self._thread is None:
            self._make_thread()
        elif waiting > self._max_items >> 1 and is_moving(self.output):
            time.sleep(_GIVE_WAY_SECONDS)

    def start(self) -> None:
        """
        From now on lines are written by a thread. To be called when the process begins to serve.
        """
        self._started = True
        self._stop_at = None
        if self._thread is not None and not self._thread.is_alive():
            self._thread = None
        if self._thread is None:
            self._make_thread()

    def flush(self, deadline: float) -> bool:
        """
        Wait until everything taken so far is written.

        Args:
            deadline: When to stop waiting, as `time.monotonic()` counts.

        Returns:
            False when something still waits.
        """
        while self._queue or self._busy:
            if self._thread is None:
                self._drain_what_goes_at_once()
            else:
                self._rouse()
            if not (self._queue or self._busy):
                break
            if time.monotonic() >= deadline:
                return False
            time.sleep(_LOOK_SECONDS)
        return True

    def close(self, deadline: float) -> bool:
        """
        Write what waits and end the thread; what is left at the deadline is counted as dropped.

        Later lines still come out, written by their callers; `start` opens the queue again.
        """
        self._stop_at = deadline
        flushed = self.flush(deadline)
        self._started = False
        thread = self._thread
        self._rouse()
        if thread is not None:
            thread.join(max(0.0, deadline - time.monotonic()))
            if not thread.is_alive():
                self._thread = None
        if not flushed:
            with self._lock:
                left, self._bytes = len(self._queue), 0
                self._queue.clear()
            self._losses.add("shutdown", left)
        return flushed

    # -- the thread -------------------------------------------------------------------------

    def _make_thread(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            thread = self._thread = threading.Thread(target=self._run, name="otel_kit.logs", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # the interpreter is ending, or the system gives no more threads
            self._thread = None
            self._started = False
            self._drain_what_goes_at_once()

    def _run(self) -> None:
        while True:
            self._sleep_until_needed()
            if self._stop_at is None:
                self._wake.wait(GATHER_SECONDS)
            try:
                with self._draining:
                    self._drain(self._is_over)
            except Exception as error:
                fault("logs", error)
            if not self._started:
                return

    def _sleep_until_needed(self) -> None:
        self._sleeping = True
        if not self._queue and self._started:
            self._wake.wait(None)
        self._sleeping = False

    def _rouse(self) -> None:
        self._sleeping = False
        self._wake.set()

    def _is_over(self) -> bool:
        return self._stop_at is not None and time.monotonic() >= self._stop_at

    # -- writing ----------------------------------------------------------------------------

    def _drain_what_goes_at_once(self) -> None:
        moving = True
        # not acquired: somebody else is draining, who looks again after the release, or this very
        # thread, which logs from inside
        while moving and self._queue and self._draining.acquire(blocking=False):
            try:
                moving = self.output.ready()
                if moving:
                    self._drain(lambda: True, most=1)
            except Exception as error:
                fault("logs", error)
            finally:
                self._draining.release()

    def _drain(self, give_up: Callable[[], bool], most: int = MAX_ITEMS) -> None:
        """
        Write up to `most` of the waiting lines, as many in one write as may go together.
        """
        batch: list[bytes] = []
        length = size = 0
        try:
            while self._queue and most > 0:
                most -= 1
                # busy before the item leaves the queue: `flush` looks at the two in the other order
                self._busy += 1
                try:
                    item = self._queue.popleft()
                except IndexError:  # `close` gave up on the rest
                    break
                size += item.size
                line = self._line(item)
                if batch and length + len(line) > self.output.batch_bytes:
                    self._write(batch, give_up)
                    self._free(size)
                    batch, length, size = [], 0, 0
                if line:
                    batch.append(line)
                    length += len(line)
            if batch:
                self._write(batch, give_up)
        finally:
            self._free(size)
            self._busy = 0

    def _line(self, item: LogItem) -> bytes:
        try:
            item.clean(self.policy)
            return self.layout.line(item)
        except Exception as error:
            fault("logs", error)
            self._losses.add("layout", 1)
            return b""

    def _free(self, size: int) -> None:
        with self._lock:
            self._bytes = max(0, self._bytes - size) if self._queue else 0

    def _write(self, lines: list[bytes], give_up: Callable[[], bool]) -> None:
        sent, reason = self.output.write(b"".join(lines), give_up)
        if reason is not None:
            self._losses.add("shutdown" if self._is_over() else reason, lost_of(lines, sent))
            return
        item = self._losses.to_say()
        if item is not None:
            self.output.write(self.layout.line(item), give_up)
