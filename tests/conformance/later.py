"""
Lines of the contract that are not served yet, by the reason.

Everything in a place that stands here is later. A place that is served moves from here to a check.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

__all__ = ["LATER", "Reason"]

Reason = Literal[
    "dashboards",
    "alert rules",
    "routing",
    "retention",
    "runbooks",
    "exporters and scrape files",
    "browser",
    "example services and their commands",
    "StatsD and PutMetricData",
    "security tools",
    "capacity",
    "onboarding",
    "domain code: databases, row-level security, AI clients, Sentry",
]

LATER: Mapping[Reason, tuple[str, ...]] = {
    "dashboards": (
        "goblin.grafana",
        "todo.stack.views",
        "todo.dashboards",
        "xionimus.metrics.dashboard",
        "xionimus.dashboards",
        "xionimus.conflicts[1]",
        "platform.dashboard",
    ),
    "alert rules": (
        "goblin.alerts",
        "goblin.logs.in_production[2]",
        "todo.alerts",
        "todo.conflicts[2]",
        "xionimus.alerts",
        "xionimus.alerting_test",
        "xionimus.alerting_test_documented",
        "xionimus.health.external_probe",
        "xionimus.health.probe_setup.interval",
        "xionimus.health.probe_setup.tools",
        "xionimus.security_log_patterns[0]",
        "xionimus.security_log_patterns[1]",
        "xionimus.security_log_patterns[2]",
        "platform.alerts",
        "platform.conflicts[2]",
        "platform.conflicts[3]",
        "platform.conflicts[4]",
        "platform.conflicts[5]",
    ),
    "routing": (
        "todo.alert_routing",
        "todo.conflicts[0]",
        "platform.alertmanager",
        "platform.conflicts[6]",
    ),
    "retention": (
        "goblin.logs.in_production[1]",
        "todo.log_retention",
        "xionimus.log_retention",
        "xionimus.log_retention_where",
        "xionimus.log_retention_by",
    ),
    "runbooks": (
        "todo.runbooks",
        "xionimus.incident_runbook",
        "xionimus.incident_steps",
    ),
    "exporters and scrape files": (
        "goblin.files[prometheus.yml]",
        "goblin.prometheus_scrape",
        "goblin.log_aggregation.elk.ship",
        "goblin.log_aggregation.cloudwatch",
        "todo.serve",
        "todo.infrastructure_exporters",
        "todo.prometheus",
        "todo.conflicts[1]",
        "xionimus.logs.logstash",
        "xionimus.metrics.system[2]",
        "xionimus.metrics.system[3]",
        "platform.installed_files",
        "platform.export.prometheus",
        "platform.loki",
        "platform.promtail_documented",
        "platform.conflicts[7]",
    ),
    "browser": (
        "goblin.browser",
        "platform.later_phases[0]",
        "platform.later_phases[3]",
    ),
    "example services and their commands": (
        "goblin.files[backend/tests/load_test.py]",
        "goblin.files[backend/test_monitoring.sh]",
        "goblin.files[backend/requirements.txt]",
        "goblin.files[backend/.env.production]",
        "goblin.files[backend/docs/MONITORING_IMPLEMENTATION.md]",
        "goblin.files[backend/docs/PRODUCTION_MONITORING.md]",
        "goblin.files[DEPLOYMENT_CHECKLIST.md]",
        "goblin.deployment_checklist",
        "goblin.rate_limits.production.redis_itself",
        "goblin.rate_limits.production.settings_in",
        "goblin.load_test.scenarios",
        "goblin.load_test.commands",
        "goblin.load_test.headless",
        "goblin.load_test.practice",
        "goblin.load_test.targets[*].rps",
        "goblin.verification_script.command",
        "goblin.security[0]",
        "todo.testing",
        "xionimus.serve",
        "xionimus.load_test",
        "platform.serve",
        "platform.probes.systemd_timer",
        "platform.probes.kubernetes",
    ),
    "StatsD and PutMetricData": (
        "platform.export.datadog",
        "platform.export.datadog_wire",
        "platform.export.cloudwatch",
        "platform.export.cloudwatch_wire",
        "platform.export.by",
        "platform.from_typescript[2]",
    ),
    "security tools": (
        "xionimus.security_log_patterns[3]",
        "xionimus.security_tools",
    ),
    "capacity": ("todo.capacity_planning",),
    "onboarding": ("todo.onboarding",),
    "domain code: databases, row-level security, AI clients, Sentry": (
        "xionimus.sentry.package",
        "xionimus.sentry.examples.SENTRY_DSN",
        "xionimus.sentry.traces_sample_rate",
        "xionimus.sentry.profiles_sample_rate",
        "platform.slow_queries",
        "platform.slow_queries_sql",
        "platform.later_phases[1]",
        "platform.later_phases[2]",
    ),
}
"""Reason -> places."""
