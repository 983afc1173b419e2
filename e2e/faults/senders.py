"""
Senders that keep books: which records they sent, and which of them were acknowledged.

Owns the rule that a record counts as acknowledged when its request was answered 2xx, and never
otherwise. Nothing is sent twice, so whatever arrives twice was doubled on the way.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from e2e import otlp
from e2e.faults.records import Numbers, numbered_logs, numbered_spans
from e2e.faults.stores import SignalName
from e2e.process import wait_for

__all__ = ["NO_ANSWER", "Books", "Load", "load", "send_once", "send_spans"]

MAKERS: dict[SignalName, Callable[[Sequence[str]], otlp.Request]] = {"traces": numbered_spans, "logs": numbered_logs}

NO_ANSWER = 0
"""Stands for the status of a request that nobody answered."""


class Books:
    """
    What was sent and what was said to it; safe for several threads.
    """

    def __init__(self) -> None:
        self.sent: dict[SignalName, set[str]] = {"traces": set(), "logs": set()}
        self.acknowledged: dict[SignalName, set[str]] = {"traces": set(), "logs": set()}
        self.answers: Counter[int] = Counter()
        self._lock = threading.Lock()

    def note(self, signal: SignalName, numbers: Sequence[str], status: int) -> None:
        """
        Write down one request and its answer.
        """
        with self._lock:
            self.sent[signal].update(numbers)
            self.answers[status] += 1
            if 200 <= status < 300:
                self.acknowledged[signal].update(numbers)


class Load:
    """
    Threads that send without a rest, one request after the other, whatever is answered.
    """

    def __init__(self, url: str, senders: int, batch: int) -> None:
        self.books = Books()
        self._url = url
        self._batch = batch
        self._numbers = Numbers()
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(signal,), daemon=True)
            for signal, _ in zip(_alternating(), range(senders), strict=False)
        ]

    def begin(self) -> None:
        """
        Send from now on.
        """
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """
        Send nothing more; the last requests have their answers afterwards.
        """
        self._over.set()
        for thread in self._threads:
            thread.join(30)

    def wait_for_acknowledged(self, requests: int) -> None:
        """
        Go on when so many more requests have been answered by 200.
        """
        aim = self.books.answers[200] + requests
        wait_for(lambda: self.books.answers[200] >= aim, f"{requests} more requests acknowledged", 30, every=0.01)

    def _run(self, signal: SignalName) -> None:
        while not self._over.is_set():
            numbers = self._numbers.take(self._batch)
            status = send_once(self._url, MAKERS[signal](numbers))
            self.books.note(signal, numbers, status)
            if status == NO_ANSWER:
                time.sleep(0.02)  # nobody is there: leave the machine to whoever starts it


@contextmanager
def load(url: str, *, senders: int = 4, batch: int = 20) -> Iterator[Load]:
    """
    Spans and log records for the length of the block.
    """
    sending = Load(url, senders, batch)
    sending.begin()
    try:
        yield sending
    finally:
        sending.end()


def send_once(url: str, request: otlp.Request) -> int:
    """
    The status of the answer; `NO_ANSWER` where there was none.
    """
    try:
        return otlp.send(url, request).status
    except (OSError, http.client.HTTPException):
        return NO_ANSWER


def send_spans(url: str, numbers: Numbers, count: int, *, batch: int = 100, padding: int = 0) -> list[str]:
    """
    So many spans, in requests of `batch`; all are acknowledged.

    Returns: Their numbers.
    """
    sent = numbers.take(count)
    parts = [sent[start : start + batch] for start in range(0, count, batch)]
    assert [200] * len(parts) == [send_once(url, numbered_spans(part, padding=padding)) for part in parts]
    return sent


def _alternating() -> Iterator[SignalName]:
    while True:
        yield "traces"
        yield "logs"
