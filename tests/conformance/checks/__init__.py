"""
The checks, by what they look at. Importing this package registers all of them.
"""

from tests.conformance.checks import (
    basics,
    environment,
    events,
    fields,
    health,
    limits,
    logs,
    metrics,
    procedures,
    readings,
    samples,
)
from tests.conformance.claims import claims

__all__ = [
    "CLAIMS",
    "basics",
    "environment",
    "events",
    "fields",
    "health",
    "limits",
    "logs",
    "metrics",
    "procedures",
    "readings",
    "samples",
]

CLAIMS = list(claims())
"""Every check with every place that it reads."""
