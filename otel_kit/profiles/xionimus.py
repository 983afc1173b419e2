"""
The Xionimus AI backend: its documented metrics, log line and health, and its metric handles.

The five metrics of requests are those of prometheus-fastapi-instrumentator by their names, labels and buckets, so a
dashboard made for them works. The other names are ours, for what the documents name in words.
"""

from __future__ import annotations

from typing import Any

from otel_kit.ledger import Counter, Gauge, Histogram, Summary
from otel_kit.profiles import (
    KUBERNETES_PROBES,
    CheckReport,
    Field,
    HealthReport,
    HealthRoute,
    HealthRoutes,
    LogLayout,
    Profile,
    Reading,
    RequestMetric,
    Threshold,
)
from otel_kit.profiles.readings import increase, mean, quantiles, rate, share

_HIGH_RESOLUTION = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60,
)  # fmt: skip
_PROVIDER_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0)

http_requests_total = Counter(
    "http_requests_total",
    "Total number of requests by method, status and handler.",
    ["method", "status", "handler"],
    registry=None,
)
http_request_size_bytes = Summary(
    "http_request_size_bytes",
    "Content length of requests by handler, as their header says; 0 without.",
    ["handler"],
    registry=None,
)
http_response_size_bytes = Summary(
    "http_response_size_bytes",
    "Content length of answers by handler, as their header says; 0 without.",
    ["handler"],
    registry=None,
)
http_request_duration_highr_seconds = Histogram(
    "http_request_duration_highr_seconds",
    "Time from the request's arrival to the last byte of its answer, in many buckets and without labels.",
    buckets=_HIGH_RESOLUTION,
    registry=None,
)
http_request_duration_seconds = Histogram(
    "http_request_duration_seconds",
    "Time from the request's arrival to the last byte of its answer, by method and handler, in few buckets.",
    ["method", "handler"],
    buckets=(0.1, 0.5, 1),
    registry=None,
)
http_connections_active = Gauge(
    "http_connections_active", "Requests and websockets being served at the moment.", registry=None
)
application_errors_total = Counter(
    "application_errors_total",
    "Requests that failed: an unhandled exception, by its class, or a status from 500, by that status.",
    ["error_type"],
    registry=None,
)
db_connections_used = Gauge("db_connections_used", "Connections of the pool that are in use.", registry=None)
db_connections_idle = Gauge("db_connections_idle", "Connections of the pool that wait for use.", registry=None)
db_connections_limit = Gauge("db_connections_limit", "Connections that the pool may open.", registry=None)
db_connection_failures_total = Counter(
    "db_connection_failures_total", "Attempts to connect to the database that failed.", registry=None
)
cache_hits_total = Counter("cache_hits_total", "Look-ups that a cache answered.", ["cache"], registry=None)
cache_misses_total = Counter("cache_misses_total", "Look-ups that a cache could not answer.", ["cache"], registry=None)
ai_provider_calls_total = Counter(
    "ai_provider_calls_total", "Calls of AI providers, by provider and model.", ["provider", "model"], registry=None
)
ai_provider_response_seconds = Histogram(
    "ai_provider_response_seconds",
    "Time an AI provider took to answer.",
    ["provider"],
    buckets=_PROVIDER_BUCKETS,
    registry=None,
)
chat_sessions_active = Gauge("chat_sessions_active", "Chat sessions that are open.", registry=None)
chat_messages_sent_total = Counter("chat_messages_sent_total", "Chat messages sent.", registry=None)
active_users = Gauge(
    "active_users",
    "Users seen in the period, which is day, week or month.",
    ["period"],
    registry=None,
    multiprocess_mode="max",
)
returning_users = Gauge(
    "returning_users",
    "Users seen in the period and in the one before it.",
    ["period"],
    registry=None,
    multiprocess_mode="max",
)
user_registrations_total = Counter("user_registrations_total", "New users.", registry=None)
service_health_status = Gauge(
    "service_health_status",
    "Health of a declared service: 1 healthy, 0 not.",
    ["service_name"],
    registry=None,
    multiprocess_mode="min",
)
service_status = Gauge(
    "service_status",
    "State of the whole service: 1 for the one of healthy, limited and degraded that holds, 0 for the others.",
    ["status"],
    registry=None,
    multiprocess_mode="max",
)

_REQUESTS = rate("http_requests_total")


def _state(report: HealthReport) -> str:
    database = report.check("database")
    if report.status == "unhealthy" or (database and not database.healthy):
        return "degraded"
    return "healthy" if any(report.providers.values()) else "limited"


def _document(report: HealthReport) -> dict[str, Any]:
    facts, memory, providers = report.facts, report.facts.memory, report.providers
    return {
        "status": report.state,
        "version": facts.version or "2.0.0",
        "platform": "Xionimus AI",
        "timestamp": report.timestamp,
        "uptime_seconds": int(report.uptime_seconds),
        "services": {
            # not "connected", which nobody has seen, and no failure either
            "database": {"status": "unknown", "type": "unknown", "error": "not checked: no check is called database"},
            **{check.name: _connection(check) for check in report.checks},
            "ai_providers": {"configured": sum(providers.values()), "total": len(providers), "status": providers},
        },
        "system": {
            "memory_used_percent": memory and memory.used_percent,
            "memory_available_mb": memory and memory.available_mb,
        },
        "environment": {"debug": facts.debug, "log_level": facts.log_level},
    }


def _connection(check: CheckReport) -> dict[str, Any]:
    status = "connected" if check.healthy else "error"
    error = None if check.healthy else check.error or "unavailable"
    return {"status": status, "type": check.type or "unknown", "error": error}


HEALTH = HealthRoutes(
    (
        HealthRoute(
            "/api/health",
            "all",
            _document,
            state=_state,
            statuses={"healthy": 200, "limited": 200, "degraded": "by setting"},
            asks_providers=True,
            tells_of=("database",),
            own_names=("ai_providers",),
            limited=False,
        ),
        *KUBERNETES_PROBES,
    )
)

PROFILE = Profile(
    name="xionimus",
    metrics=(
        http_requests_total,
        http_request_size_bytes,
        http_response_size_bytes,
        http_request_duration_highr_seconds,
        http_request_duration_seconds,
        http_connections_active,
        application_errors_total,
        db_connections_used,
        db_connections_idle,
        db_connections_limit,
        db_connection_failures_total,
        cache_hits_total,
        cache_misses_total,
        ai_provider_calls_total,
        ai_provider_response_seconds,
        chat_sessions_active,
        chat_messages_sent_total,
        active_users,
        returning_users,
        user_registrations_total,
        service_health_status,
        service_status,
    ),
    requests=(
        RequestMetric(
            "total",
            http_requests_total,
            {"method": "method", "status": "status_class", "handler": "route"},
            websockets=False,
        ),
        RequestMetric("request_size", http_request_size_bytes, {"handler": "route"}),
        RequestMetric("response_size", http_response_size_bytes, {"handler": "route"}),
        RequestMetric("duration", http_request_duration_highr_seconds),
        RequestMetric("duration", http_request_duration_seconds, {"method": "method", "handler": "route"}),
        RequestMetric("in_progress", http_connections_active),
        RequestMetric("errors", application_errors_total, {"error_type": "error_type"}),
    ),
    unmatched="none",
    layout=LogLayout(
        fields=(
            Field("timestamp", "timestamp"),
            Field("level", "level"),
            Field("logger", "logger"),
            Field("message", "message"),
            Field("module", "module"),
            Field("function", "function"),
            Field("line", "line"),
            Field("correlation_id", "correlation_id"),
            Field("user_id", "user", caller=True),
            Field("provider"),
            Field("model"),
            Field("duration_ms", "duration_ms", on="request", caller=True),
            Field("method", "method", on="request"),
            Field("path", "path", on="request"),
            Field("status_code", "status_code", on="request"),
            Field("client", "client", on="request"),
        ),
        timestamp="seconds",
    ),
    quiet=("/api/health", "/readyz", "/startupz"),
    health=HEALTH,
    health_gauge=service_health_status,
    status_gauge=service_status,
    environment={"ENABLE_JSON_LOGGING": "", "SENTRY_DSN": "", "ENVIRONMENT": "development"},
    readings=(
        Reading(
            "request count and duration", {"count": _REQUESTS, "mean": mean("http_request_duration_highr_seconds")}
        ),
        Reading(
            "database connection pool usage",
            {
                "used": "sum(db_connections_used)",
                "idle": "sum(db_connections_idle)",
                "limit": "sum(db_connections_limit)",
            },
        ),
        Reading("memory usage", {"": "process_resident_memory_bytes"}),
        Reading("AI provider response times", quantiles("ai_provider_response_seconds", 50, 95, 99, by="provider")),
        Reading("requests per second", {"": _REQUESTS}),
        Reading("P50, P95, P99 latency", quantiles("http_request_duration_highr_seconds", 50, 95, 99)),
        Reading(
            "4xx and 5xx errors",
            {
                "4xx": rate("http_requests_total", selector='status="4xx"'),
                "5xx": rate("http_requests_total", selector='status="5xx"'),
            },
        ),
        Reading("error rate", {"": share(rate("http_requests_total", selector='status="5xx"'), _REQUESTS)}),
        Reading("concurrent users", {"": "sum(http_connections_active)"}),
        Reading("CPU usage", {"": rate("process_cpu_seconds_total")}),
        Reading("CPU in percent", {"": "100 * rate(process_cpu_seconds_total[5m]) / otel_kit_cpu_limit_cores"}),
        Reading("memory usage (leaks seen as growth)", {"": "deriv(process_resident_memory_bytes[1h])"}),
        Reading("active chat sessions", {"": "sum(chat_sessions_active)"}),
        Reading("messages sent (per day)", {"": increase("chat_messages_sent_total")}),
        Reading("calls per AI provider", {"": rate("ai_provider_calls_total", "provider")}),
        Reading(
            "errors by type (most common)", {"": f"topk(10, {increase('application_errors_total', 'error_type')})"}
        ),
        Reading("health status", {"": "max by (status) (service_status)"}),
        Reading("database connection failures", {"": increase("db_connection_failures_total", window="5m")}),
        Reading(
            "cache hits and misses",
            {"hits": rate("cache_hits_total", "cache"), "misses": rate("cache_misses_total", "cache")},
        ),
        Reading("restarts", {"": "changes(process_start_time_seconds[1h])"}),
        Reading("AI calls by model", {"": increase("ai_provider_calls_total", "model")}),
        Reading("active users by day", {"": 'max(active_users{period="day"})'}),
        Reading("returning users", {"": "max by (period) (returning_users)"}),
        Reading("registrations", {"": increase("user_registrations_total")}),
        Reading("rate limit hits", {"": rate("otel_kit_ratelimit_decisions_total", selector='outcome="refused"')}),
    ),
    thresholds=(
        Threshold("cpu_percent", "CPU in percent", warning=80),
        Threshold("p95_s", "P50, P95, P99 latency", warning=2, legend="p95"),
    ),
)
