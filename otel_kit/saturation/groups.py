"""
The control groups that this process is in, of both versions.

Owns where they stand. What is read there is of whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["GROUPS", "PROC", "Group", "groups_of"]

PROC = Path("/proc")
GROUPS = Path("/sys/fs/cgroup")


class Group(NamedTuple):
    """
    A directory of the group's files, whose names depend on the version.
    """

    place: Path
    version: int


def groups_of(controller: str) -> Iterator[Group]:
    """
    From the process's own up to the root.

    Within a container the path may be that of the host: whoever reads passes over what isn't there, and the root is
    the container's own.
    """
    try:
        lines = (PROC / "self" / "cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        # the directory of version 1 has the names of all controllers that are mounted together, or one of them
        roots = [GROUPS / name for name in dict.fromkeys((controllers, controller))] if controllers else [GROUPS]
        root = next((one for one in roots if one.is_dir()), roots[-1])
        group = root / path.lstrip("/")
        for place in (group, *group.parents):
            yield Group(place, 1 if controllers else 2)
            if place == root:
                break
