"""
What a page is made of: families, and which of two that claim one name is shown.

Owns the `Family`, the one shape in which the ledger and the instruments of other libraries reach
the page, and the record of what had to be left out. Knows no text format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from otel_kit.faults import fault
from otel_kit.ledger.snapshot import FamilySnapshot, Series

__all__ = ["Family", "FamilyKind", "LeftOut", "arrange"]

FamilyKind = Literal["counter", "gauge", "histogram", "summary", "info"]

METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
SUFFIXES: dict[FamilyKind, tuple[str, ...]] = {
    "counter": ("_total", "_created"),
    "gauge": (),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "summary": ("_sum", "_count", "_created"),
    "info": ("_info",),
}
UNIT_WORDS = {"s": "seconds", "ms": "milliseconds", "By": "bytes"}
MAX_SAID = 1000


class Family(NamedTuple):
    """
    One metric name with its series.

    Attributes:
        name: As the text format shows it, `_total` and `_info` included.
        buckets: Upper bounds without +Inf; empty but for a histogram.
        unit: Prometheus' word for it (`seconds`), or empty.
        labels: Names behind the values in `Series.key`; empty where series have no key.
        additive: Whether a gauge of several processes is their sum, rather than the largest.
    """

    kind: FamilyKind
    name: str
    help: str
    series: list[Series]
    buckets: tuple[float, ...] = ()
    unit: str = ""
    labels: tuple[str, ...] = ()
    additive: bool = True

    @classmethod
    def of(cls, snapshot: FamilySnapshot) -> Family:
        """
        The family of a ledger's metric.
        """
        declared = snapshot.declaration
        return cls(
            declared.kind,
            declared.name,
            declared.help,
            snapshot.series,
            declared.buckets,
            UNIT_WORDS.get(declared.unit, declared.unit),
            declared.labels,
        )

    @property
    def shape(self) -> tuple[FamilyKind, tuple[float, ...], tuple[str, ...]]:
        """
        What, besides the name and the series, decides how lines are written.
        """
        return (self.kind, self.buckets, self.labels)

    def without_exemplars(self) -> Family:
        """
        The same numbers, which lead to no trace.
        """
        return self._replace(series=[each._replace(exemplars=()) if each.exemplars else each for each in self.series])

    @property
    def base(self) -> str:
        """
        The name without the suffix that its kind gives it: OpenMetrics' family name.
        """
        suffix = {"counter": "_total", "info": "_info"}.get(self.kind, "")
        return self.name[: -len(suffix)] if suffix and self.name.endswith(suffix) else self.name


class LeftOut:
    """
    What could not be shown, each thing counted and said once however often it is scraped.
    """

    def __init__(self) -> None:
        self._said: set[tuple[str, str]] = set()

    def add(self, name: str, reason: str) -> None:
        """
        Count and say that something of the metric `name` is left out.

        Args:
            reason: A fixed sentence; values of labels have no place in it.
        """
        name = name if isinstance(name, str) else repr(name)
        if (name, reason) in self._said:
            return
        if len(self._said) < MAX_SAID:
            self._said.add((name, reason))
        fault("exposition", f"{name[:100]}: {reason}")


def arrange(families: Iterable[Family], openmetrics: bool, left_out: LeftOut) -> list[list[Family]]:
    """
    The families to show, those of one name together; where two exclude each other the first stays.

    Args:
        openmetrics: Whether names exclude each other by OpenMetrics' rule, in which a counter
            `x_total` takes `x` and `x_created` too.
    """
    groups: dict[str, list[Family]] = {}
    owners: dict[str, str] = {}
    for family in families:
        try:
            reason = _join(family, groups, owners, openmetrics)
        except Exception as error:  # whatever is odd about one family costs that family only
            reason = f"the family can't be shown ({type(error).__name__})"
        if reason is not None:
            left_out.add(family.name, reason)
    return list(groups.values())


def _join(family: Family, groups: dict[str, list[Family]], owners: dict[str, str], openmetrics: bool) -> str | None:
    """
    Take the family in; or why it can't be.
    """
    hash(family.shape)  # what is kept between pages is found by it
    group = groups.get(family.name)
    if group is not None:
        if group[0].kind != family.kind:
            return f"already shown as a {group[0].kind}, this {family.kind} is left out"
        group.append(family)
        return None
    # a name may be whole, and nothing without its suffix
    if not METRIC_NAME.match(family.name) or not family.base:
        return "not a valid metric name"
    names = _claims(family, openmetrics)
    rivals = [owners[name] for name in names if name in owners]
    if rivals:
        return f"its sample names are those of {rivals[0]}, which was there first"
    groups[family.name] = [family]
    owners.update(dict.fromkeys(names, family.name))
    return None


def _claims(family: Family, openmetrics: bool) -> list[str]:
    """
    Every name that no other family may use in this format.
    """
    if not openmetrics:
        suffixes = [suffix for suffix in SUFFIXES[family.kind] if suffix != "_created"]
        own = [] if family.kind in ("counter", "info") else [family.base]
        return own + [family.base + suffix for suffix in suffixes]
    return [family.base, *(family.base + suffix for suffix in SUFFIXES[family.kind])]
