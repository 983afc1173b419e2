"""
What the ledger of this process holds, for tests that ask it directly.
"""

from __future__ import annotations

from otel_kit.ledger import ledger

__all__ = ["value_of"]


def value_of(name: str, **labels: str) -> float:
    """
    A metric's value in this process, summed over the series that have these labels.
    """
    return sum(
        series.values[-1]
        for family in ledger.snapshot()
        if family.declaration.name == name
        for series in family.series
        if labels.items() <= dict(series.labels).items()
    )
