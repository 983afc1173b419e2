"""
The state of the whole service as a metric: the word of the route that asks every check.

Owns which series is 1. What the words are is the route's, and so is which of them holds.
"""

from __future__ import annotations

from otel_kit.health_layout import HealthReport, HealthRoutes
from otel_kit.ledger import Gauge

__all__ = ["Overall"]


class Overall:
    """
    Shows one word at a time.

    Args:
        gauge: Its one label is the word; None where the profile has no such metric.
    """

    def __init__(self, gauge: Gauge | None, routes: HealthRoutes) -> None:
        self._gauge = gauge
        self._route = next((route for route in routes.routes if route.kind == "all"), None)
        self.asks_providers = gauge is not None and self._route is not None and self._route.asks_providers
        """Whether the word depends on them."""

    def show(self, report: HealthReport) -> None:
        """
        1 for the word that holds, 0 for the others of the route.
        """
        if self._gauge is None or self._route is None:
            return
        state = self._route.state_of(report)
        for word in self._route.statuses:
            self._gauge.labels(word).set(float(word == state))
