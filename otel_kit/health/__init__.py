"""
Health: checks that can't be hung or stampeded, the routes that show them, and the way to a quiet end.
"""

from otel_kit.health.checks import Checks
from otel_kit.health.providers import Providers
from otel_kit.health.service import Health

__all__ = ["Checks", "Health", "Providers"]
