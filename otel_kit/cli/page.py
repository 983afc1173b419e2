"""
`/metrics` as a reader sees it: what has moved between two looks.

Owns the reading of exposition text. Knows no metric by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Movement", "Page", "movements"]

_SAMPLE = re.compile(r"^(\w+)(\{.*?\})? (\S+)(?: # \{(.*?)\} .*)?$")
_TYPE = re.compile(r"^# TYPE (\w+) (\w+)$")
_EXEMPLAR_TRACE = re.compile(r'trace_id="(\w+)"')


class Page:
    """
    One look at the page.
    """

    def __init__(self, text: str) -> None:
        self.values: dict[tuple[str, str], float] = {}
        """By name and labels, the latter as they are written."""
        self.kinds: dict[str, str] = {}
        self.exemplars: dict[tuple[str, str], str] = {}
        """Trace ids of those series that have an exemplar."""
        for line in text.splitlines():
            self._read(line)

    def value(self, name: str, labels: str = "") -> float:
        """
        Of one series; 0 where there is none.
        """
        return self.values.get((name, labels), 0.0)

    def total(self, name: str, label: str = "") -> float:
        """
        Of all series of a name whose labels contain this text.
        """
        return sum(value for (found, labels), value in self.values.items() if found == name and label in labels)

    def _read(self, line: str) -> None:
        kind = _TYPE.match(line)
        if kind:
            self.kinds[kind[1]] = kind[2]
        sample = None if line.startswith("#") else _SAMPLE.match(line)
        if sample:
            key = (sample[1], sample[2] or "")
            self.values[key] = float(sample[3])
            trace = _EXEMPLAR_TRACE.search(sample[4] or "")
            if trace:
                self.exemplars[key] = trace[1]


@dataclass(frozen=True)
class Movement:
    """
    A series that has moved.
    """

    name: str
    labels: str
    by: float
    """Increase of a counter, number of new observations of a histogram, value of a gauge."""
    mean: float | None = None
    """Of a histogram's new observations."""


def movements(before: Page, after: Page, families: tuple[str, ...]) -> list[Movement]:
    """
    What has moved in these families, in their order.
    """
    return [movement for family in families for movement in _of_family(before, after, family)]


def _of_family(before: Page, after: Page, family: str) -> list[Movement]:
    kind = after.kinds.get(family) or after.kinds.get(family.removesuffix("_total"), "")
    counted = f"{family}_count" if kind == "histogram" else family
    moved = []
    for (name, labels), value in after.values.items():
        if name != counted:
            continue
        by = value - before.value(name, labels)
        if kind == "histogram" and by:
            total = after.value(f"{family}_sum", labels) - before.value(f"{family}_sum", labels)
            moved.append(Movement(family, labels, by, total / by))
        elif kind == "gauge" and (name, labels) not in before.values:
            moved.append(Movement(family, labels, value))
        elif kind == "counter" and by:
            moved.append(Movement(family, labels, by))
    return moved
