"""
The Todo backend: its documented metrics, log line and health, and its metric handles.

Application code records by `from otel_kit.profiles.todo import task_operations_total`. Where the documents name a
thing in words only, the name here is ours and follows Prometheus' conventions.
"""

from __future__ import annotations

from typing import Any

from otel_kit.ledger import Counter, Gauge, Histogram
from otel_kit.profiles import (
    KUBERNETES_PROBES,
    Field,
    HealthReport,
    HealthRoute,
    HealthRoutes,
    LogLayout,
    Profile,
    Reading,
    RequestMetric,
    Threshold,
    counted,
    with_events,
)
from otel_kit.profiles.readings import increase, mean, quantiles, rate, share

_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 30.0)
_QUERY_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BULK_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_BULK_SIZES = (1, 10, 50, 100, 500, 1000, 5000, 10000)

http_requests_total = Counter(
    "http_requests_total",
    "Requests answered, by method, route template and status code.",
    ["method", "endpoint", "status"],
    registry=None,
)
http_request_duration_seconds = Histogram(
    "http_request_duration_seconds",
    "Time from the request's arrival to the last byte of its answer.",
    ["method", "endpoint"],
    buckets=_REQUEST_BUCKETS,
    registry=None,
)
http_connections_active = Gauge(
    "http_connections_active", "Requests and websockets being served at the moment.", registry=None
)
db_query_duration_seconds = Histogram(
    "db_query_duration_seconds",
    "Time a database query took, by operation.",
    ["operation"],
    buckets=_QUERY_BUCKETS,
    registry=None,
)
db_connections_used = Gauge("db_connections_used", "Connections of the pool that are in use.", registry=None)
db_connections_idle = Gauge("db_connections_idle", "Connections of the pool that wait for use.", registry=None)
db_connections_limit = Gauge("db_connections_limit", "Connections that the pool may open.", registry=None)
db_connection_failures_total = Counter(
    "db_connection_failures_total", "Attempts to connect to the database that failed.", registry=None
)
queue_length = Gauge("queue_length", "Items that wait in a queue.", ["queue"], registry=None)
cache_hits_total = Counter("cache_hits_total", "Look-ups that a cache answered.", ["cache"], registry=None)
cache_misses_total = Counter("cache_misses_total", "Look-ups that a cache could not answer.", ["cache"], registry=None)
user_authentications_total = Counter(
    "user_authentications_total", "Log-ins; outcome is success or failure.", ["outcome"], registry=None
)
task_operations_total = Counter(
    "task_operations_total",
    "Operations on tasks; operation is create, read, update or delete.",
    ["operation"],
    registry=None,
)
data_exports_total = Counter(
    "data_exports_total", "Exports of data; outcome is success or failure.", ["outcome"], registry=None
)
data_imports_total = Counter(
    "data_imports_total", "Imports of data; outcome is success or failure.", ["outcome"], registry=None
)
bulk_operation_duration_seconds = Histogram(
    "bulk_operation_duration_seconds",
    "Time a bulk operation took.",
    ["operation"],
    buckets=_BULK_BUCKETS,
    registry=None,
)
bulk_operation_items = Histogram(
    "bulk_operation_items", "Items of one bulk operation.", ["operation"], buckets=_BULK_SIZES, registry=None
)
user_registrations_total = Counter("user_registrations_total", "New users.", registry=None)
active_users = Gauge(
    "active_users",
    "Users seen in the period, which is day, week or month.",
    ["period"],
    registry=None,
    multiprocess_mode="max",
)
feature_uses_total = Counter("feature_uses_total", "Uses of a feature.", ["feature"], registry=None)
maintenance_window_active = Gauge(
    "maintenance_window_active", "1 during a maintenance window, else 0.", registry=None, multiprocess_mode="max"
)
service_health_status = Gauge(
    "service_health_status",
    "Health of a declared service: 1 healthy, 0 not.",
    ["service_name"],
    registry=None,
    multiprocess_mode="min",
)

_REQUESTS = rate("http_requests_total")
_ERRORS = rate("http_requests_total", selector='status=~"5.."')


def _live(report: HealthReport) -> dict[str, Any]:
    return {"status": report.state, "timestamp": report.timestamp}


def _ready(report: HealthReport) -> dict[str, Any]:
    return {"status": report.state, "services": {check.name: check.healthy for check in report.checks}}


HEALTH = HealthRoutes(
    (
        HealthRoute("/health", "live", _live, limited=False),
        HealthRoute("/health/ready", "ready", _ready, tells_of=("database", "auth")),
        *KUBERNETES_PROBES,
    )
)

PROFILE = Profile(
    name="todo",
    metrics=(
        http_requests_total,
        http_request_duration_seconds,
        http_connections_active,
        db_query_duration_seconds,
        db_connections_used,
        db_connections_idle,
        db_connections_limit,
        db_connection_failures_total,
        queue_length,
        cache_hits_total,
        cache_misses_total,
        user_authentications_total,
        task_operations_total,
        data_exports_total,
        data_imports_total,
        bulk_operation_duration_seconds,
        bulk_operation_items,
        user_registrations_total,
        active_users,
        feature_uses_total,
        maintenance_window_active,
        service_health_status,
    ),
    requests=(
        RequestMetric("total", http_requests_total, {"method": "method", "endpoint": "route", "status": "status"}),
        RequestMetric("duration", http_request_duration_seconds, {"method": "method", "endpoint": "route"}),
        RequestMetric("in_progress", http_connections_active),
    ),
    layout=LogLayout(
        fields=(
            Field("timestamp", "timestamp"),
            Field("level", "level"),
            Field("message", "message"),
            Field("request_id", "correlation_id"),
            Field("correlation_id", "correlation_id"),
            Field("user_id", "user", caller=True),
            Field("endpoint", "route", caller=True),
            Field("response_time", "duration_ms", on="request", caller=True),
            Field("error", "error", caller=True),
            Field("logger", "logger"),
            Field("method", "method", on="request"),
            Field("path", "path", on="request"),
            Field("status", "status_code", on="request"),
        ),
        exception_key="stack_trace",
        unmatched="unmatched",
    ),
    quiet=("/health", "/readyz", "/startupz"),
    health=HEALTH,
    health_gauge=service_health_status,
    events=with_events(counted("failed_login", user_authentications_total, outcome="failure")),
    readings=(
        Reading("response time p50, p90, p95, p99", quantiles("http_request_duration_seconds", 50, 90, 95, 99)),
        Reading("mean response time", {"": mean("http_request_duration_seconds")}),
        Reading("request rate", {"": _REQUESTS}),
        Reading("error rate", {"": share(_ERRORS, _REQUESTS)}),
        Reading("active connections", {"": "sum(http_connections_active)"}),
        Reading("database query duration", {"mean": mean("db_query_duration_seconds", "operation")}),
        Reading(
            "connection pool used/idle/limit",
            {
                "used": "sum(db_connections_used)",
                "idle": "sum(db_connections_idle)",
                "limit": "sum(db_connections_limit)",
            },
        ),
        Reading(
            "process memory and CPU",
            {"memory": "process_resident_memory_bytes", "CPU": rate("process_cpu_seconds_total")},
        ),
        Reading("memory in MB", {"": "process_resident_memory_bytes / 1e6"}),
        Reading("queue length", {"": "sum by (queue) (queue_length)"}),
        Reading(
            "cache hits and misses",
            {"hits": rate("cache_hits_total", "cache"), "misses": rate("cache_misses_total", "cache")},
        ),
        Reading("user authentications by outcome", {"": rate("user_authentications_total", "outcome")}),
        Reading("task operations by create/read/update/delete", {"": rate("task_operations_total", "operation")}),
        Reading(
            "export and import by outcome",
            {"export": rate("data_exports_total", "outcome"), "import": rate("data_imports_total", "outcome")},
        ),
        Reading(
            "bulk operation duration and size",
            {
                "duration": mean("bulk_operation_duration_seconds", "operation"),
                "size": mean("bulk_operation_items", "operation"),
            },
        ),
        Reading("API rate limit hits", {"": rate("otel_kit_ratelimit_decisions_total", selector='outcome="refused"')}),
        Reading("database connection failures", {"": increase("db_connection_failures_total", window="5m")}),
        Reading("authentication service up or down", {"": 'min(service_health_status{service_name="auth"})'}),
        Reading(
            "rate limit utilisation (share of the limit in use)",
            {"": "max by (policy) (otel_kit_ratelimit_utilization_ratio)"},
        ),
        Reading(
            "requests that bypassed the limiter",
            {"": rate("otel_kit_ratelimit_decisions_total", "outcome", 'outcome=~"off|shadow|exempt|failed"')},
        ),
        Reading("registrations", {"": increase("user_registrations_total")}),
        Reading("active users", {"": "max by (period) (active_users)"}),
        Reading("feature use", {"": increase("feature_uses_total", "feature")}),
        Reading("API use by endpoint", {"": increase("http_requests_total", "endpoint")}),
        Reading("maintenance windows", {"": "max(maintenance_window_active)"}),
        Reading("requests in a minute", {"": f"60 * {_REQUESTS}"}),
    ),
    thresholds=(
        Threshold("p95_ms", "response time p50, p90, p95, p99", target=0.5, legend="p95"),
        Threshold("mean_ms", "mean response time", target=0.2),
        Threshold("error_rate", "error rate", target=0.001),
        Threshold("throughput_per_min", "requests in a minute", target=1000, at_least=True),
        Threshold("memory_mb", "memory in MB", target=512),
    ),
)
