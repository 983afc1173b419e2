"""
OpenTelemetry's variables as values: what the rest of the kit sees of `OTEL_*`.

Owns shapes and defaults. Knows neither where a value came from nor who uses it; times are
seconds, whatever unit the variable has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from otel_kit.environment.findings import Finding

__all__ = [
    "Aggregation",
    "AttributeLimits",
    "Compression",
    "ExemplarFilter",
    "ExporterName",
    "Instrumentation",
    "OtelEnvironment",
    "Protocol",
    "QueueLimits",
    "Signal",
    "SignalName",
    "Temporality",
]

SignalName = Literal["traces", "metrics", "logs"]
ExporterName = Literal["otlp", "console", "none"]
Protocol = Literal["http/protobuf", "http/json", "grpc"]
Compression = Literal["none", "gzip", "deflate"]
ExemplarFilter = Literal["trace_based", "always_on", "always_off"]
Temporality = Literal["cumulative", "delta", "lowmemory"]
Aggregation = Literal["explicit_bucket_histogram", "base2_exponential_bucket_histogram"]


@dataclass(frozen=True)
class Signal:
    """
    Where one signal goes, and how.
    """

    exporter: tuple[ExporterName, ...] = ("otlp",)
    """
    Never empty: a signal that goes nowhere says `("none",)`.
    """

    endpoint: str = "http://localhost:4318"
    """
    The full URL, with the signal's path over HTTP and without one over gRPC.
    """

    endpoint_is_default: bool = True
    """
    True when nobody named an endpoint, so that silence at the other end is no fault.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """
    Names in lower case, values decoded; printable ASCII only.
    """

    timeout_seconds: float = 10.0
    """
    For one export with all its attempts.
    """

    compression: Compression = "none"
    """
    Of the request body.
    """

    certificate: str | None = None
    """
    File of the authorities to trust; None trusts the usual ones.
    """

    client_certificate: str | None = None
    """
    File of the certificate the kit shows, for mutual TLS.
    """

    client_key: str | None = None
    """
    File of its private key; None when the certificate's file holds it.
    """

    protocol: Protocol = "http/protobuf"
    """
    The encoding and transport of OTLP.
    """


@dataclass(frozen=True)
class QueueLimits:
    """
    Bounds of one export queue.
    """

    max_items: int = 2048
    """
    Spans or log records that may wait.
    """

    batch_items: int = 512
    """
    The most that leave in one request; never above `max_items`.
    """

    delay_seconds: float = 1.0
    """
    How long an item may wait for company. A second, not the specification's five: what waits
    is what a SIGKILL loses.
    """

    timeout_seconds: float = 30.0
    """
    For one batch to leave.
    """

    max_bytes: int = 8 * 1024 * 1024
    """
    Memory that waiting items may hold.
    """


@dataclass(frozen=True)
class AttributeLimits:
    """
    How much a span or log record may hold; None is no limit.
    """

    attribute_count_limit: int | None = 128
    attribute_value_length_limit: int | None = None
    span_attribute_count_limit: int | None = 128
    span_attribute_value_length_limit: int | None = None
    span_event_count_limit: int | None = 128
    span_link_count_limit: int | None = 128
    event_attribute_count_limit: int | None = 128
    link_attribute_count_limit: int | None = 128
    log_attribute_count_limit: int | None = 128
    log_attribute_value_length_limit: int | None = None


@dataclass(frozen=True)
class Instrumentation:
    """
    What the variables of OpenTelemetry's instrumentation libraries ask of a server.
    """

    excluded_urls: tuple[str, ...] = ()
    """
    Patterns of URLs without a span, searched for anywhere in the URL.
    """

    captured_request_headers: tuple[str, ...] = ()
    """
    Patterns of header names that become attributes of the server span.
    """

    captured_response_headers: tuple[str, ...] = ()
    """
    The same for the answer.
    """

    sanitized_headers: tuple[str, ...] = ()
    """
    Patterns of header names whose values are masked.
    """

    semconv_opt_in: tuple[str, ...] = ()
    """
    Known items of `OTEL_SEMCONV_STABILITY_OPT_IN`.
    """


@dataclass(frozen=True)
class OtelEnvironment(AttributeLimits):
    """
    Every `OTEL_*` variable the kit acts on, judged. The defaults are those of an empty environment.
    """

    disabled: bool = False
    """
    No spans and no export.
    """

    service_name: str | None = None
    """
    `OTEL_SERVICE_NAME`, else `service.name` of the resource attributes, else None.
    """

    resource_attributes: Mapping[str, str] = field(default_factory=dict)
    """
    Decoded; holds `service.name` too when it was given there.
    """

    traces: Signal = Signal(endpoint="http://localhost:4318/v1/traces")
    metrics: Signal = Signal(endpoint="http://localhost:4318/v1/metrics")
    logs: Signal = Signal(endpoint="http://localhost:4318/v1/logs")

    sampler: str = "parentbased_always_on"
    """
    One of the specification's six, or the name of an installed `opentelemetry_traces_sampler`.
    """

    sampler_argument: float | None = None
    """
    The ratio, from 0 to 1; None when not given or not a ratio sampler's.
    """

    sampler_argument_text: str | None = None
    """
    The argument as written, for an installed sampler.
    """

    propagators: tuple[str, ...] = ("tracecontext", "baggage")
    """
    In the order of extraction; empty for `none`.
    """

    span_queue: QueueLimits = QueueLimits()
    log_queue: QueueLimits = QueueLimits()

    metric_interval_seconds: float = 60.0
    """
    Between two exports of metrics.
    """

    metric_timeout_seconds: float = 30.0
    """
    For one export of metrics.
    """

    temporality: Temporality = "cumulative"
    histogram_aggregation: Aggregation = "explicit_bucket_histogram"
    exemplar_filter: ExemplarFilter = "trace_based"

    id_generator: str = "random"
    """
    Name of an installed `opentelemetry_id_generator`.
    """

    log_level: str | None = None
    """
    `OTEL_LOG_LEVEL`, for OpenTelemetry's own loggers: a level name of `logging`, or None.
    """

    instrumentation: Instrumentation = Instrumentation()

    findings: tuple[Finding, ...] = ()
    """
    What was wrong, in the order it was met.
    """
