"""
Numbers at moments, back to the edge of a window: what an increase over the last minutes is taken from.

Owns the samples of one process, and those that all workers of a server have in common: a small file beside their
seats, a ring with one place for each step of time. Whoever comes first in a step fills its place, so every worker
looks back at the same samples, also one that was started a moment ago.

The clock is the machine's monotonic one, which all its processes share. Places are written and read without a lock:
two workers that meet in one write the same, nearly, and what makes no sense is passed over.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from otel_kit.faults import fault

__all__ = ["History", "Sample", "SharedHistory", "increases"]


class Sample(NamedTuple):
    """
    Two totals, and when they were read.
    """

    moment: float
    part: float
    whole: float


RECORD = Struct("ddd")


class History:
    """
    The samples of one process.

    Args:
        window_seconds: How far back `since` will ask.
        step_seconds: From one sample to the next.
    """

    def __init__(self, window_seconds: float, step_seconds: float) -> None:
        self.step_seconds = step_seconds
        self.places = math.ceil(window_seconds / step_seconds) + 2
        self.samples: dict[int, Sample] = {}
        """By the number of their step, the oldest first."""

    def step(self, moment: float) -> int:
        """
        Number of the step that a moment lies in.
        """
        return int(moment // self.step_seconds)

    def update(self, now: float, read: Callable[[], tuple[float, float]]) -> None:
        """
        Sample, unless there is one of this step.
        """
        if self.step(now) not in self.samples:
            self._keep({self.step(now): Sample(now, *read())})

    def since(self, moment: float) -> list[Sample]:
        """
        The samples from the last one up to the moment on; all, if none is so old.
        """
        samples = list(self.samples.values())
        while len(samples) > 1 and samples[1].moment <= moment:
            del samples[0]
        return samples

    def _keep(self, more: dict[int, Sample]) -> None:
        every = sorted({**self.samples, **more}.items())
        self.samples = dict(every[-self.places :])


class SharedHistory(History):
    """
    The samples of all workers.

    Args:
        path: The file; made where there is none, and filled from memory after somebody has removed it.
    """

    def __init__(self, path: str, window_seconds: float, step_seconds: float) -> None:
        super().__init__(window_seconds, step_seconds)
        self.path = path

    def update(self, now: float, read: Callable[[], tuple[float, float]]) -> None:
        """
        Take in what others have sampled, and sample if nobody has in this step.

        Where the file can't be used this worker goes on with samples of its own.
        """
        found: dict[int, Sample] = {}
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                found = self._read(descriptor, now)
                self._keep(found)
                super().update(now, read)
                self._write(descriptor, found, now)
            finally:
                os.close(descriptor)
        except OSError as error:
            fault("ledger", error)
            super().update(now, read)

    def _read(self, descriptor: int, now: float) -> dict[int, Sample]:
        data = os.pread(descriptor, self.places * RECORD.size, 0)
        whole = data[: len(data) // RECORD.size * RECORD.size]
        samples = (Sample(*fields) for fields in RECORD.iter_unpack(whole))
        return {
            self.step(sample.moment): sample
            for place, sample in enumerate(samples)
            if all(map(math.isfinite, sample)) and sample.moment > 0.0
            if self._has_place(self.step(sample.moment), now) and self.step(sample.moment) % self.places == place
        }

    def _write(self, descriptor: int, found: dict[int, Sample], now: float) -> None:
        for step, sample in self.samples.items():
            if step not in found and self._has_place(step, now):
                os.pwrite(descriptor, RECORD.pack(*sample), step % self.places * RECORD.size)

    def _has_place(self, step: int, now: float) -> bool:
        # an older one has given its place to another
        return self.step(now) - self.places < step <= self.step(now)


def increases(samples: list[Sample], now: tuple[float, float]) -> tuple[float, float]:
    """
    How much both totals have grown from the first sample until now. A fall is a new beginning, and no decrease.
    """
    part = whole = 0.0
    for before, after in zip(samples, [*(sample[1:] for sample in samples[1:]), now], strict=False):
        part += max(0.0, after[0] - before.part)
        whole += max(0.0, after[1] - before.whole)
    return part, whole
