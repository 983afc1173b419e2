"""
The three signals: queue, accounts and sender of each, as the environment asks.

Owns what goes where. A signal with several exporters has a queue for each; the first, which is
OTLP when it is among them, keeps the books that are published.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter
from opentelemetry.sdk.trace.export import ConsoleSpanExporter

from otel_kit.environment import OtelEnvironment, QueueLimits, Signal
from otel_kit.redaction import Policy
from otel_kit.telemetry.accounts import Accounts
from otel_kit.telemetry.logs import LogEncoder
from otel_kit.telemetry.metric_batches import encode_batches
from otel_kit.telemetry.official import MetricSender, clean_span, readable_record
from otel_kit.telemetry.outage import Outages
from otel_kit.telemetry.queue import ExportQueue
from otel_kit.telemetry.senders import SignalParts, choose_sender
from otel_kit.telemetry.spans import SpanEncoder

__all__ = ["SignalQueues", "log_parts", "metric_parts", "span_parts"]

METRIC_QUEUE = QueueLimits(max_items=64, batch_items=1, delay_seconds=0.0)


class SignalQueues:
    """
    All queues of one signal. `offer` hands an item to each of them.
    """

    def __init__(
        self, signal: Signal, parts: SignalParts, limits: QueueLimits, outages: Outages, notes: list[str]
    ) -> None:
        self.name = parts.name
        self.signal = signal
        self.queues: list[ExportQueue] = []
        for exporter in sorted((name for name in signal.exporter if name != "none"), key="otlp".__ne__):
            accounts = Accounts(parts.name, published=not self.queues)
            sender = choose_sender(exporter, signal, parts, notes)
            self.queues.append(ExportQueue(sender, accounts, outages, limits, signal.timeout_seconds))
        self.offer: Callable[..., None] = self.queues[0].offer if len(self.queues) == 1 else self._offer_all

    def _offer_all(self, item: Any, size: int, count: int = 1) -> None:
        for queue in self.queues:
            queue.offer(item, size, count)

    def report(self) -> dict[str, Any]:
        """
        Where the signal goes, or that it goes nowhere.
        """
        if not self.queues:
            return {"on": False, "why": f"OTEL_{self.name.upper()}_EXPORTER=none"}
        protocol = self.signal.protocol if "otlp" in self.signal.exporter else "none"
        return {"on": True, "to": [queue.sender.host for queue in self.queues], "protocol": protocol}


def span_parts(otel: OtelEnvironment, policy: Policy) -> SignalParts:
    """
    What is particular to traces.
    """
    limit = otel.span_attribute_value_length_limit
    return SignalParts(
        name="traces",
        encode=SpanEncoder(policy, limit, otel.attribute_value_length_limit).encode,
        request=lambda: official_request("trace", "ExportTraceServiceRequest"),
        convert=lambda span: clean_span(span, policy, limit),
        console=ConsoleSpanExporter,
        grpc=("opentelemetry.exporter.otlp.proto.grpc.trace_exporter", "OTLPSpanExporter"),
    )


def log_parts(otel: OtelEnvironment, policy: Policy, resource: Callable[[], Any]) -> SignalParts:
    """
    What is particular to logs.
    """
    limit = otel.log_attribute_value_length_limit
    return SignalParts(
        name="logs",
        encode=LogEncoder(policy, resource, limit, otel.log_attribute_count_limit).encode,
        request=lambda: official_request("logs", "ExportLogsServiceRequest"),
        convert=lambda record: readable_record(record, policy, resource(), limit),
        console=ConsoleLogRecordExporter,
        grpc=("opentelemetry.exporter.otlp.proto.grpc._log_exporter", "OTLPLogExporter"),
    )


def metric_parts() -> SignalParts:
    """
    What is particular to metrics, which are clean before they are queued.
    """
    return SignalParts(
        name="metrics",
        encode=encode_batches,
        request=lambda: official_request("metrics", "ExportMetricsServiceRequest"),
        convert=lambda batch: batch.data,
        console=ConsoleMetricExporter,
        grpc=("opentelemetry.exporter.otlp.proto.grpc.metric_exporter", "OTLPMetricExporter"),
        official=MetricSender,
    )


def official_request(signal: str, name: str) -> Any:
    """
    An empty export request of the official classes, which take 40 ms to import and are seldom needed.
    """
    return getattr(import_module(f"opentelemetry.proto.collector.{signal}.v1.{signal}_service_pb2"), name)()


def silenced(signal: Signal, disabled: bool) -> Signal:
    """
    The signal as it is, or one that goes nowhere when the SDK is disabled.
    """
    return replace(signal, exporter=("none",)) if disabled else signal
