"""
What is on, where it goes, and what is off and why: the start-up block as data.

Owns the words of the block. Reads what the other parts say of themselves; changes nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otel_kit.runtime import Runtime

__all__ = ["build_report", "log_report"]

_logger = logging.getLogger("otel_kit")


def build_report(runtime: Runtime, application: dict[str, Any]) -> dict[str, Any]:
    """
    The state of the kit in one application.

    Args:
        application: What belongs to this application alone: engine, paths, profile.
    """
    settings, clean = runtime.settings, runtime.policy.text
    return {
        "service": {
            "name": runtime.service_name,
            "version": clean(settings.app_version),
            "environment": clean(settings.environment),
            "hostname": clean(settings.hostname),
        },
        **application,
        **runtime.telemetry.report(),
        "lines": {
            "layout": "json" if runtime.logs.json_lines else "console",
            "level": settings.log_level,
            "to": "standard output",
        },
        "trace_context": {"joined": _trust(settings.trust_traceparent), "others": "linked"},
        "clients": dict(runtime.clients.joined),
        "findings": [str(finding) for finding in runtime.findings],
    }


def log_report(report: dict[str, Any], findings: list[str]) -> None:
    """
    One record with the whole block, and one warning for each setting that could not be used.
    """
    _logger.info("otel_kit.started", extra={"report": report})
    for finding in findings:
        _logger.warning("otel_kit.setting_ignored", extra={"finding": finding})


def _trust(value: str | tuple[object, ...]) -> str:
    return value if isinstance(value, str) else ", ".join(map(str, value))
