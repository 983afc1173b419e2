"""
What a system documents beside its metrics: rates, percentiles and shares, and the figures they are held to.

Owns the shape of both, and how the usual questions are asked in PromQL. Prometheus computes them from the metrics of
the profile; the kit serves no second copy of what a query says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from otel_kit.errors import ProfileError
from otel_kit.shape import check_flag, check_mapping, check_number, check_text

__all__ = ["Reading", "Threshold", "increase", "mean", "quantiles", "rate", "share"]

WINDOW = "5m"


@dataclass(frozen=True)
class Reading:
    """
    One documented line that a query answers.

    The reference page shows it, the conformance tests ask it, and what dashboards are made from reads it.

    Raises:
        ProfileError: No words, or no query.
    """

    what: str
    """As the system's documents call it."""
    queries: Mapping[str, str]
    """Legend -> PromQL; a query that is alone may have the legend `""`."""

    def __post_init__(self) -> None:
        place = f"reading {self.what}"
        check_text(place, "what", self.what)
        check_mapping(place, "queries", self.queries)
        if not self.queries:
            raise ProfileError(place, "it has no query", 'give a PromQL expression: {"": "sum(rate(…[5m]))"}')
        for legend, query in self.queries.items():
            check_text(place, f"queries[{legend!r}]", query)


@dataclass(frozen=True)
class Threshold:
    """
    One documented figure, or three that get worse, in the unit of the reading.

    Raises:
        ProfileError: No name, or no figure.
    """

    name: str
    """As the system's documents call it."""
    reading: str
    """`Reading.what` of what is measured."""
    target: float | None = None
    """What the system promises."""
    warning: float | None = None
    """Beyond it somebody should look."""
    critical: float | None = None
    """Beyond it somebody must act."""
    at_least: bool = False
    """True: the target is a lower bound. Else it is an upper one, and the other two are exceeded."""
    legend: str = ""
    """Which query of the reading; empty where there is one."""

    def __post_init__(self) -> None:
        place = f"threshold {self.name}"
        check_text(place, "name", self.name)
        check_text(place, "reading", self.reading)
        check_text(place, "legend", self.legend, empty=True)
        check_flag(place, "at_least", self.at_least)
        figures = {"target": self.target, "warning": self.warning, "critical": self.critical}
        for name, figure in figures.items():
            if figure is not None:
                check_number(place, name, figure)
        if all(figure is None for figure in figures.values()):
            raise ProfileError(place, "it has no figure", "give a target, a warning or a critical one")


def rate(metric: str, by: str = "", selector: str = "", window: str = WINDOW) -> str:
    """
    Events in a second, over all series or by the labels named.
    """
    return f"sum{_by(by)}(rate({metric}{_braces(selector)}[{window}]))"


def increase(metric: str, by: str = "", selector: str = "", window: str = "1d") -> str:
    """
    Events in the window.
    """
    return f"sum{_by(by)}(increase({metric}{_braces(selector)}[{window}]))"


def quantiles(histogram: str, *percents: int, by: str = "", selector: str = "") -> dict[str, str]:
    """
    `{"p95": …}` for the percents, in the histogram's unit.
    """
    labels = f"le, {by}" if by else "le"
    buckets = f"sum by ({labels})(rate({histogram}_bucket{_braces(selector)}[{WINDOW}]))"
    return {f"p{percent}": f"histogram_quantile({percent / 100:g}, {buckets})" for percent in percents}


def mean(measured: str, by: str = "") -> str:
    """
    Of a histogram or summary, in its unit.
    """
    return f"{rate(f'{measured}_sum', by)} / {rate(f'{measured}_count', by)}"


def share(part: str, whole: str) -> str:
    """
    One rate as a part of another, 0 where there is none of the first.
    """
    return f"({part} or vector(0)) / {whole}"


def _by(labels: str) -> str:
    return f" by ({labels})" if labels else ""


def _braces(selector: str) -> str:
    return f"{{{selector}}}" if selector else ""
