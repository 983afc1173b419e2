"""
An OTLP store whose life a test decides: it dies, hangs, refuses and lives again at one address.

Owns the count of how often each record arrived, over all its lives. Knows nothing of
the Collector before it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from e2e import otlp
from e2e.faults.records import NUMBER
from e2e.process import free_port
from tests.otlp_receiver import OtlpReceiver, attributes_of, value_of

__all__ = ["SIGNALS", "SignalName", "Store", "store"]

SignalName = Literal["traces", "logs"]
SIGNALS: tuple[SignalName, ...] = ("traces", "logs")


class Store:
    """
    Dead until it is told otherwise.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self._life: OtlpReceiver | None = None
        self._lives: list[OtlpReceiver] = []
        self._arrived: dict[SignalName, Counter[str]] = {"traces": Counter(), "logs": Counter()}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """
        Base URL, the same in every life.
        """
        return f"http://127.0.0.1:{self.port}"

    @property
    def attempts(self) -> int:
        """
        Requests that came, whatever became of them.
        """
        return sum(len(life.attempts) for life in self._lives)

    def live(self) -> None:
        """
        Take everything.
        """
        self._begin("ok")

    def hang(self) -> None:
        """
        Take connections and requests, and never answer.
        """
        self._begin("hang")

    def refuse(self, status: int) -> None:
        """
        Answer every request with this status and keep nothing.
        """
        self._begin("status").status = status

    def die(self) -> None:
        """
        Stop listening: connections are refused, those that are open break.
        """
        if self._life is not None:
            self._life.stop()
            self._life = None

    def arrivals(self, signal: SignalName) -> Counter[str]:
        """
        How often each record has arrived, by what tells it from all others.
        """
        with self._lock:
            return Counter(self._arrived[signal])

    def wait_for(self, signal: SignalName, numbers: Iterable[str], timeout: float = 40.0) -> None:
        """
        Until each of these has arrived at least once.

        Raises:
            AssertionError: They had not when the time was over.
        """
        expected = set(numbers)
        deadline = time.monotonic() + timeout
        while missing := expected - self.arrivals(signal).keys():
            assert time.monotonic() < deadline, f"{len(missing)} of {len(expected)} {signal}: {sorted(missing)[:100]}"
            time.sleep(0.1)

    def _begin(self, mode: str) -> OtlpReceiver:
        self.die()
        self._life = OtlpReceiver(self.port, mode, self._count)
        self._lives.append(self._life)
        return self._life

    def _count(self, path: str, request: otlp.Request) -> None:
        with self._lock:
            if isinstance(request, ExportTraceServiceRequest):
                self._arrived["traces"].update(identity_of(span) for span in spans_of(request))
            elif isinstance(request, ExportLogsServiceRequest):
                self._arrived["logs"].update(identity_of(record) for record in records_of(request))


def identity_of(record: Span | LogRecord) -> str:
    """
    The number that a test gave it; else its span id, or, for a log record, its moment and its text.
    """
    attributes = attributes_of(record)
    if NUMBER in attributes:
        return str(attributes[NUMBER])
    if isinstance(record, Span):
        return record.span_id.hex()
    return f"{record.time_unix_nano} {value_of(record.body)}"


def spans_of(request: ExportTraceServiceRequest) -> Iterator[Span]:
    """
    Every span of a request.
    """
    return (span for group in request.resource_spans for scoped in group.scope_spans for span in scoped.spans)


def records_of(request: ExportLogsServiceRequest) -> Iterator[LogRecord]:
    """
    Every log record of a request.
    """
    return (record for group in request.resource_logs for scoped in group.scope_logs for record in scoped.log_records)


@contextmanager
def store() -> Iterator[Store]:
    """
    A dead store; it is dead again afterwards.
    """
    owner = Store()
    try:
        yield owner
    finally:
        owner.die()
