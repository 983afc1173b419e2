"""
The SDK's own variables: sampler, queues, limits, metric reader, propagators, resource.

Owns their defaults and bounds. The SDK reads several of them itself while it is imported and
raises for a bad one, so this runs before.
"""

from __future__ import annotations

from typing import cast

from otel_kit.environment.model import (
    Aggregation,
    AttributeLimits,
    ExemplarFilter,
    Instrumentation,
    QueueLimits,
    Temporality,
)
from otel_kit.environment.pairs import parse_attributes
from otel_kit.environment.reader import EnvironmentReader, is_installed

__all__ = [
    "read_instrumentation",
    "read_limits",
    "read_log_level",
    "read_metric_reader",
    "read_plugins",
    "read_propagators",
    "read_queue",
    "read_resource",
    "read_sampler",
]

SAMPLERS = (
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
)
RATIO_SAMPLERS = ("traceidratio", "parentbased_traceidratio")
DEFAULT_COUNT_LIMIT = 128

LOG_LEVELS = {
    "trace": "DEBUG",
    "debug": "DEBUG",
    "info": "INFO",
    "warn": "WARNING",
    "warning": "WARNING",
    "error": "ERROR",
    "fatal": "CRITICAL",
    "critical": "CRITICAL",
    "none": "CRITICAL",
}
"""
Words of `OTEL_LOG_LEVEL` and the level of `logging` each stands for.
"""

SEMCONV_ITEMS = (
    "http",
    "http/dup",
    "database",
    "database/dup",
    "messaging",
    "messaging/dup",
    "rpc",
    "rpc/dup",
    "code",
    "code/dup",
    "k8s",
    "k8s/dup",
    "gen_ai_latest_experimental",
)

PROVIDER_GROUPS = {
    "OTEL_PYTHON_TRACER_PROVIDER": "opentelemetry_tracer_provider",
    "OTEL_PYTHON_METER_PROVIDER": "opentelemetry_meter_provider",
    "OTEL_PYTHON_LOGGER_PROVIDER": "opentelemetry_logger_provider",
}
"""
Variables with which the API loads a provider of somebody else's, and raises where there is none.
"""


def read_sampler(reader: EnvironmentReader) -> tuple[str, float | None, str | None]:
    """
    The sampler's name, its ratio, and its argument as written.
    """
    default = "parentbased_always_on"
    name = reader.text("OTEL_TRACES_SAMPLER")
    if name is not None and name.lower() not in SAMPLERS:
        if is_installed("opentelemetry_traces_sampler", name):
            return name, None, reader.text("OTEL_TRACES_SAMPLER_ARG")
        reader.refuse("OTEL_TRACES_SAMPLER", "is not a known sampler", f"use one of {', '.join(SAMPLERS)}")
        name = None
    sampler = (name or default).lower()
    ratio = reader.ratio("OTEL_TRACES_SAMPLER_ARG")
    return sampler, ratio if sampler in RATIO_SAMPLERS else None, None


def read_queue(reader: EnvironmentReader, prefix: str) -> QueueLimits:
    """
    Bounds of one queue; `prefix` is `OTEL_BSP` for spans and `OTEL_BLRP` for log records.
    """
    queue_variable, batch_variable = f"{prefix}_MAX_QUEUE_SIZE", f"{prefix}_MAX_EXPORT_BATCH_SIZE"
    default = QueueLimits()
    items = reader.integer(queue_variable, minimum=1)
    batch = reader.integer(batch_variable, minimum=1)
    delay = reader.milliseconds(f"{prefix}_SCHEDULE_DELAY")
    timeout = reader.milliseconds(f"{prefix}_EXPORT_TIMEOUT")
    if batch is not None and batch > (items or default.max_items):
        # either may be the mistyped one, so neither counts
        reader.refuse(batch_variable, "is larger than the queue", f"keep it at or below {queue_variable}")
        reader.environ.pop(queue_variable, None)
        items = batch = None
    max_items = items or default.max_items
    return QueueLimits(
        max_items=max_items,
        batch_items=batch or min(default.batch_items, max_items),
        delay_seconds=delay or default.delay_seconds,
        timeout_seconds=timeout or default.timeout_seconds,
    )


def read_limits(reader: EnvironmentReader) -> AttributeLimits:
    """
    Limits of spans and log records: the specific one, then the general one, then the default.
    """

    def limit(name: str, fallback: int | None) -> int | None:
        number = reader.integer(f"OTEL_{name}_LIMIT")
        return fallback if number is None else number

    count = limit("ATTRIBUTE_COUNT", DEFAULT_COUNT_LIMIT)
    length = limit("ATTRIBUTE_VALUE_LENGTH", None)
    return AttributeLimits(
        attribute_count_limit=count,
        attribute_value_length_limit=length,
        span_attribute_count_limit=limit("SPAN_ATTRIBUTE_COUNT", count),
        span_attribute_value_length_limit=limit("SPAN_ATTRIBUTE_VALUE_LENGTH", length),
        span_event_count_limit=limit("SPAN_EVENT_COUNT", DEFAULT_COUNT_LIMIT),
        span_link_count_limit=limit("SPAN_LINK_COUNT", DEFAULT_COUNT_LIMIT),
        event_attribute_count_limit=limit("EVENT_ATTRIBUTE_COUNT", count),
        link_attribute_count_limit=limit("LINK_ATTRIBUTE_COUNT", count),
        log_attribute_count_limit=limit("LOGRECORD_ATTRIBUTE_COUNT", count),
        log_attribute_value_length_limit=limit("LOGRECORD_ATTRIBUTE_VALUE_LENGTH", length),
    )


def read_metric_reader(reader: EnvironmentReader) -> tuple[float, float]:
    """
    Seconds between two exports of metrics, and seconds for one.
    """
    interval = reader.milliseconds("OTEL_METRIC_EXPORT_INTERVAL") or 60.0
    timeout = reader.milliseconds("OTEL_METRIC_EXPORT_TIMEOUT")
    return interval, timeout or min(30.0, interval)


def read_metric_shape(reader: EnvironmentReader) -> tuple[Temporality, Aggregation, ExemplarFilter]:
    """
    How metrics are added up and which measurements become exemplars.
    """
    prefix = "OTEL_EXPORTER_OTLP_METRICS"
    temporality = reader.choice(f"{prefix}_TEMPORALITY_PREFERENCE", ("cumulative", "delta", "lowmemory"))
    aggregation = reader.choice(
        f"{prefix}_DEFAULT_HISTOGRAM_AGGREGATION", ("explicit_bucket_histogram", "base2_exponential_bucket_histogram")
    )
    exemplars = reader.choice("OTEL_METRICS_EXEMPLAR_FILTER", ("trace_based", "always_on", "always_off"))
    return (
        cast(Temporality, temporality or "cumulative"),
        cast(Aggregation, aggregation or "explicit_bucket_histogram"),
        cast(ExemplarFilter, exemplars or "trace_based"),
    )


def read_resource(reader: EnvironmentReader) -> tuple[str | None, dict[str, str]]:
    """
    The service's name, where one was given, and the resource attributes.
    """
    variable = "OTEL_RESOURCE_ATTRIBUTES"
    value = reader.text(variable)
    attributes = {} if value is None else parse_attributes(value)
    if attributes is None:
        reader.refuse(variable, "is not a list of attributes", "write key=value,key=value, percent-encoded UTF-8")
        attributes = {}
    return reader.text("OTEL_SERVICE_NAME") or attributes.get("service.name") or None, attributes


def read_propagators(reader: EnvironmentReader) -> tuple[str, ...]:
    """
    Names of propagators. A bad one stays in the environment: it stops `import fastapi` itself, so whoever
    gets here with one only wants to hear of it.
    """
    variable, default = "OTEL_PROPAGATORS", ("tracecontext", "baggage")
    names = tuple(dict.fromkeys(reader.items(variable)))
    if "none" in (name.lower() for name in names):
        return ()
    bad = [name for name in names if name not in default and not is_installed("opentelemetry_propagator", name)]
    if bad:
        reader.note(variable, "names propagators that are not installed", "use tracecontext, baggage or none", True)
        return default
    return names or default


def read_plugins(reader: EnvironmentReader) -> str:
    """
    Judge the names of pluggable parts; what you get is the id generator's.
    """
    reader.plugin("OTEL_PYTHON_CONTEXT", "opentelemetry_context", removable=False)
    for variable, group in PROVIDER_GROUPS.items():
        reader.plugin(variable, group)
    reader.known_items("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", ("*", "otel"), "opentelemetry_resource_detector")
    return reader.plugin("OTEL_PYTHON_ID_GENERATOR", "opentelemetry_id_generator", ("random",)) or "random"


def read_log_level(reader: EnvironmentReader) -> str | None:
    """
    The level of OpenTelemetry's own loggers, as `logging` names it.
    """
    level = reader.choice("OTEL_LOG_LEVEL", tuple(LOG_LEVELS))
    return None if level is None else LOG_LEVELS[level]


def read_instrumentation(reader: EnvironmentReader) -> Instrumentation:
    """
    What is asked of instrumentations; those of clients are judged too, since a bad pattern stops their import.
    """
    for library in ("HTTPX", "REQUESTS", "URLLIB", "URLLIB3", "AIOHTTP_CLIENT", "STARLETTE"):
        reader.patterns(f"OTEL_PYTHON_{library}_EXCLUDED_URLS")
    everywhere = reader.patterns("OTEL_PYTHON_EXCLUDED_URLS")
    headers = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS"
    for side in ("CLIENT_REQUEST", "CLIENT_RESPONSE"):
        reader.patterns(f"{headers}_{side}")
    return Instrumentation(
        excluded_urls=reader.patterns("OTEL_PYTHON_FASTAPI_EXCLUDED_URLS") or everywhere,
        captured_request_headers=reader.patterns(f"{headers}_SERVER_REQUEST"),
        captured_response_headers=reader.patterns(f"{headers}_SERVER_RESPONSE"),
        sanitized_headers=reader.patterns(f"{headers}_SANITIZE_FIELDS"),
        semconv_opt_in=reader.known_items("OTEL_SEMCONV_STABILITY_OPT_IN", SEMCONV_ITEMS),
    )
