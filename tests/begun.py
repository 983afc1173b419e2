"""
What a test has begun in this process and not ended, without what other tests have left.

Numbers of the whole process are no measure: a thread or a connection of an earlier test may end, or begin, at any
moment.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

__all__ = ["Begun", "open_below"]


class Begun:
    """
    The threads that began since it was made.
    """

    def __init__(self) -> None:
        self._before = {*threading.enumerate()}

    def threads(self) -> list[str]:
        """
        Names of those that run.
        """
        return [thread.name for thread in threading.enumerate() if thread not in self._before]


def open_below(directory: Path) -> list[str]:
    """
    Files below a directory that this process has open, deleted ones too.
    """
    links = (_target(descriptor) for descriptor in os.listdir("/proc/self/fd"))
    return [link for link in links if link.startswith(str(directory))]


def _target(descriptor: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:  # that of the listing itself, or closed by another thread
        return ""
