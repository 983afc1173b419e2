"""
Several scopes' points under one name, made into families.

Owns what happens when two series turn out to be the same. Knows nothing of the SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from otel_kit.exposition.families import Family, FamilyKind
from otel_kit.ledger.snapshot import Exemplar, Series

__all__ = ["Draft", "Labels", "Point"]

Labels = tuple[tuple[str, str], ...]


class Point(NamedTuple):
    """
    The numbers of one series, as `Series.values` has them.
    """

    attributes: Mapping[str, Any]
    values: tuple[float, ...]
    exemplars: tuple[Exemplar | None, ...] = ()
    bounds: tuple[float, ...] = ()


@dataclass
class Draft:
    """
    A family while its points come in.
    """

    kind: FamilyKind
    name: str
    help: str
    unit: str
    additive: bool
    points: dict[Labels, Point] = field(default_factory=dict)

    def add(self, labels: Labels, point: Point) -> bool:
        """
        Take a point in; False if there was one with these labels to which it can't be added.
        """
        first = self.points.get(labels)
        if first is None:
            self.points[labels] = point
            return True
        if not self.additive or first.bounds != point.bounds:
            return False
        values = tuple(mine + other for mine, other in zip(first.values, point.values, strict=True))
        self.points[labels] = Point(first.attributes, values, first.exemplars or point.exemplars, first.bounds)
        return True

    def families(self) -> list[Family]:
        """
        One family for each set of bounds, all of one name.
        """
        by_bounds: dict[tuple[float, ...], list[Series]] = {}
        for labels, point in self.points.items():
            by_bounds.setdefault(point.bounds, []).append(Series(labels, point.values, point.exemplars))
        return [
            Family(self.kind, self.name, self.help, series, bounds, self.unit, additive=self.additive)
            for bounds, series in by_bounds.items()
        ]
