"""
Help texts of the application's own metrics.
"""

from __future__ import annotations

from otel_kit.faults import counts
from otel_kit.ledger import Counter, Gauge, Ledger, Registry
from otel_kit.redaction import Policy


def helps(ledger: Ledger) -> dict[str, str]:
    """
    By name, as every exit is given them.
    """
    return {family.declaration.name: family.declaration.help for family in ledger.snapshot()}


def test_help_goes_through_the_policy_before_and_after_it_is_known() -> None:
    """
    Modules declare metrics before anything is set up, routes after it.
    """
    registry = Registry()
    ledger = Ledger(registry)
    early = Counter("early_total", "Ask alice@example.com.", registry=registry)
    ledger.clean_help = Policy().text
    Gauge("late", "Ask bob@example.com.", registry=registry)
    early.inc()
    found = helps(ledger)

    assert ("Ask REDACTED.", "Ask REDACTED.") == (found["early_total"], found["late"])


def test_each_help_is_looked_at_once() -> None:
    """
    Snapshots ask nobody.
    """
    asked: list[str] = []
    registry = Registry()
    ledger = Ledger(registry)
    ledger.clean_help = lambda text: (asked.append(text), text)[1]
    Counter("orders_total", "Orders.", registry=registry).inc()
    for _ in range(3):
        helps(ledger)

    assert 1 == asked.count("Orders.")


def test_the_same_declaration_is_the_same_metric_whatever_its_help_became() -> None:
    """
    A masked help text makes no second metric of it.
    """
    registry = Registry()
    Ledger(registry).clean_help = Policy().text
    first = Counter("orders_total", "Ask alice@example.com.", registry=registry)

    assert first is Counter("orders_total", "Ask alice@example.com.", registry=registry)


def test_help_that_cannot_be_judged_is_not_shown() -> None:
    """
    A policy that fails costs the text, not the metric.
    """

    def fail(text: str) -> str:
        raise ValueError(text)

    registry = Registry()
    ledger = Ledger(registry)
    before = counts().get("ledger", 0)
    ledger.clean_help = fail
    Counter("orders_total", "Orders.", registry=registry).inc()

    assert "REDACTED" == helps(ledger)["orders_total"]
    assert counts()["ledger"] > before
