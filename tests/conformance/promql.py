"""
What a query asks for: its metrics, with the labels that it selects them by.

Owns as much of PromQL as the profiles' readings use. Whether a query is right is for a real Prometheus to say.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Wanted", "wanted"]

_SELECTED = re.compile(r'([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(?:\{((?:"[^"]*"|[^}])*)\})?(?![\w(])')
_MATCHER = re.compile(r'(\w+)(=~?)"([^"]*)"')
_GROUPING = re.compile(r"\bby \([^)]*\)")


class Wanted(NamedTuple):
    """
    One metric of a query.
    """

    name: str
    labels: dict[str, str]
    """Label -> expression that its whole value matches."""

    def is_met_by(self, name: str, labels: dict[str, str]) -> bool:
        """
        Whether the query would read this sample.
        """
        found = (re.fullmatch(form, labels.get(label, "")) for label, form in self.labels.items())
        return name == self.name and all(found)


def wanted(query: str) -> list[Wanted]:
    """
    All that it asks for.
    """
    return [
        Wanted(name, {label: form if sign == "=~" else re.escape(form) for label, sign, form in _MATCHER.findall(by)})
        for name, by in _SELECTED.findall(_GROUPING.sub("", query))
    ]
