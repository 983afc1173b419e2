"""
The Goblin Assistant backend: the default profile, and its documented metric handles.

Application code records by `from otel_kit.profiles.goblin import chat_completions_total`. The
metrics are listed on `/metrics` once an application is set up with the profile.
"""

from __future__ import annotations

from otel_kit.health_layout import GOBLIN_HEALTH
from otel_kit.layout import GOBLIN_LAYOUT
from otel_kit.ledger import Counter, Gauge, Histogram
from otel_kit.profiles import Profile, RequestMetric

__all__ = [
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
        RequestMetric("total", http_requests_total, ("method", "route", "status")),
        RequestMetric("duration", http_request_duration_seconds, ("method", "route")),
        RequestMetric("in_progress", http_requests_in_progress, ("method", "route")),
        RequestMetric("errors", http_errors_total, ("method", "route", "error_type")),
    ),
    layout=GOBLIN_LAYOUT,
    quiet=("/health", "/readyz", "/startupz"),
    limits={"/auth": "10/minute", "/chat": "30/minute", "/health": "60/minute", "/": "100/minute"},
    health=GOBLIN_HEALTH,
    health_gauge=service_health_status,
)
