"""
A page of Prometheus text as numbers.

Owns the reading of its lines; exemplars and comments are left out.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Sample", "Samples"]

_LINE = re.compile(r"(?P<name>[A-Za-z_:][\w:]*)(?:\{(?P<labels>.*?)\})? (?P<value>\S+)(?: \S+)?(?: # .*)?$")
_LABEL = re.compile(r'([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"')


class Sample(NamedTuple):
    """
    One series and its value.
    """

    name: str
    labels: dict[str, str]
    value: float


class Samples:
    """
    All samples of a page.
    """

    def __init__(self, text: str) -> None:
        self.all = [sample for line in text.splitlines() if (sample := _sample_of(line)) is not None]

    def names(self) -> set[str]:
        """
        Every name that has a sample.
        """
        return {sample.name for sample in self.all}

    def of(self, name: str, **labels: str) -> list[Sample]:
        """
        The samples of this name that have these labels.
        """
        return [one for one in self.all if one.name == name and labels.items() <= one.labels.items()]

    def sum(self, name: str, **labels: str) -> float:
        """
        Their sum; 0 where there is none.
        """
        return sum(sample.value for sample in self.of(name, **labels))


def _sample_of(line: str) -> Sample | None:
    found = None if line.startswith("#") else _LINE.match(line)
    if found is None:
        return None
    return Sample(found["name"], dict(_LABEL.findall(found["labels"] or "")), float(found["value"]))
