"""
Which variable picks which file.

Owns the tables of backends, overlays and ports, in the order in which files are loaded. Knows no values.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BACKENDS", "BASE_FILES", "IN_QUOTES", "OPTIONAL_BY_DEFAULT", "OVERLAYS", "PORTS", "Row", "known_variables"]


class Row(NamedTuple):
    """
    One file and its variables.
    """

    name: str
    """The file's name without its ending."""

    variable: str
    """Picks the file when it is set."""

    more: tuple[str, ...] = ()
    """Read by the file too; without the first they pick nothing."""


BASE_FILES = ("base", "redaction")
"""
Always loaded.
"""

BACKENDS = (
    Row("loki", "LOKI_ENDPOINT"),
    Row("tempo", "TEMPO_OTLP_ENDPOINT"),
    Row("jaeger", "JAEGER_OTLP_ENDPOINT"),
    Row("prometheus", "PROMETHEUS_ENDPOINT", ("OTEL_KIT_PROMETHEUS_APP_METRICS",)),
    Row("datadog", "DD_API_KEY", ("DD_SITE", "DD_OTLP_ENDPOINT")),
    Row("elasticsearch", "ELASTICSEARCH_OTLP_ENDPOINT", ("ELASTICSEARCH_API_KEY",)),
    Row(
        "cloudwatch",
        "CLOUDWATCH_LOG_GROUP",
        ("CLOUDWATCH_LOG_STREAM", *(f"CLOUDWATCH_{signal}_ENDPOINT" for signal in ("LOGS", "TRACES", "METRICS"))),
    ),
    Row("otlp", "OTLP_FORWARD_ENDPOINT", ("OTLP_FORWARD_HEADERS",)),
    Row("file", "OTEL_KIT_FILE_DIR"),
)
"""
In the order in which they are loaded.
"""

OVERLAYS = (
    Row("token", "OTEL_KIT_COLLECTOR_TOKEN"),
    Row("tls", "OTEL_KIT_COLLECTOR_TLS_CERT", ("OTEL_KIT_COLLECTOR_TLS_KEY",)),
    Row("mtls", "OTEL_KIT_COLLECTOR_TLS_CLIENT_CA"),
    Row(
        "browser",
        "OTEL_KIT_COLLECTOR_BROWSER_ORIGINS",
        ("OTEL_KIT_COLLECTOR_BROWSER_PORT", "OTEL_KIT_COLLECTOR_BROWSER_SERVICES"),
    ),
    Row(
        "sampling",
        "OTEL_KIT_COLLECTOR_SAMPLING",
        tuple(
            f"OTEL_KIT_COLLECTOR_SAMPLING_{name}"
            for name in ("KEEP_ROUTES", "QUIET_ROUTES", "SLOW_MS", "TRACES", "WAIT")
        ),
    ),
    Row("files", "OTEL_KIT_COLLECTOR_FILES"),
    Row("host", "OTEL_KIT_COLLECTOR_HOST"),
    Row("gateway", "OTEL_KIT_COLLECTOR_GATEWAYS"),
)
"""
In the order in which they are loaded, after the backends.
"""

IN_QUOTES = {
    "browser": ("ENVIRONMENT",),
    "files": ("ENVIRONMENT", "APP_VERSION", "OTEL_SERVICE_NAME"),
    "host": ("HOSTNAME",),
}
"""
Overlay -> the variables that stand between quotes in it.
"""

PORTS = {
    "OTEL_KIT_GRPC_PORT": 4317,
    "OTEL_KIT_HTTP_PORT": 4318,
    "OTEL_KIT_HEALTH_PORT": 13133,
    "OTEL_KIT_SELF_PORT": 8888,
}
"""
Where the Collector listens, always on loopback.
"""

OPTIONAL_BY_DEFAULT = ("jaeger", "file")
"""
Backends that may lose data rather than refuse it.
"""

_ALONE = (
    "OTEL_KIT_COLLECTOR_BINARY",
    "OTEL_KIT_COLLECTOR_OPTIONAL",
    "OTEL_KIT_COLLECTOR_MEMORY_MIB",
    "OTEL_KIT_QUEUE_DIR",
    "AWS_REGION",
)


def known_variables() -> frozenset[str]:
    """
    Every variable that the Collector's files or this launcher read.
    """
    of_rows = (name for row in (*BACKENDS, *OVERLAYS) for name in (row.variable, *row.more))
    return frozenset((*of_rows, *PORTS, *_ALONE))
