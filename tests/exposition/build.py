"""
Small families and pages for these tests.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from otel_kit.exposition.families import Family
from otel_kit.exposition.text import Renderer
from otel_kit.faults import counts
from otel_kit.ledger import Exemplar, Series

__all__ = ["counter", "faults", "gauge", "histogram", "page", "samples", "series"]

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def series(*values: float, exemplars: tuple[Exemplar | None, ...] = (), **labels: str) -> Series:
    """
    A series with these labels, in this order.
    """
    return Series(tuple(labels.items()), values, exemplars)


def counter(name: str = "orders_total", *rows: Series) -> Family:
    """
    A counter with these series.
    """
    return Family("counter", name, "Orders taken.", list(rows))


def gauge(name: str, *rows: Series) -> Family:
    """
    A gauge with these series.
    """
    return Family("gauge", name, "A gauge.", list(rows))


def histogram(name: str, buckets: tuple[float, ...], *rows: Series) -> Family:
    """
    A histogram with these series.
    """
    return Family("histogram", name, "A histogram.", list(rows), buckets)


def page(families: Iterable[Family], openmetrics: bool = False, renderer: Renderer | None = None) -> str:
    """
    The whole page.
    """
    return "".join((renderer or Renderer()).chunks(families, openmetrics))


def samples(text: str, openmetrics: bool = False) -> Samples:
    """
    Every sample of a page, as prometheus_client's parser reads it.
    """
    parse = parse_openmetrics if openmetrics else parse_text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def faults() -> int:
    """
    Faults of this part so far.
    """
    return counts().get("exposition", 0)
