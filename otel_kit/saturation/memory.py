"""
How much memory there still is for this process: the machine's, or its container's where that limit is nearer.

Owns reading the figures. On Linux they come from `/proc/meminfo` and the control groups, of both
versions, that the process is in. Elsewhere nobody tells what is free without further libraries: there the machine's
memory less the most that this process ever had counts as available.

Pages of files that the kernel would give back count as available, as they do in `MemAvailable`. What a group holds of
them is its `inactive_file`, as the kubelet has it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from otel_kit.health_layout import Memory
from otel_kit.saturation import groups
from otel_kit.saturation.groups import groups_of
from otel_kit.saturation.pace import Pace
from otel_kit.saturation.process import LINUX, READ_EVERY_SECONDS, peak_memory

__all__ = ["MemoryFigures", "memory_limit"]

MEGABYTE = 1024 * 1024
NO_LIMIT = 2**60
"""The first version writes the largest number of pages there can be."""


class Figures(NamedTuple):
    """
    In bytes.
    """

    total: int
    available: int


class Files(NamedTuple):
    """
    What a version of control groups calls its files.
    """

    limit: str
    usage: str
    reclaimable: bytes


VERSION_1 = Files("memory.limit_in_bytes", "memory.usage_in_bytes", b"total_inactive_file")
VERSION_2 = Files("memory.max", "memory.current", b"inactive_file")


class MemoryFigures:
    """
    What is left, read at most once a second however many ask.
    """

    def __init__(self) -> None:
        self._pace = Pace(READ_EVERY_SECONDS)
        self._latest: Memory | None = None

    def __call__(self) -> Memory | None:
        """
        Of the machine and of all groups around this process, the figures of what runs out first.

        None where nobody tells.
        """
        if self._pace.due():
            self._latest = _read()
        return self._latest


def memory_limit() -> int | None:
    """
    Bytes that there are at most; None where nobody tells.
    """
    return min((figures.total for figures in _known()), default=None)


def _known() -> list[Figures]:
    return [*_machine(), *_groups()] if LINUX else [*_elsewhere()]


def _read() -> Memory | None:
    known = _known()
    if not known:
        return None
    nearest = min(known, key=lambda figures: figures.available)
    used_percent = 100.0 * (1 - nearest.available / nearest.total)
    return Memory(round(used_percent, 1), round(nearest.available / MEGABYTE, 2))


def _machine() -> Iterator[Figures]:
    try:
        lines = (groups.PROC / "meminfo").read_bytes().splitlines()
        kilobytes = {line.partition(b":")[0]: int(line.split()[1]) for line in lines}
        yield _figures(kilobytes[b"MemTotal"] * 1024, kilobytes[b"MemAvailable"] * 1024)
    except (OSError, LookupError, ValueError):
        return  # a container may hide it


def _groups() -> Iterator[Figures]:
    """
    The groups with a limit.
    """
    for group in groups_of("memory"):
        yield from _limited(group.place, VERSION_1 if group.version == 1 else VERSION_2)


def _limited(place: Path, files: Files) -> Iterator[Figures]:
    try:
        limit = int((place / files.limit).read_bytes())
        usage = int((place / files.usage).read_bytes())
        statistics = (place / "memory.stat").read_bytes().splitlines()
    except (OSError, ValueError):
        return  # no such group, no such controller, or no limit: "max"
    if limit >= NO_LIMIT:
        return
    reclaimable = next((int(line.split()[1]) for line in statistics if line.startswith(files.reclaimable)), 0)
    yield _figures(limit, limit - usage + reclaimable)


def _elsewhere() -> Iterator[Figures]:
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return
    yield _figures(total, total - int(peak_memory()))


def _figures(total: int, available: int) -> Figures:
    """
    Within what is possible: a usage is read a moment after its limit.
    """
    total = max(total, 1)
    return Figures(total, min(max(available, 0), total))
