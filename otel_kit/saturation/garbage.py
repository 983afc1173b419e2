"""
Collections of garbage: how many, what they found, and for how long each held everything up.

Owns the hook into the collector. It runs in the middle of anything, in whichever thread has just
made an object, maybe while that thread holds a lock of the ledger's: so it only adds to numbers of
its own, and these are published when metrics are read.
"""

from __future__ import annotations

import gc
from bisect import bisect_left
from collections.abc import Mapping
from time import perf_counter

from otel_kit.ledger import Counter, Histogram

__all__ = ["Garbage"]

GENERATIONS = ("0", "1", "2")
BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)

gc_pause = Histogram(
    "otel_kit_gc_pause_seconds",
    "How long a collection of garbage held up the process.",
    ["generation"],
    buckets=BOUNDS,
)
# prometheus_client's names and texts
_statistics = (
    ("collections", "python_gc_collections_total", "Number of times this generation was collected"),
    ("collected", "python_gc_objects_collected_total", "Objects collected during gc"),
    ("uncollectable", "python_gc_objects_uncollectable_total", "Uncollectable objects found during GC"),
)
_counters = [
    (key, [Counter(name, text, ["generation"]).labels(generation) for generation in GENERATIONS])
    for key, name, text in _statistics
]
_pauses = [gc_pause.labels(generation) for generation in GENERATIONS]


class Garbage:
    """
    The collector of this process.
    """

    def __init__(self) -> None:
        self._inherited = [{key: 0 for key, *_ in _statistics} for _ in GENERATIONS]
        self._begin()

    def _begin(self) -> None:
        self._started = 0.0
        self._seconds = [0.0 for _ in GENERATIONS]
        self._counts = [[0.0] * (len(BOUNDS) + 1) for _ in GENERATIONS]

    def start(self) -> None:
        """
        Have each collection timed.
        """
        gc.callbacks.append(self._time)

    def stop(self) -> None:
        """
        Time none any more.
        """
        gc.callbacks.remove(self._time)

    def zero(self) -> None:
        """
        Count from now on: a forked child has its parent's numbers.
        """
        self._inherited = gc.get_stats()
        self._begin()

    def _time(self, phase: str, info: Mapping[str, int]) -> None:
        if phase == "start":
            self._started = perf_counter()
            return
        seconds = perf_counter() - self._started
        generation = info["generation"]
        self._seconds[generation] += seconds
        self._counts[generation][bisect_left(BOUNDS, seconds)] += 1.0

    def refresh(self) -> None:
        """
        Publish what there is by now.
        """
        statistics = gc.get_stats()
        for key, series in _counters:
            for child, found, before in zip(series, statistics, self._inherited, strict=True):
                child.publish((float(found[key] - before[key]),))
        for pauses, seconds, counts in zip(_pauses, self._seconds, self._counts, strict=True):
            pauses.publish((seconds, *counts))
