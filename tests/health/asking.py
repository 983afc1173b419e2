"""
A health of its own for each test, and what its routes answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from otel_kit.health import Checks, Health
from otel_kit.health_layout import HealthRoutes
from otel_kit.ledger import Gauge
from otel_kit.ledger.registry import Registry
from otel_kit.profiles.goblin import HEALTH as GOBLIN_HEALTH
from tests.asgi_client import Answer, call

__all__ = ["Asked", "ask_route", "health_of", "new_gauge", "value_of"]


def new_gauge() -> Gauge:
    """
    A metric for the checks, in a registry of its own.
    """
    return Gauge("health_here", "Health.", ["service_name"], registry=Registry())


def value_of(gauge: Gauge, name: str) -> float:
    """
    What it says of a check.
    """
    return gauge.labels(name).values()[0]


def health_of(
    checks: dict[str, Callable[[], Any]] | Checks | None = None, routes: HealthRoutes = GOBLIN_HEALTH, **options: Any
) -> Health:
    """
    Health with these checks, which have time enough on a busy machine.
    """
    if not isinstance(checks, Checks):
        declared = Checks(timeout_seconds=10.0)
        for name, function in (checks or {}).items():
            declared.add(name, function)
        checks = declared
    return Health(checks, routes, **options)


class Asked:
    """
    An answer with its document.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.status = answer.status
        self.document: Any = json.loads(answer.body) if answer.body else None


async def ask_route(health: Health, path: str, **scope: Any) -> Asked:
    """
    One request to the route of a path, as the inner ring makes it.
    """
    found = health.find(path)
    assert found is not None, path
    return Asked(await call(found[1], path=path, **scope))
