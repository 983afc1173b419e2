"""
Building blocks of health documents, and the probes that every profile may add to its own routes.

A profile writes functions like these for its documents. What a document holds is for everyone to read,
`CheckReport.error` being None but for peers that are trusted.
"""

from __future__ import annotations

from typing import Any

from otel_kit.health_layout.report import CheckReport, HealthReport
from otel_kit.health_layout.routes import HealthRoute

__all__ = ["KUBERNETES_PROBES", "all_services", "one_service", "state_only"]


def state_only(report: HealthReport) -> dict[str, Any]:
    """
    `{"status": "healthy"}`, by the route's word.
    """
    return {"status": report.state}


def _probe(report: HealthReport) -> dict[str, Any]:
    if report.ready:
        return {"status": report.state, "services": all_services(report)}
    reason = report.status if report.phase == "serving" else report.phase
    return {"status": report.state, "reason": reason, "services": all_services(report)}


def all_services(report: HealthReport) -> dict[str, Any]:
    """
    `{"database": {"status": "healthy", "latency_ms": 1.5}}`, for each check that the route asks.
    """
    return {check.name: one_service(check) for check in report.checks}


def one_service(check: CheckReport) -> dict[str, Any]:
    """
    `{"status": "healthy", "latency_ms": 1.5}`, with the text of an error for peers that are trusted.
    """
    document = {"status": "healthy" if check.healthy else "unhealthy", "latency_ms": check.latency_ms}
    return document if check.error is None else {**document, "error": check.error}


KUBERNETES_PROBES = (HealthRoute("/readyz", "ready", _probe), HealthRoute("/startupz", "started", state_only))
"""Beside the documented routes of a profile, under the names that Kubernetes' own components use."""
