"""
Health as metrics, where several applications of one process have it, and when one of them goes.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from otel_kit.health import Health
from otel_kit.health_layout import Facts, HealthReport, HealthRoute, HealthRoutes, state_only
from otel_kit.ledger import Gauge
from otel_kit.ledger.registry import Registry

from .asking import ask_route, health_of, new_gauge

ROUTES = HealthRoutes((HealthRoute("/state", "all", state_only),))


def shown(gauge: Gauge) -> dict[str, float]:
    """
    Its series.
    """
    return {key[0]: child.values()[0] for key, child in gauge.series.items()}


def holds(gauge: Gauge) -> list[str]:
    """
    The words that are 1.
    """
    return [word for word, value in shown(gauge).items() if value]


def status_gauge() -> Gauge:
    return Gauge("state_here", "State.", ["status"], registry=Registry())


async def ask_all(health: Health) -> None:
    await ask_route(health, "/health/all")


async def test_the_worst_of_two_applications_is_shown() -> None:
    """
    Whoever answers last.
    """
    gauge = new_gauge()
    sick, well = (health_of({"database": partial(bool, up)}, gauge=gauge) for up in (False, True))
    seen = []
    for health in (sick, well):
        await ask_all(health)
        seen.append(shown(gauge))

    assert [{"database": 0.0}, {"database": 0.0}] == seen


async def test_an_application_that_goes_takes_its_checks_along() -> None:
    """
    What another one has too is shown as that one says.
    """
    gauge = new_gauge()
    first = health_of({"database": lambda: False, "cache": lambda: True}, gauge=gauge)
    second = health_of({"database": lambda: True}, gauge=gauge)
    for health in (first, second):
        await ask_all(health)

    first.rest()
    left = shown(gauge)
    second.rest()

    assert {"database": 1.0} == left
    assert {} == shown(gauge)


async def test_an_answer_that_was_on_its_way_brings_nothing_back() -> None:
    """
    The check began before the application went.
    """
    gauge, begun, end = new_gauge(), asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        begun.set()
        await end.wait()

    health = health_of({"slow": slow}, gauge=gauge)
    asked = asyncio.ensure_future(ask_all(health))
    await asyncio.wait_for(begun.wait(), 5)
    health.rest()
    end.set()
    await asked

    assert {} == shown(gauge)
    await health.close()


async def test_the_checks_run_no_more_after_the_application_has_gone() -> None:
    """
    The task that asks while nobody else does ends.
    """
    health = health_of({"database": lambda: True}, gauge=new_gauge())
    health.start()
    task = health._refresh._task
    assert task is not None

    health.rest()
    await asyncio.wait({task}, timeout=5)

    assert task.cancelled()
    await health.close()


async def test_one_that_is_used_again_is_asked_and_shown_again() -> None:
    """
    The next request begins it.
    """
    gauge = new_gauge()
    health = health_of({"database": lambda: True}, gauge=gauge)
    health.start()
    health.rest()

    health.serve()
    await ask_all(health)

    assert {"database": 1.0} == shown(gauge)
    await health.close()


async def test_the_worst_word_of_two_applications_is_shown() -> None:
    """
    One word at a time, and the other one's when the first has gone.
    """
    gauge = status_gauge()
    sick, well = (health_of({"database": partial(bool, up)}, ROUTES, status_gauge=gauge) for up in (False, True))
    seen = []
    for health in (sick, well):
        await ask_route(health, "/state")
        seen.append(holds(gauge))
    sick.rest()
    seen.append(holds(gauge))
    well.rest()

    assert [["unhealthy"], ["unhealthy"], ["healthy"]] == seen
    assert {} == shown(gauge)


@pytest.mark.parametrize("seen_by", ["route", "refresh"])
async def test_metric_and_document_are_made_of_the_same_facts(seen_by: str) -> None:
    """
    A word that depends on the service's facts is the same, whether somebody asks or nobody does.
    """

    def word(report: HealthReport) -> str:
        return "healthy" if report.facts.environment == "production" else "degraded"

    gauge = status_gauge()
    routes = HealthRoutes((HealthRoute("/state", "all", state_only, state=word),))
    health = health_of({}, routes, status_gauge=gauge, facts=lambda: Facts(environment="production"))
    if seen_by == "route":
        await ask_route(health, "/state")
    else:
        await health._look()

    assert ["healthy"] == holds(gauge)


async def test_another_route_of_all_checks_has_no_say() -> None:
    """
    The metric has the words of the first route.
    """
    gauge = status_gauge()
    first = ROUTES.routes[0]
    other = replace(first, path="/strict", state=lambda report: "unhealthy")
    health = health_of({}, HealthRoutes((first, other)), status_gauge=gauge)

    for path in ("/state", "/strict"):
        await ask_route(health, path)

    assert ["healthy"] == holds(gauge)
