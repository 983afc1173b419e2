"""
The Platform API: its documented metrics, log line and health, and its metric handles.

Documented in TypeScript for tRPC and pino; served from Python under the same names and forms. Application code
records by `from otel_kit.profiles.platform import ai_tokens_used_total`.
"""

from __future__ import annotations

from typing import Any

from otel_kit.ledger import Counter, Gauge, Histogram
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
    Share,
    Threshold,
    counted,
    with_events,
)
from otel_kit.profiles.readings import increase, mean, quantiles, rate, share

_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0)
_MILLISECONDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)

api_requests_total = Counter(
    "api_requests_total", "Requests answered, by method and route template.", ["method", "path"], registry=None
)
api_request_duration_seconds = Histogram(
    "api_request_duration_seconds",
    "Time from the request's arrival to the last byte of its answer.",
    ["method", "path"],
    buckets=_REQUEST_BUCKETS,
    extremes=True,
    registry=None,
)
api_request_errors_total = Counter(
    "api_request_errors_total",
    "Requests that failed: an unhandled exception, or a status from 500.",
    ["method", "path"],
    registry=None,
)
db_query_duration_ms = Histogram(
    "db_query_duration_ms",
    "Time a database query took, in milliseconds.",
    buckets=_MILLISECONDS,
    extremes=True,
    registry=None,
)
db_connections_active = Gauge("db_connections_active", "Connections of the pool that are in use.", registry=None)
db_connections_idle = Gauge("db_connections_idle", "Connections of the pool that wait for use.", registry=None)
rls_context_set_duration_ms = Histogram(
    "rls_context_set_duration_ms",
    "Time to set the tenant context for row-level security, in milliseconds.",
    buckets=_MILLISECONDS,
    extremes=True,
    registry=None,
)
rls_violations_total = Counter("rls_violations_total", "Violations of a row-level security policy.", registry=None)
ai_tokens_used_total = Counter("ai_tokens_used_total", "Tokens used by AI models.", registry=None)
ai_cost_usd_total = Counter("ai_cost_usd_total", "Cost of AI models in US dollars.", registry=None)
embedding_tokens_used_total = Counter("embedding_tokens_used_total", "Tokens used by embeddings.", registry=None)
errors_total = Counter("errors_total", "Errors of any kind.", registry=None)
error_rate = Gauge("error_rate", "Failed requests in percent of all, over the last five minutes.", registry=None)

_REQUESTS = rate("api_requests_total")


def _events(names: str) -> str:
    return rate("otel_kit_security_events_total", selector=f'event=~"{names}"')


def _check(report: HealthReport) -> dict[str, Any]:
    facts = report.facts
    return {
        "status": report.state,
        "timestamp": report.timestamp,
        "uptime": int(report.uptime_seconds),
        "version": facts.version or "0.0.0",
        "environment": facts.environment,
        "checks": {check.name: _outcome(check) for check in report.checks},
    }


def _outcome(check: CheckReport) -> dict[str, Any]:
    document = {"status": "healthy" if check.healthy else "unhealthy", "latencyMs": check.latency_ms}
    return document if check.error is None else {**document, "error": check.error}


def _live(report: HealthReport) -> dict[str, Any]:
    return {"status": "alive", "timestamp": report.timestamp}


def _ready(report: HealthReport) -> dict[str, Any]:
    checks = {check.name: check.healthy for check in report.checks}
    return {"status": report.state, "timestamp": report.timestamp, "checks": checks}


def _measured(report: HealthReport) -> Any:
    return report.metrics


HEALTH = HealthRoutes(
    (
        HealthRoute("/trpc/health.check", "all", _check, form="trpc", limited=False),
        HealthRoute("/trpc/health.liveness", "live", _live, form="trpc", limited=False),
        HealthRoute("/trpc/health.readiness", "ready", _ready, form="trpc"),
        HealthRoute("/trpc/health.metrics", "metrics", _measured, form="trpc", limited=False),
        *KUBERNETES_PROBES,
    )
)

PROFILE = Profile(
    name="platform",
    metrics=(
        api_requests_total,
        api_request_duration_seconds,
        api_request_errors_total,
        db_query_duration_ms,
        db_connections_active,
        db_connections_idle,
        rls_context_set_duration_ms,
        rls_violations_total,
        ai_tokens_used_total,
        ai_cost_usd_total,
        embedding_tokens_used_total,
        errors_total,
        error_rate,
    ),
    requests=(
        RequestMetric("total", api_requests_total, {"method": "method", "path": "route"}),
        RequestMetric("duration", api_request_duration_seconds, {"method": "method", "path": "route"}),
        RequestMetric("errors", api_request_errors_total, {"method": "method", "path": "route"}),
        RequestMetric("errors", errors_total),
    ),
    layout=LogLayout(
        fields=(
            Field("level", "level"),
            Field("time", "timestamp"),
            Field("pid", "process_id"),
            Field("hostname", "hostname"),
            Field("version", "version"),
            Field("tenantId", caller=True),
            Field("userId", "user", caller=True),
            Field("msg", "message"),
            Field("logger", "logger"),
            Field("correlation_id", "correlation_id"),
            Field("method", "method", on="request"),
            Field("path", "path", on="request"),
            Field("status_code", "status_code", on="request"),
            Field("duration_ms", "duration_ms", on="request"),
        ),
        level_names={"Level 5": "TRACE", "WARNING": "WARN", "CRITICAL": "FATAL"},
        exception_key="err",
        exception_form="object",
    ),
    quiet=(
        "/trpc/health.check",
        "/trpc/health.liveness",
        "/trpc/health.readiness",
        "/trpc/health.metrics",
        "/readyz",
        "/startupz",
    ),
    health=HEALTH,
    derived=(
        Share(error_rate, part=api_request_errors_total, whole=api_requests_total, window_seconds=300, scale=100),
    ),
    events=with_events(counted("rls_violation", rls_violations_total)),
    environment={"LOG_LEVEL": "info", "HOSTNAME": "unknown", "APP_VERSION": "0.0.0"},
    readings=(
        Reading("request rate", {"": rate("api_requests_total", "method, path")}),
        Reading("response time", quantiles("api_request_duration_seconds", 50, 95, 99)),
        Reading("share of requests that fail", {"": share(rate("api_request_errors_total"), _REQUESTS)}),
        Reading(
            "database query time in ms", {**quantiles("db_query_duration_ms", 95), "mean": mean("db_query_duration_ms")}
        ),
        Reading(
            "share of the connection pool in use",
            {"": "sum(db_connections_active) / (sum(db_connections_active) + sum(db_connections_idle))"},
        ),
        Reading("RLS violations in a minute", {"": increase("rls_violations_total", window="1m")}),
        Reading("failed authentications", {"": _events("auth_failure")}),
        Reading("RLS violations", {"": rate("rls_violations_total")}),
        Reading("suspicious tenant access", {"": _events("cross_user_access_attempt|unauthorised_access_attempt")}),
        Reading("unusual queries", {"": _events("bulk_operation_use")}),
        Reading(
            "rate limit violations", {"": rate("otel_kit_ratelimit_decisions_total", selector='outcome="refused"')}
        ),
        Reading("share of memory in use", {"": "process_resident_memory_bytes / otel_kit_memory_limit_bytes"}),
        Reading("share of CPU in use", {"": "rate(process_cpu_seconds_total[5m]) / otel_kit_cpu_limit_cores"}),
    ),
    thresholds=(
        Threshold("request_p95_ms", "response time", 0.2, 0.5, 1.0, legend="p95"),
        Threshold("error_rate", "share of requests that fail", 0.001, 0.01, 0.05),
        Threshold("db_query_p95_ms", "database query time in ms", 100, 200, 500, legend="p95"),
        Threshold("pool_usage", "share of the connection pool in use", 0.6, 0.8, 0.95),
        Threshold("rls_violations_per_min", "RLS violations in a minute", 0, 1, 10),
        Threshold("memory", "share of memory in use", 0.7, 0.8, 0.9),
        Threshold("cpu", "share of CPU in use", 0.6, 0.8, 0.95),
    ),
)
