"""
One look at the numbers: what this process alone has counted, or the totals of all workers.

Owns where each metric's series are read from. Everything that one look gives is of one moment, as near as workers
that go on counting allow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from otel_kit.faults import fault
from otel_kit.ledger.family import Family
from otel_kit.ledger.snapshot import FamilySnapshot, Series

if TYPE_CHECKING:
    from otel_kit.ledger.merge import Merge

__all__ = ["Look"]


class Look:
    """
    Made by `Ledger.look`.

    Args:
        own: Whether only this process's own part is wanted.
        merged: The totals over all seats, and what is where; None for the cells of this process.
    """

    def __init__(self, own: bool, merged: tuple[Merge, tuple[float, ...]] | None) -> None:
        self.own = own
        self._merged = merged

    def count(self, family: Family[Any]) -> float:
        """
        All series of a counter together; of a histogram or summary, how many observations there were.
        """
        # a histogram's and a summary's first number is the sum of what was observed
        first = 0 if family.declaration.kind == "counter" else 1
        if self._merged is not None and not family.local:
            return sum(sum(one.values[first:]) for one in self.series(family))
        children = list(family.series.values())
        return sum(sum((child.own_values() if self.own else child.values())[first:]) for child in children)

    def series(self, family: Family[Any]) -> list[Series]:
        """
        The series of one metric.
        """
        if self._merged is None or family.local:
            return _series_here(family, self.own)
        merge, totals = self._merged
        return merge.series(family.declaration.schema, totals, family.series)

    def families(self, families: Sequence[Family[Any]]) -> Iterator[FamilySnapshot]:
        """
        These metrics with their series, and where totals are asked for what only other workers have.
        """
        shared: list[Family[Any]] = []
        for family in families:
            if family.derived is not None:
                yield FamilySnapshot(family.declaration, self._derived(family.derived))
            elif self._merged is None or family.local:
                yield FamilySnapshot(family.declaration, _series_here(family, self.own))
            else:
                shared.append(family)
        for family in shared:
            yield FamilySnapshot(family.declaration, self.series(family))
        yield from self._of_others({family.declaration.schema for family in families})

    def _derived(self, value: Callable[[Look], float]) -> list[Series]:
        try:
            return [Series((), (value(self),))]
        except Exception as error:  # whatever it is derived by: the other metrics must not be lost with it
            fault("ledger", error)
            return []

    def _of_others(self, known: set[tuple[object, ...]]) -> Iterator[FamilySnapshot]:
        if self._merged is None:
            return
        merge, totals = self._merged
        for schema, line in list(merge.lines.items()):
            if schema not in known:
                yield FamilySnapshot(line.declaration, merge.series(schema, totals, {}))


def _series_here(family: Family[Any], own: bool) -> list[Series]:
    children = list(family.series.items())
    if family.declaration.extremes:
        return [
            Series(
                child.labels, child.own_values() if own else child.values(), child.exemplars(), key, child.extremes()
            )
            for key, child in children
        ]
    return [
        Series(child.labels, child.own_values() if own else child.values(), child.exemplars(), key)
        for key, child in children
    ]
