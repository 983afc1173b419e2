"""
How much memory and CPU this process may take at most: the machine's, or its container's where that is less.

Owns the two metrics. What is used stands under Prometheus' names, and a share is a quotient of both.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from otel_kit.ledger import Gauge
from otel_kit.saturation.groups import Group, groups_of
from otel_kit.saturation.memory import memory_limit
from otel_kit.saturation.pace import Pace

__all__ = ["Limits"]

READ_EVERY_SECONDS = 60.0
"""A container may be given more while it runs."""

# of several workers, which share them. What is not known has no value: by a 0 nothing can be divided
memory_limit_bytes = Gauge(
    "otel_kit_memory_limit_bytes",
    "Memory that the machine has, or the container's limit where that is less.",
    multiprocess_mode="max",
)
cpu_limit_cores = Gauge(
    "otel_kit_cpu_limit_cores",
    "Cores that the process may use: of the machine, or by the container's quota where that is less.",
    multiprocess_mode="max",
)
memory_limit_bytes.remove()


class Limits:
    """
    The limits of this process.
    """

    def __init__(self) -> None:
        self._pace = Pace(READ_EVERY_SECONDS)

    def refresh(self) -> None:
        """
        Read them, unless that was done in the last minute.
        """
        if not self._pace.due():
            return
        most = memory_limit()
        if most:
            memory_limit_bytes.labels().set(float(most))
        else:
            memory_limit_bytes.remove()
        cpu_limit_cores.set(min([float(_cores()), *_quotas()]))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas() -> Iterator[float]:
    for group in groups_of("cpu"):
        try:
            quota, period = _quota(group)
        except (OSError, ValueError):
            continue  # no such group, no such controller, or no quota: "max"
        if quota > 0 and period > 0:
            yield quota / period


def _quota(group: Group) -> tuple[int, int]:
    if group.version == 1:
        return _number(group.place / "cpu.cfs_quota_us"), _number(group.place / "cpu.cfs_period_us")
    quota, period = (group.place / "cpu.max").read_bytes().split()
    return int(quota), int(period)


def _number(path: Path) -> int:
    return int(path.read_bytes())
