"""
Workers that take seats, count, and are killed at any moment, with scrapers looking on.

Run as a program, so that it may fork: `python race.py SECONDS DIRECTORY` prints what it saw as
JSON. The truth is kept in memory that all processes share: each worker has a number of its own
there, and writes it after it has counted.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import signal
import sys
import time

from otel_kit.ledger import Counter, Histogram, Ledger, Registry

WORKERS = 4
SCRAPERS = 2
MOST_BIRTHS = 4000
FALLS, TOO_LOW, SCRAPES = range(MOST_BIRTHS, MOST_BIRTHS + 3)
FIELDS_PER_SCRAPER = 4


class Race:
    """
    The processes of one run.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.truth = memoryview(mmap.mmap(-1, 8 * (MOST_BIRTHS + 16))).cast("d")
        self.births = 0

    def ledger(self) -> tuple[Ledger, Counter, Histogram]:
        registry = Registry()
        counter = Counter("events", "Events.", ["kind"], registry=registry)
        histogram = Histogram("sizes", "Sizes.", registry=registry, buckets=(1.0, 2.0))
        return Ledger(registry), counter, histogram

    def fork(self, run, *arguments: int) -> int:  # type: ignore[no-untyped-def]
        pid = os.fork()
        if pid == 0:
            try:
                run(*arguments)
            finally:
                os._exit(1)
        return pid

    def worker(self, number: int) -> None:
        ledger, counter, histogram = self.ledger()
        ledger.attach(group="race", directory=self.directory)
        if ledger.state != "shared":
            os._exit(3)
        series = counter.labels("x")
        while True:
            for _ in range(20):
                series.inc()
                histogram.observe(1.5)
                self.truth[number] += 1.0
            time.sleep(0.001)

    def scraper(self, number: int) -> None:
        ledger, _, _ = self.ledger()
        ledger.attach(group="race", directory=self.directory)
        last = 0.0
        at = MOST_BIRTHS + FIELDS_PER_SCRAPER * number
        while True:
            known = sum(self.truth[:MOST_BIRTHS])
            seen = total(ledger, "events_total")
            self.truth[at] += seen < last
            self.truth[at + 1] += seen < known
            self.truth[at + 2] += 1
            last = seen
            time.sleep(0.002)

    def run(self, seconds: float) -> dict[str, float]:
        scrapers = [self.fork(self.scraper, number) for number in range(SCRAPERS)]
        workers = [self.born() for _ in range(WORKERS)]
        deaths, end = 0, time.monotonic() + seconds
        chance = random.Random(7)
        while time.monotonic() < end and self.births < MOST_BIRTHS:
            time.sleep(chance.uniform(0.0, 0.03))
            victim = chance.randrange(WORKERS)
            kill(workers[victim])
            deaths += 1
            workers[victim] = self.born()
        for pid in [*workers, *scrapers]:
            kill(pid)
        return {"deaths": deaths, **self.outcome()}

    def born(self) -> int:
        self.births += 1
        return self.fork(self.worker, self.births - 1)

    def outcome(self) -> dict[str, float]:
        ledger, _, _ = self.ledger()
        ledger.attach(group="race", directory=self.directory)
        fields = [
            self.truth[MOST_BIRTHS + FIELDS_PER_SCRAPER * n : MOST_BIRTHS + FIELDS_PER_SCRAPER * n + 3].tolist()
            for n in range(SCRAPERS)
        ]
        sizes = next(f for f in ledger.snapshot() if f.declaration.name == "sizes").series[0].values
        seats = [name for _, _, names in os.walk(self.directory) for name in names if name.endswith(".v")]
        return {
            "truth": sum(self.truth[:MOST_BIRTHS]),
            "counted": total(ledger, "events_total"),
            "observed": sum(sizes[1:]),
            "sum": sizes[0],
            "falls": sum(field[0] for field in fields),
            "too_low": sum(field[1] for field in fields),
            "scrapes": sum(field[2] for field in fields),
            "seats": len(seats),
        }


def total(ledger: Ledger, name: str) -> float:
    """
    All series of one counter together.
    """
    return sum(s.values[0] for family in ledger.snapshot() if family.declaration.name == name for s in family.series)


def kill(pid: int) -> None:
    """
    End a child of ours at once, and wait until the kernel has.
    """
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


if __name__ == "__main__":
    print(json.dumps(Race(sys.argv[2]).run(float(sys.argv[1]))))
