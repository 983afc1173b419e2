"""
Where the kit and the Collector want to write, and whether they may.

Owns the question. Makes nothing and writes nothing.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from otel_kit.cli.doctor.remarks import Remark, remark, safe
from otel_kit.cli.doctor.sources import Sources
from otel_kit.ledger.place import find_places

__all__ = ["Place", "judge_places", "read_places"]

GROUP = "doctor"

COLLECTOR_DIRECTORIES = ("OTEL_KIT_QUEUE_DIR", "OTEL_KIT_FILE_DIR")


@dataclass(frozen=True)
class Place:
    """
    One directory.
    """

    purpose: str
    path: str
    """Empty where there is none to be had."""
    problem: str
    """Empty where it can be written to."""
    remedy: str


def read_places(sources: Sources) -> list[Place]:
    """
    The directory in which workers meet, and those that are named for the Collector.
    """
    return [_meeting_place(), *_named(sources)]


def judge_places(places: list[Place]) -> list[Remark]:
    """
    A warning for workers without a place, an error for a directory that was named and can't be used.
    """
    return [
        remark(
            "warning" if place.purpose == "workers" else "error",
            "places",
            f"{place.purpose}: {place.path or 'no directory'} {place.problem}",
            place.remedy,
        )
        for place in places
        if place.problem
    ]


def _meeting_place() -> Place:
    problems = []
    for path in find_places(GROUP):
        # the group's own directory is made by the first worker
        directory = os.path.dirname(path)
        problem = _why_not_private(directory)
        if not problem:
            return Place("workers", safe(directory), "", "")
        problems.append((directory, problem))
    directory, problem = problems[0] if problems else ("", "can be written to; the workers' metrics stay apart")
    remedy = "give this user a writable /dev/shm, XDG_RUNTIME_DIR or TMPDIR of its own"
    return Place("workers", safe(directory), problem, remedy)


def _why_not_private(directory: str) -> str:
    try:
        found = os.lstat(directory)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"can't be looked at ({(error.strerror or type(error).__name__).lower()})"
    private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    return "" if private else "is no directory of this user alone"


def _named(sources: Sources) -> list[Place]:
    return [
        _directory(name, sources.environ[name].strip()) for name in COLLECTOR_DIRECTORIES if name in sources.environ
    ]


def _directory(variable: str, value: str) -> Place:
    path = Path(value).expanduser().absolute()
    nearest = next(one for one in (path, *path.parents) if one.exists())
    writable = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    problem = "" if writable else f"can't be written to ({nearest} is in the way)"
    return Place(variable, safe(str(path)), safe(problem), "name a directory that the Collector's user may write to")
