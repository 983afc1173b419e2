"""
One line makes a FastAPI service observable and keeps it so: `setup_observability(app)`.

Each name is imported at its first use. So the command line gets along without FastAPI, whose import a bad
`OTEL_PROPAGATORS` or `OTEL_PYTHON_CONTEXT` stops, and `otel-kit doctor` can say so.
"""

from __future__ import annotations

import importlib
import typing

from otel_kit._version import __version__

if typing.TYPE_CHECKING:
    from otel_kit.context import bound_correlation_id, correlation_id, keep_context
    from otel_kit.errors import ConfigurationError, OtelKitError, SetupError
    from otel_kit.ledger import Counter, Gauge, Histogram, Summary
    from otel_kit.logs import set_log_level, structlog_options, structlog_processor
    from otel_kit.observability import Observability
    from otel_kit.profiles import Profile, RequestMetric
    from otel_kit.ratelimit import Limit
    from otel_kit.security import security_event
    from otel_kit.settings import Settings
    from otel_kit.setup import setup_observability

__all__ = [
    "ConfigurationError",
    "Counter",
    "Gauge",
    "Histogram",
    "Limit",
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
    "security_event",
    "set_log_level",
    "setup_observability",
    "structlog_options",
    "structlog_processor",
]

_HOMES = {
    "context": ("bound_correlation_id", "correlation_id", "keep_context"),
    "errors": ("ConfigurationError", "OtelKitError", "SetupError"),
    "ledger": ("Counter", "Gauge", "Histogram", "Summary"),
    "logs": ("set_log_level", "structlog_options", "structlog_processor"),
    "observability": ("Observability",),
    "profiles": ("Profile", "RequestMetric"),
    "ratelimit": ("Limit",),
    "security": ("security_event",),
    "settings": ("Settings",),
    "setup": ("setup_observability",),
}
"""
Module -> the public names that it has.
"""


def __getattr__(name: str) -> typing.Any:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    # the next use finds it without asking here
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
