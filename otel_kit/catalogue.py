"""
Declarations of metrics: what a metric is called, how it is counted and which labels it has.

Owns the rules a declaration must keep, so that whatever is declared can be exposed. Holds no
values and knows nothing of cells, workers or formats.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from otel_kit.errors import OtelKitError

__all__ = ["DEFAULT_BUCKETS", "OVERFLOW_LABEL", "Declaration", "DeclarationError", "Kind", "Merge"]

Kind = Literal["counter", "gauge", "histogram", "summary"]

Merge = Literal["sum", "max", "min"]
"""How the gauges of several workers become one. Counters, histograms and summaries always add up."""

DEFAULT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Those of prometheus_client, made for seconds."""

OVERFLOW_LABEL = "otel_metric_overflow"
"""Label of the one series that takes the values of all refused ones. Source: OpenTelemetry's metrics SDK."""

RESERVED_LABELS = frozenset({"le", "quantile", OVERFLOW_LABEL})

MAX_BUCKETS = 1000
MAX_SHOWN = 100

_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

_DERIVED: dict[Kind, tuple[str, ...]] = {
    "counter": ("_total",),
    "gauge": (),
    "histogram": ("_count", "_sum", "_bucket"),
    "summary": ("_count", "_sum"),
}


class DeclarationError(OtelKitError, ValueError):
    """
    A metric that can't be declared like this, and why, on one line.
    """


@dataclass(frozen=True)
class Declaration:
    """
    One metric.

    Args:
        name: As exposed; a counter's ends in `_total`.
        buckets: Upper bounds of a histogram, rising, without +Inf.
        unit: As OpenTelemetry writes it (`s`, `By`), or nothing.
        extremes: A histogram that keeps its smallest and largest observation too.

    Raises:
        DeclarationError: A name, label or bucket that no format could carry.
    """

    kind: Kind
    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    unit: str = ""
    merge: Merge = "sum"
    extremes: bool = False

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind) or self.merge not in get_args(Merge):
            raise DeclarationError(f"metric {self.name!r} is of no known kind: {self.kind!r}, {self.merge!r}")
        _check_texts(self)
        if self.merge != "sum" and self.kind != "gauge":
            raise DeclarationError(f"metric {self.name!r}: only gauges can be merged by {self.merge}")
        if self.extremes and self.kind != "histogram":
            raise DeclarationError(f"metric {self.name!r}: only histograms keep extremes")
        _check_labels(self.name, self.labels)
        _check_buckets(self)

    @cached_property
    def schema(self) -> tuple[object, ...]:
        """
        What must be equal for values to be added up: all but the help text.
        """
        same = (self.kind, self.name, self.labels, self.buckets, self.unit, self.merge)
        return (*same, "extremes") if self.extremes else same

    @property
    def summed(self) -> int:
        """
        Numbers of one series that add up: a histogram has its sum, then a count for each bucket and for +Inf.
        """
        if self.kind == "histogram":
            return len(self.buckets) + 2
        return 2 if self.kind == "summary" else 1

    @property
    def width(self) -> int:
        """
        All numbers that one series needs in a seat: extremes stand behind those that add up, the smallest first.
        """
        return self.summed + 2 if self.extremes else self.summed

    @property
    def empty(self) -> tuple[float, ...]:
        """
        The numbers of a series before anything was counted; extremes of nothing give way to any other.
        """
        nothing = (0.0,) * self.summed
        return (*nothing, math.inf, -math.inf) if self.extremes else nothing

    @property
    def per_second(self) -> float:
        """
        How many of the metric's units of time there are in a second: 1000 where its name ends in milliseconds.
        """
        return 1000.0 if self.name.endswith(("_ms", "_milliseconds")) else 1.0

    @property
    def claimed_names(self) -> frozenset[str]:
        """
        All names that this metric takes in one of the formats, so that no other may have them.
        """
        stem = self.name[: -len("_total")] if self.kind == "counter" else self.name
        return frozenset({stem, *(stem + ending for ending in _DERIVED[self.kind])})


def joined_name(name: str, namespace: str = "", subsystem: str = "", unit: str = "", *, ending: str = "") -> str:
    """
    A metric's whole name, of its parts as prometheus_client takes them.

    Args:
        unit: Stands at the end, and is not put there twice.
        ending: What stands behind all others; the name may have it already.

    Raises:
        DeclarationError: A part is no text, or nothing is left of the name without its ending.
    """
    for part in (name, namespace or "", subsystem or "", unit or ""):
        if not isinstance(part, str):
            raise DeclarationError(f"metric {_shown(name)}: {_shown(part)} in its name is no text")
    stem = name.removesuffix(ending)
    if not stem:
        raise DeclarationError(
            f"metric name {name!r} is empty{f' before {ending!r}' if ending else ''}: give it a name"
        )
    full = "_".join(part for part in (namespace, subsystem, stem) if part)
    return (full if not unit or full.endswith(f"_{unit}") else f"{full}_{unit}") + ending


def label_names(labels: Iterable[str]) -> tuple[str, ...]:
    """
    The names as a tuple, for a metric of the application's own.

    One bare string is refused, since it would be read letter by letter, and so is the label of the
    overflow series, which only the SDK's own instruments may bring along.
    """
    if isinstance(labels, (str, bytes)):
        raise DeclarationError(f"label names must be a list, not the text {_shown(labels)}")
    try:
        names = tuple(labels)
    except TypeError as error:
        raise DeclarationError(f"label names must be a list, not {_shown(labels)}") from error
    if OVERFLOW_LABEL in names:
        raise DeclarationError(f"label {OVERFLOW_LABEL!r} is reserved: name it otherwise")
    return names


def bucket_bounds(buckets: Iterable[float]) -> tuple[float, ...]:
    """
    The bounds as numbers, without the +Inf that every histogram has anyway.
    """
    if isinstance(buckets, (str, bytes)):
        raise DeclarationError(f"buckets must be a list of numbers, not the text {_shown(buckets)}")
    try:
        bounds = tuple(float(bound) for bound in buckets)
    except (TypeError, ValueError, OverflowError) as error:
        raise DeclarationError(f"buckets must be numbers: {_shown(buckets)}") from error
    return bounds[:-1] if bounds and bounds[-1] == math.inf else bounds


def series_cap(most: int | None) -> int | None:
    """
    How many series a metric may have; None for the usual number.
    """
    if most is None or (isinstance(most, int) and not isinstance(most, bool) and most >= 1):
        return most
    raise DeclarationError(f"max_series must be a whole number from 1, not {_shown(most)}")


def _check_texts(declaration: Declaration) -> None:
    """
    Names that all formats carry, and texts where texts stand: a page would have to leave out whatever is none.
    """
    name, kind = declaration.name, declaration.kind
    if not isinstance(name, str) or not _METRIC_NAME.fullmatch(name):
        raise DeclarationError(f"metric name {_shown(name)} must be letters, digits, '_' and ':'")
    if kind == "counter" and not name.endswith("_total"):
        raise DeclarationError(f"counter {name!r} must end in '_total'")
    if name == "_total" and kind == "counter":
        # OpenMetrics calls the counter by what stands before
        raise DeclarationError("metric name '_total' is empty before '_total': give it a name")
    for place, text in (("help", declaration.help), ("unit", declaration.unit)):
        if not isinstance(text, str):
            raise DeclarationError(f"metric {name!r} has no text as its {place}: {_shown(text)}")
        if _LONE_SURROGATE.search(text):
            raise DeclarationError(f"the {place} of metric {name!r} has what UTF-8 can't carry: {_shown(text)}")


def _check_labels(name: str, labels: tuple[str, ...]) -> None:
    if not isinstance(labels, tuple):
        raise DeclarationError(f"labels of metric {name!r} must be a tuple of names, not {_shown(labels)}")
    for label in labels:
        if not isinstance(label, str) or not _LABEL_NAME.fullmatch(label):
            raise DeclarationError(f"label {_shown(label)} of metric {name!r} must be letters, digits and '_'")
        # alone, the overflow label is that of another library's own overflow series
        if (label in RESERVED_LABELS and labels != (OVERFLOW_LABEL,)) or label.startswith("__"):
            raise DeclarationError(f"label {label!r} of metric {name!r} is reserved: name it otherwise")
    if len(set(labels)) < len(labels):
        raise DeclarationError(f"metric {name!r} has a label twice: {', '.join(labels)}")


def _check_buckets(declaration: Declaration) -> None:
    buckets, name = declaration.buckets, declaration.name
    if not isinstance(buckets, tuple) or not all(isinstance(bound, (int, float)) for bound in buckets):
        raise DeclarationError(f"buckets of metric {name!r} must be a tuple of numbers, not {_shown(buckets)}")
    if declaration.kind != "histogram":
        if buckets:
            raise DeclarationError(f"metric {name!r} is no histogram and has no buckets")
        return
    if not 1 <= len(buckets) <= MAX_BUCKETS:
        raise DeclarationError(f"histogram {name!r} needs between 1 and {MAX_BUCKETS} finite buckets")
    rising = all(low < high for low, high in itertools.pairwise(buckets))
    if not rising or not all(math.isfinite(bound) for bound in buckets):
        raise DeclarationError(f"buckets of histogram {name!r} must be finite and rise: {buckets}")


def _shown(value: object) -> str:
    """
    The value for an error of one line, which whatever was given must not make long.
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
