"""
Workers within one process: each has a ledger and a registry of its own, and meets the others in a directory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from otel_kit.ledger import Counter, Gauge, Histogram, Ledger, Registry

GROUP = "test-group"


@dataclass
class Worker:
    """
    What one process of a server would have.
    """

    registry: Registry = field(default_factory=Registry)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.registry)
        self.orders = Counter("orders", "Orders.", ["status"], registry=self.registry)
        self.busy = Gauge("busy", "Busy.", registry=self.registry)
        self.sizes = Histogram("sizes", "Sizes.", buckets=(1.0, 2.0), registry=self.registry)

    def seen(self, name: str, own: bool = False) -> dict[tuple[str, ...], tuple[float, ...]]:
        """
        Values by label values, of one metric.
        """
        return {
            series.key: series.values
            for family in self.ledger.snapshot(own)
            if family.declaration.name == name
            for series in family.series
        }


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[[], Worker]]:
    """
    Makes workers of one server.
    """
    made: list[Worker] = []

    def make() -> Worker:
        one = Worker()
        one.ledger.attach(group=GROUP, directory=str(tmp_path))
        made.append(one)
        return one

    yield make
    for one in made:
        one.ledger.close()


@pytest.fixture
def registry() -> Registry:
    """
    Metrics of this test alone.
    """
    return Registry()


def until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """
    Whether the condition came true in time.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
