"""
What the health routes of a profile are, and what their documents look like, as data.
"""

from otel_kit.health_layout.documents import KUBERNETES_PROBES, all_services, one_service, state_only
from otel_kit.health_layout.report import CheckReport, Facts, HealthReport, HealthStatus, Memory, Phase
from otel_kit.health_layout.routes import STATUSES, WORDS, Form, HealthKind, HealthRoute, HealthRoutes, shape_of

__all__ = [
    "KUBERNETES_PROBES",
    "STATUSES",
    "WORDS",
    "CheckReport",
    "Facts",
    "Form",
    "HealthKind",
    "HealthReport",
    "HealthRoute",
    "HealthRoutes",
    "HealthStatus",
    "Memory",
    "Phase",
    "all_services",
    "one_service",
    "shape_of",
    "state_only",
]
