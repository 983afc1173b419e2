"""
What follows from each new answer of a check or provider: the metric, and a line when it changes.

Owns what was known before. Knows nothing of routes, nor of when anything is asked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from otel_kit.health.gauges import CheckGauge
from otel_kit.health_layout import CheckReport

__all__ = ["Notices"]

_logger = logging.getLogger("otel_kit.health")


class Notices:
    """
    Of one application.

    Args:
        told: What may be said of an error's text.
    """

    def __init__(self, gauge: CheckGauge, told: Callable[[str], str]) -> None:
        self._gauge = gauge
        self._told = told
        self._known: dict[str, bool] = {}
        self._silent: set[str] = set()
        self.resting = False
        """True: an answer that is still on its way has no consequence."""

    def note(self, answer: CheckReport) -> None:
        """
        A check has answered.
        """
        if self.resting:
            return
        self._gauge.show(answer.name, answer.healthy)
        before = self._known.get(answer.name, True)
        self._known[answer.name] = answer.healthy
        if before and not answer.healthy:
            fields = {"check": answer.name, "critical": answer.critical, "detail": self._told(answer.error or "")}
            _logger.warning("otel_kit.check_failed", extra=fields)
        elif answer.healthy and not before:
            _logger.info("otel_kit.check_recovered", extra={"check": answer.name})

    def note_provider(self, answer: CheckReport) -> None:
        """
        A provider has answered, or raised.
        """
        if answer.error is None:
            self._silent.discard(answer.name)
        elif not self.resting and answer.name not in self._silent:
            self._silent.add(answer.name)
            fields = {"provider": answer.name, "detail": self._told(answer.error)}
            _logger.warning("otel_kit.provider_not_known", extra=fields)
