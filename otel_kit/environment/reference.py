"""
The reference of `OTEL_*`: what each variable means to the kit, as data.

Owns the words; the documentation page and `otel-kit doctor` are made from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["SettingReference", "otel_reference"]


class SettingReference(NamedTuple):
    """
    One row of the settings' reference.
    """

    variable: str
    """
    Name in the environment.
    """

    default: str
    """
    What counts when it is unset; empty for nothing.
    """

    meaning: str
    """
    One or two sentences.
    """

    type: str
    """
    What a value looks like.
    """


SERVICE = (
    ("OTEL_SERVICE_NAME", "the project's or module's name", "Name of the service.", "text"),
    ("OTEL_RESOURCE_ATTRIBUTES", "", "Further attributes of the service.", "key=value,…, percent-encoded"),
    ("OTEL_SDK_DISABLED", "false", "No spans and no export; the rest goes on.", "true or false"),
    ("OTEL_CONFIG_FILE", "", "Not read; noted once when set.", "path"),
    ("OTEL_LOG_LEVEL", "", "Level of OpenTelemetry's own loggers.", "trace to fatal, or none"),
    ("OTEL_PROPAGATORS", "tracecontext,baggage", "How context crosses services.", "names, comma-separated"),
    ("OTEL_SEMCONV_STABILITY_OPT_IN", "", "Conventions of other instrumentations.", "http, database, …"),
)

TRACES = (
    ("OTEL_TRACES_SAMPLER", "parentbased_always_on", "Which traces are recorded.", "name of a sampler"),
    ("OTEL_TRACES_SAMPLER_ARG", "1.0", "Share of traces a ratio sampler records.", "number from 0 to 1"),
    ("OTEL_PYTHON_ID_GENERATOR", "random", "Who makes trace and span ids.", "name of an installed generator"),
)

METRICS = (
    ("OTEL_METRIC_EXPORT_INTERVAL", "60000", "Time between two exports of metrics.", "milliseconds"),
    (
        "OTEL_METRIC_EXPORT_TIMEOUT",
        "30000",
        "Time for one export; never above the interval by default.",
        "milliseconds",
    ),
    ("OTEL_METRICS_EXEMPLAR_FILTER", "trace_based", "Which measurements lead to a trace.", "name of a filter"),
    (
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        "cumulative",
        "Whether sums are sent as totals or as differences.",
        "cumulative, delta or lowmemory",
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "explicit_bucket_histogram",
        "How other libraries' histograms are kept.",
        "explicit_bucket_histogram or base2_exponential_bucket_histogram",
    ),
)

OTLP = (
    ("PROTOCOL", "http/protobuf", "Encoding and transport.", "http/protobuf, http/json or grpc"),
    ("ENDPOINT", "http://localhost:4318", "Where it is sent: a base URL, or a signal's whole one.", "URL"),
    ("INSECURE", "false", "For gRPC endpoints without a scheme: no TLS.", "true or false"),
    ("HEADERS", "", "Sent with each export.", "name=value,…, percent-encoded"),
    ("TIMEOUT", "10000", "Time for one export with all its attempts.", "milliseconds"),
    ("COMPRESSION", "none", "Of the body.", "none, gzip or deflate"),
    ("CERTIFICATE", "", "Authorities to trust.", "path of a PEM file"),
    ("CLIENT_CERTIFICATE", "", "Certificate to show.", "path of a PEM file"),
    ("CLIENT_KEY", "", "Its private key.", "path of a PEM file"),
)

QUEUES = (
    ("MAX_QUEUE_SIZE", "2048", "Items that may wait for export.", "whole number"),
    ("MAX_EXPORT_BATCH_SIZE", "512", "Items in one export, at most the queue.", "whole number"),
    ("SCHEDULE_DELAY", "1000", "Time an item may wait for company.", "milliseconds"),
    ("EXPORT_TIMEOUT", "30000", "Time for one batch to leave.", "milliseconds"),
)

LIMITS = (
    ("ATTRIBUTE_COUNT", "128", "Attributes of anything."),
    ("ATTRIBUTE_VALUE_LENGTH", "", "Characters of an attribute's value."),
    ("SPAN_ATTRIBUTE_COUNT", "128", "Attributes of a span."),
    ("SPAN_ATTRIBUTE_VALUE_LENGTH", "", "Characters of a span attribute's value."),
    ("SPAN_EVENT_COUNT", "128", "Events of a span."),
    ("SPAN_LINK_COUNT", "128", "Links of a span."),
    ("EVENT_ATTRIBUTE_COUNT", "128", "Attributes of an event."),
    ("LINK_ATTRIBUTE_COUNT", "128", "Attributes of a link."),
    ("LOGRECORD_ATTRIBUTE_COUNT", "128", "Attributes of a log record."),
    ("LOGRECORD_ATTRIBUTE_VALUE_LENGTH", "", "Characters of a log attribute's value."),
)

CAPTURE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS"

INSTRUMENTATION = (
    ("OTEL_PYTHON_EXCLUDED_URLS", "", "URLs without a span, of every library."),
    ("OTEL_PYTHON_FASTAPI_EXCLUDED_URLS", "", "URLs without a server span, for engine `contrib`."),
    (f"{CAPTURE}_SERVER_REQUEST", "", "Request headers that become attributes of the server span."),
    (f"{CAPTURE}_SERVER_RESPONSE", "", "The same for the answer."),
    (f"{CAPTURE}_CLIENT_REQUEST", "", "The same for outgoing calls."),
    (f"{CAPTURE}_CLIENT_RESPONSE", "", "The same for their answers."),
    (f"{CAPTURE}_SANITIZE_FIELDS", "", "Captured headers whose values are masked."),
)

JUDGED_FOR_OTHERS = (
    *(
        (f"OTEL_PYTHON_{library}_EXCLUDED_URLS", "", "Judged for the instrumentation that reads it.", "patterns")
        for library in ("HTTPX", "REQUESTS", "URLLIB", "URLLIB3", "AIOHTTP_CLIENT", "STARLETTE")
    ),
    *(
        (f"OTEL_PYTHON_{part}", "", "Judged for OpenTelemetry's API, which loads it.", "name of an installed plugin")
        for part in ("CONTEXT", "TRACER_PROVIDER", "METER_PROVIDER", "LOGGER_PROVIDER")
    ),
    ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "", "More attributes of the service.", "names, comma-separated"),
    ("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "false", "The SDK's metrics of itself.", "true or false"),
)


def otel_reference() -> Iterator[SettingReference]:
    """
    Every `OTEL_*` variable that is read here, signal by signal where they differ.
    """
    for row in (*SERVICE, *TRACES, *METRICS, *JUDGED_FOR_OTHERS):
        yield SettingReference(*row)
    for signal in ("TRACES", "METRICS", "LOGS"):
        yield SettingReference(
            f"OTEL_{signal}_EXPORTER", "otlp", f"Where {signal.lower()} go.", "otlp, console or none, comma-separated"
        )
    for name, default, meaning, form in OTLP:
        yield SettingReference(f"OTEL_EXPORTER_OTLP_{name}", default, meaning, form)
        for signal in ("TRACES", "METRICS", "LOGS"):
            own = f"{meaning.rstrip('.')}, for {signal.lower()} alone."
            yield SettingReference(f"OTEL_EXPORTER_OTLP_{signal}_{name}", "the general one", own, form)
    for prefix, item in (("OTEL_BSP", "spans"), ("OTEL_BLRP", "log records")):
        for name, default, meaning, form in QUEUES:
            yield SettingReference(f"{prefix}_{name}", default, f"{meaning.rstrip('.')}, for {item}.", form)
    for name, default, meaning in LIMITS:
        yield SettingReference(f"OTEL_{name}_LIMIT", default, meaning, "whole number")
    for name, default, meaning in INSTRUMENTATION:
        yield SettingReference(name, default, meaning, "regular expressions, comma-separated")
