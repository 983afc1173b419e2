"""
`OTEL_*`, judged before the SDK is imported.

Owns one call, `read_otel_environment`: it turns the variables into values, notes each that
can't be used, and takes the bad ones out of the environment, because `import
opentelemetry.sdk.trace` raises for some of them. Nothing here imports the SDK.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from dataclasses import asdict

from otel_kit.environment.envfile import ENV_FILE, EnvFile, adopt_env_file, read_env_file
from otel_kit.environment.findings import MASK, Finding
from otel_kit.environment.model import (
    AttributeLimits,
    Instrumentation,
    OtelEnvironment,
    QueueLimits,
    Signal,
    SignalName,
)
from otel_kit.environment.names import fallback_service_name
from otel_kit.environment.otlp import read_signal
from otel_kit.environment.reader import EnvironmentReader
from otel_kit.environment.sdk import (
    read_instrumentation,
    read_limits,
    read_log_level,
    read_metric_reader,
    read_metric_shape,
    read_plugins,
    read_propagators,
    read_queue,
    read_resource,
    read_sampler,
)

__all__ = [
    "ENV_FILE",
    "MASK",
    "AttributeLimits",
    "Finding",
    "Instrumentation",
    "OtelEnvironment",
    "QueueLimits",
    "Signal",
    "SignalName",
    "fallback_service_name",
    "read_env_file",
    "read_otel_environment",
]


def read_otel_environment(
    environ: MutableMapping[str, str] = os.environ, *, env_file: EnvFile = None
) -> OtelEnvironment:
    """
    Every `OTEL_*` variable the kit acts on, with what was wrong in `findings`.

    A bad value counts as unset and is removed from `environ`, so a second call finds nothing to
    complain about. `OTEL_PROPAGATORS` and `OTEL_PYTHON_CONTEXT` stay: they fail `import fastapi`.

    Args:
        env_file: A file such as `.env` whose `OTEL_*` are put into `environ` where it has none; None reads no file.
    """
    adopt_env_file(environ, env_file)
    return read_from(EnvironmentReader(environ))


def read_from(reader: EnvironmentReader) -> OtelEnvironment:
    """
    The same from a reader of the caller's, whose `variables_read` tells afterwards what was looked at.
    """
    if reader.text("OTEL_CONFIG_FILE"):
        reader.note("OTEL_CONFIG_FILE", "is not read by otel_kit", "use the variables", ignored=True)
    reader.flag("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED")
    service_name, resource_attributes = read_resource(reader)
    sampler, sampler_argument, sampler_argument_text = read_sampler(reader)
    temporality, aggregation, exemplar_filter = read_metric_shape(reader)
    interval, timeout = read_metric_reader(reader)
    return OtelEnvironment(
        **asdict(read_limits(reader)),
        disabled=reader.flag("OTEL_SDK_DISABLED"),
        service_name=service_name,
        resource_attributes=resource_attributes,
        traces=read_signal(reader, "traces"),
        metrics=read_signal(reader, "metrics"),
        logs=read_signal(reader, "logs"),
        sampler=sampler,
        sampler_argument=sampler_argument,
        sampler_argument_text=sampler_argument_text,
        propagators=read_propagators(reader),
        span_queue=read_queue(reader, "OTEL_BSP"),
        log_queue=read_queue(reader, "OTEL_BLRP"),
        metric_interval_seconds=interval,
        metric_timeout_seconds=timeout,
        temporality=temporality,
        histogram_aggregation=aggregation,
        exemplar_filter=exemplar_filter,
        id_generator=read_plugins(reader),
        log_level=read_log_level(reader),
        instrumentation=read_instrumentation(reader),
        findings=tuple(reader.findings),
    )
