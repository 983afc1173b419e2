"""
The Goblin Assistant backend: the default profile, and its documented metric handles.

Application code records by `from otel_kit.profiles.goblin import chat_completions_total`. The
metrics are listed on `/metrics` once an application is set up with the profile.
"""

from __future__ import annotations

from typing import Any

from otel_kit.ledger import Counter, Gauge, Histogram
from otel_kit.profiles import (
    KUBERNETES_PROBES,
    STATUSES,
    Field,
    HealthReport,
    HealthRoute,
    HealthRoutes,
    LogLayout,
    Profile,
    Reading,
    RequestMetric,
    Threshold,
    Verification,
    all_services,
    one_service,
    state_only,
)
from otel_kit.profiles.readings import increase, mean, quantiles, rate

__all__ = [
    "HEALTH",
    "PROFILE",
    "chat_completion_cost_usd_total",
    "chat_completion_errors_total",
    "chat_completion_tokens_total",
    "chat_completions_total",
    "http_errors_total",
    "http_request_duration_seconds",
    "http_requests_in_progress",
    "http_requests_total",
    "provider_latency_seconds",
    "service_health_status",
]

_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 5.0, 7.5, 10.0)
_PROVIDER_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0)

http_requests_total = Counter(
    "http_requests_total",
    "Requests answered, by method, route template and status code.",
    ["method", "endpoint", "status_code"],
    registry=None,
)
http_request_duration_seconds = Histogram(
    "http_request_duration_seconds",
    "Time from the request's arrival to the last byte of its answer.",
    ["method", "endpoint"],
    buckets=_REQUEST_BUCKETS,
    registry=None,
)
http_requests_in_progress = Gauge(
    "http_requests_in_progress",
    "Requests being answered at the moment.",
    ["method", "endpoint"],
    registry=None,
)
http_errors_total = Counter(
    "http_errors_total",
    "Requests that failed: an unhandled exception, by its class, or a status from 500, by that status.",
    ["method", "endpoint", "error_type"],
    registry=None,
)
chat_completions_total = Counter(
    "chat_completions_total",
    "Chat completions requested, by provider and model.",
    ["provider", "model"],
    registry=None,
)
chat_completion_tokens_total = Counter(
    "chat_completion_tokens_total",
    "Tokens used by chat completions; token_type is prompt or completion.",
    ["provider", "model", "token_type"],
    registry=None,
)
chat_completion_errors_total = Counter(
    "chat_completion_errors_total",
    "Chat completions that failed, by provider and kind of error.",
    ["provider", "error_type"],
    registry=None,
)
provider_latency_seconds = Histogram(
    "provider_latency_seconds",
    "Time a provider took, by operation.",
    ["provider", "operation"],
    buckets=_PROVIDER_BUCKETS,
    registry=None,
)
service_health_status = Gauge(
    "service_health_status",
    "Health of a declared service: 1 healthy, 0 not.",
    ["service_name"],
    registry=None,
    multiprocess_mode="min",
)
chat_completion_cost_usd_total = Counter(
    "chat_completion_cost_usd_total",
    "Cost of chat completions in US dollars, by provider and model.",
    ["provider", "model"],
    registry=None,
)


def _all(report: HealthReport) -> dict[str, Any]:
    return {"status": report.state, "services": all_services(report)}


HEALTH = HealthRoutes(
    (
        HealthRoute("/health", "live", state_only),
        HealthRoute("/health/all", "all", _all, statuses={**STATUSES, "degraded": "by setting"}),
        HealthRoute("/health/{service}", "one", lambda report: one_service(report.checks[0])),
        *KUBERNETES_PROBES,
    )
)

PROFILE = Profile(
    name="goblin",
    metrics=(
        http_requests_total,
        http_request_duration_seconds,
        http_requests_in_progress,
        http_errors_total,
        chat_completions_total,
        chat_completion_tokens_total,
        chat_completion_errors_total,
        provider_latency_seconds,
        service_health_status,
        chat_completion_cost_usd_total,
    ),
    requests=(
        RequestMetric("total", http_requests_total, {"method": "method", "endpoint": "route", "status_code": "status"}),
        RequestMetric("duration", http_request_duration_seconds, {"method": "method", "endpoint": "route"}),
        RequestMetric("in_progress", http_requests_in_progress, {"method": "method", "endpoint": "route"}),
        RequestMetric(
            "errors", http_errors_total, {"method": "method", "endpoint": "route", "error_type": "error_type"}
        ),
    ),
    layout=LogLayout(
        fields=(
            Field("timestamp", "timestamp"),
            Field("level", "level"),
            Field("logger", "logger"),
            Field("message", "message"),
            Field("correlation_id", "correlation_id"),
            Field("method", "method", on="request"),
            Field("path", "path", on="request"),
            Field("status_code", "status_code", on="request"),
            Field("duration_ms", "duration_ms", on="request"),
        )
    ),
    quiet=("/health", "/readyz", "/startupz"),
    limits={"/auth": "10/minute", "/chat": "30/minute", "/health": "60/minute", "/": "100/minute"},
    health=HEALTH,
    health_gauge=service_health_status,
    environment={"LOG_LEVEL": "INFO", "CORS_ORIGINS": "", "RATELIMIT_ENABLED": "true"},
    readings=(
        Reading("request rate by endpoint", {"": rate("http_requests_total", "endpoint")}),
        Reading("error rate by endpoint", {"": rate("http_errors_total", "endpoint")}),
        Reading("p95 latency by endpoint", quantiles("http_request_duration_seconds", 95, by="endpoint")),
        Reading("active requests (gauge)", {"": "sum(http_requests_in_progress) or vector(0)"}),
        Reading(
            "chat completion metrics",
            {
                "completions": rate("chat_completions_total", "provider, model"),
                "tokens": rate("chat_completion_tokens_total", "token_type"),
                "errors": rate("chat_completion_errors_total", "provider"),
                "latency": mean("provider_latency_seconds", "provider"),
            },
        ),
        Reading(
            "cost of chat completions (business metric beside tokens)",
            {"": increase("chat_completion_cost_usd_total", "model")},
        ),
        Reading("health checks", quantiles("http_request_duration_seconds", 95, selector='endpoint=~"/health.*"')),
        Reading("chat completions", quantiles("http_request_duration_seconds", 95, selector='endpoint=~"/chat/.*"')),
        Reading("auth login", quantiles("http_request_duration_seconds", 95, selector='endpoint="/auth/login"')),
        Reading("time added to a request", {"": mean("otel_kit_middleware_duration_seconds")}),
    ),
    thresholds=(
        Threshold("health checks", "health checks", target=0.1),
        Threshold("chat completions", "chat completions", target=2.0),
        Threshold("auth login", "auth login", target=0.5),
        Threshold("added_per_request_ms_max", "time added to a request", target=0.005),
    ),
    verification=Verification(
        health="Backend health check",
        limits="Rate limiting (triggers after {count} auth requests)",
        logs="JSON logs in backend output",
    ),
)
