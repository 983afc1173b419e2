"""
All metrics in one document: by name, what all their series come to.

Owns the form: numbers alone, which any JSON parser reads. What is not known, or is no finite number, is null: the
mean, smallest and largest of nothing, and extremes that a histogram does not keep. A gauge that is merged by its
largest or smallest value is so over its labels too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from otel_kit.catalogue import Declaration
from otel_kit.ledger.snapshot import FamilySnapshot, Series

__all__ = ["totals"]

LARGEST_WHOLE = 2.0**53
"""Beyond it whole numbers are not told apart, by floats here and by every number in JavaScript."""

Number = float | int | None


def totals(families: Iterable[FamilySnapshot]) -> dict[str, Any]:
    """
    `{"orders_total": {"type": "counter", "value": 3}}`; for a histogram `{"type": "histogram", "stats": {"sum": …,
    "count": …, "mean": …, "min": …, "max": …}}`, for a summary the same without the last two.

    All are 0 before anything was observed; the last two are None of a histogram that does not keep them.

    Two metrics of one name, as other libraries may have, are one if they are of one kind; else the first is shown.
    """
    groups: dict[str, list[FamilySnapshot]] = {}
    for family in families:
        group = groups.setdefault(family.declaration.name, [])
        if not group or _meets(group[0].declaration, family.declaration):
            group.append(family)
    return {name: _total(group) for name, group in groups.items()}


def _meets(first: Declaration, other: Declaration) -> bool:
    return (first.kind, first.merge) == (other.kind, other.merge)


def _total(group: list[FamilySnapshot]) -> dict[str, Any]:
    kind = group[0].declaration.kind
    every = [series for family in group for series in family.series]
    if kind == "histogram":
        count, total = sum(sum(series.values[1:]) for series in every), sum(series.values[0] for series in every)
        kept = all(family.declaration.extremes for family in group)
        extremes = _extremes(every) if kept else {"min": None, "max": None}
        return {"type": kind, "stats": {**_stats(total, count), **extremes}}
    if kind == "summary":
        count, total = sum(series.values[1] for series in every), sum(series.values[0] for series in every)
        return {"type": kind, "stats": _stats(total, count)}
    return {"type": kind, "value": _number(_value(group[0].declaration, [series.values[0] for series in every]))}


def _value(declaration: Declaration, values: list[float]) -> float:
    if declaration.merge == "sum":
        return sum(values)
    choose = max if declaration.merge == "max" else min
    return choose((value for value in values if value == value), default=math.nan)


def _stats(total: float, count: float) -> dict[str, Number]:
    return {"sum": _number(total), "count": _number(count), "mean": _number(total / count) if count else 0}


def _extremes(every: list[Series]) -> dict[str, Number]:
    found = [series.extremes for series in every if series.extremes is not None and any(series.values[1:])]
    if not found:
        nothing = None if any(any(series.values[1:]) for series in every) else 0
        return {"min": nothing, "max": nothing}
    return {"min": _number(min(low for low, _ in found)), "max": _number(max(high for _, high in found))}


def _number(value: float) -> Number:
    if not math.isfinite(value):
        return None
    return int(value) if abs(value) <= LARGEST_WHOLE and value == int(value) else value
