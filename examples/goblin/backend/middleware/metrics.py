"""
The service's metrics, under the address that its code imports them from.
"""

from __future__ import annotations

from otel_kit.profiles.goblin import (
    chat_completion_cost_usd_total,
    chat_completion_errors_total,
    chat_completion_tokens_total,
    chat_completions_total,
    http_errors_total,
    http_request_duration_seconds,
    http_requests_in_progress,
    http_requests_total,
    provider_latency_seconds,
    service_health_status,
)

__all__ = [
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
