"""
What a snapshot of the ledger is made of.

Plain tuples, since a scrape makes thousands of them. Knows nothing of where numbers come from.
"""

from __future__ import annotations

from typing import NamedTuple

from otel_kit.catalogue import Declaration

__all__ = ["Exemplar", "FamilySnapshot", "Series"]


class Exemplar(NamedTuple):
    """
    One observation, and the trace it was made in.
    """

    trace_id: str
    span_id: str
    value: float
    timestamp: float
    """Epoch seconds."""


class Series(NamedTuple):
    """
    One label set and its numbers.

    `values` are (value,) of a counter or gauge, (sum, bucket, …, bucket of +Inf) of a histogram,
    not cumulative, and (sum, count) of a summary. A histogram's count is the total of its buckets.
    """

    labels: tuple[tuple[str, str], ...]
    values: tuple[float, ...]
    exemplars: tuple[Exemplar | None, ...] = ()
    """Empty, or one place for each of `values`: `exemplars[i]` belongs to `values[i]`."""
    key: tuple[str, ...] = ()
    """The label values. With the metric's name it is this series' identity, in every snapshot."""
    extremes: tuple[float, float] | None = None
    """Smallest and largest observation, of a histogram that keeps them and has one."""


class FamilySnapshot(NamedTuple):
    """
    One metric with all its series. A metric with labels may have none yet.
    """

    declaration: Declaration
    series: list[Series]
