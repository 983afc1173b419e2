"""
One line makes a FastAPI service observable and keeps it so: `setup_observability(app)`.
"""

from __future__ import annotations

from otel_kit._version import __version__
from otel_kit.context import bound_correlation_id, correlation_id, keep_context
from otel_kit.errors import ConfigurationError, OtelKitError, SetupError
from otel_kit.ledger import Counter, Gauge, Histogram, Summary
from otel_kit.logs import set_log_level, structlog_options, structlog_processor
from otel_kit.profiles import Profile, RequestMetric
from otel_kit.settings import Settings
from otel_kit.setup import Observability, setup_observability

__all__ = [
    "ConfigurationError",
    "Counter",
    "Gauge",
    "Histogram",
    "Observability",
    "OtelKitError",
    "Profile",
    "RequestMetric",
    "Settings",
    "SetupError",
    "Summary",
    "__version__",
    "bound_correlation_id",
    "correlation_id",
    "keep_context",
    "set_log_level",
    "setup_observability",
    "structlog_options",
    "structlog_processor",
]
