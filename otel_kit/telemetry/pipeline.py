"""
The running whole: providers on one side, queues on the other, one flush and one close.

Owns the order at the end: metrics are collected first, then all queues empty at the same time
within one deadline, then the books are written for the last time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from otel_kit.exposition.otel import InstrumentReader
from otel_kit.telemetry.accounts import SignalName
from otel_kit.telemetry.metrics import MetricExport
from otel_kit.telemetry.outage import Outages
from otel_kit.telemetry.queue import ExportQueue
from otel_kit.telemetry.shutdown import Closing
from otel_kit.telemetry.signals import SignalQueues

__all__ = ["Telemetry"]

COLLECT_SHARE = 0.4
"""
Of the time that is left, what collecting metrics may take before the queues go without.
"""

HURRY_SECONDS = 5.0


class Telemetry:
    """
    What set-up gets. `instruments` reads other libraries' metrics for `/metrics`.

    `log_sink` takes the kit's log items, None where logs are not exported.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider,
        meter_provider: MeterProvider,
        logger_provider: LoggerProvider,
        instruments: InstrumentReader,
        signals: Sequence[SignalQueues],
        metric_export: MetricExport | None,
        outages: Outages,
    ) -> None:
        self.tracer_provider = tracer_provider
        self.meter_provider = meter_provider
        self.logger_provider = logger_provider
        self.instruments = instruments
        self.signals = {signal.name: signal for signal in signals}
        self.outages = outages
        self.log_sink: Callable[[Any, int], None] | None = None
        self.resource: Callable[[], Resource] = lambda: tracer_provider.resource
        self.traces_on = True
        self.notes: list[str] = []
        self.joined: list[str] = []
        self._metric_export = metric_export
        self._closing: Closing | None = None

    @property
    def queues(self) -> list[ExportQueue]:
        """
        All of them, of all signals.
        """
        return [queue for signal in self.signals.values() for queue in signal.queues]

    def has_accepted(self, signal: SignalName) -> bool:
        """
        Whether there ever was anything of this signal to export in this process.
        """
        return any(queue.accounts.view()["accepted"] for queue in self.signals[signal].queues)

    def start(self) -> None:
        """
        Begin to collect metrics; the queues start by themselves with their first item.
        """
        if self._metric_export is not None:
            self._metric_export.start()
        if self._closing is not None:
            self._closing.install()

    def begin_flush(self, deadline: float, collect: bool = True) -> int:
        """
        Have everything accepted so far leave, and return at once what `finish_flush` takes.

        Args:
            deadline: In monotonic seconds.
            collect: False leaves out metrics that are not collected yet.
        """
        asked = self._metric_export.ask() if collect and self._metric_export is not None else 0
        for queue in self.queues:
            queue.begin_flush(deadline)
        return asked

    def finish_flush(self, asked: int, deadline: float) -> bool:
        """
        Wait for a flush, at most until `deadline`.

        Returns:
            False when something is left of what was accepted before.
        """
        if self._metric_export is not None:
            left = max(deadline - time.monotonic(), 0.0)
            self._metric_export.wait(asked, time.monotonic() + left * COLLECT_SHARE)
        # asked again, for what came in since: the collected metrics, the last log lines
        tickets = [(queue, queue.begin_flush(deadline)) for queue in self.queues]
        done = [queue.finish_flush(ticket, deadline) for queue, ticket in tickets]
        return all(done)

    def flush(self, timeout_seconds: float) -> bool:
        """
        Both steps in one; returns within the time, a little late at most.
        """
        deadline = time.monotonic() + timeout_seconds
        return self.finish_flush(self.begin_flush(deadline), deadline)

    def close(self, deadline: float, collect: bool = True) -> bool:
        """
        The process's end: flush, and count what is left as dropped. Later items still work.

        Args:
            collect: False leaves the metrics out.
        """
        delivered = self.finish_flush(self.begin_flush(deadline, collect), deadline)
        for queue in self.queues:
            queue.abandon()
            queue.accounts.publish()
        return delivered

    def hurry(self) -> None:
        """
        Let what comes in the next seconds leave without waiting for company.
        """
        for queue in self.queues:
            queue.hurry(time.monotonic() + HURRY_SECONDS)

    def install_last_net(self, close: Callable[[], object]) -> None:
        """
        Have `close` called when the process ends without a lifespan's end.
        """
        if self._closing is None:
            self._closing = Closing(close, self.hurry)
        self._closing.install()

    def remove_last_net(self) -> None:
        """
        Undo `install_last_net`.
        """
        if self._closing is not None:
            self._closing.undo()
            self._closing = None

    def report(self) -> dict[str, Any]:
        """
        What is on, where it goes, and what is off and why.
        """
        signals: dict[str, Any] = {name: self._report_signal(name, signal) for name, signal in self.signals.items()}
        failing = self.outages.failing()
        return {**signals, "notes": list(self.notes), **({"failing": failing} if failing else {})}

    def _report_signal(self, name: str, signal: SignalQueues) -> dict[str, Any]:
        if not self.traces_on:
            return {"on": False, "why": "OTEL_SDK_DISABLED=true"}
        report = signal.report()
        if name not in self.joined:
            return report
        if name == "metrics":
            return {**report, "instruments": "exported by the provider that was set before"}
        return {"on": True, "to": ["the provider that was set before"], "why": "it exports already"}
