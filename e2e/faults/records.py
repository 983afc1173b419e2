"""
Records that can be told apart: each carries a number that no other has.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from e2e import otlp

__all__ = ["NUMBER", "RESOURCE", "Numbers", "numbered_logs", "numbered_spans"]

NUMBER = "record.number"
RESOURCE = {"service.name": "faults", "service.instance.id": "faults-1"}


class Numbers:
    """
    Gives out numbers; safe for several threads.
    """

    def __init__(self) -> None:
        # next() of a count is one step of the interpreter
        self._count = itertools.count()

    def take(self, count: int) -> list[str]:
        """
        So many that nobody had before.
        """
        return [str(next(self._count)) for _ in range(count)]


def numbered_spans(numbers: Sequence[str], *, padding: int = 0) -> otlp.Request:
    """
    One span for each number, larger by `padding` bytes.
    """
    spans = [otlp.span("GET /orders/{id}", attributes=_attributes(number, padding)) for number in numbers]
    return otlp.traces(spans, RESOURCE)


def numbered_logs(numbers: Sequence[str], *, padding: int = 0) -> otlp.Request:
    """
    One log record for each number, larger by `padding` bytes.
    """
    records = [otlp.log("order_taken", attributes=_attributes(number, padding)) for number in numbers]
    return otlp.logs(records, RESOURCE)


def _attributes(number: str, padding: int) -> dict[str, str]:
    return {NUMBER: number, "padding": "x" * padding} if padding else {NUMBER: number}
