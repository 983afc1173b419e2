"""
Who is one server: the workers whose numbers belong together.

Owns the rule, and a name that all workers of one server find and nobody else does. Knows
nothing of files.

A worker is a process started by a known server's supervisor. To have a parent is not enough: a
single uvicorn started from a shell shares that shell with other servers, and a test may start
several servers by `multiprocessing`.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import NamedTuple

__all__ = ["Parent", "find_group", "group_parent", "is_alive"]

SERVERS = ("uvicorn", "hypercorn", "granian")
"""Servers that start their workers by `multiprocessing`, as the module of the process's target."""

START_TIME_FIELD = 22


class Parent(NamedTuple):
    """
    The supervisor that a group belongs to.
    """

    namespace: str
    pid: int
    started: str


def find_group(service: str) -> str | None:
    """
    Name of this worker's group; None if the process serves alone.

    Args:
        service: Keeps apart two services that one program supervises.
    """
    if not (_started_by_multiprocessing() or _started_by_gunicorn()):
        return None
    pid = os.getppid()
    digest = hashlib.sha256(service.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{_pid_namespace()}-{pid}-{_start_time(pid) or 0}-{digest}"


def group_parent(group: str) -> Parent | None:
    """
    The supervisor that a group's name records; None if it is no group's name.
    """
    parts = group.split("-")
    if len(parts) != 4 or not parts[1].isdecimal():
        return None
    return Parent(parts[0], int(parts[1]), parts[2])


def is_alive(parent: Parent) -> bool:
    """
    Whether the supervisor may still start workers. One of another pid namespace is out of sight, and counts as alive.
    """
    if parent.namespace != _pid_namespace():
        return True
    started = _start_time(parent.pid)
    if started is not None:
        return parent.started in (started, "0")
    try:
        os.kill(parent.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _started_by_multiprocessing() -> bool:
    # a child of multiprocessing has it loaded: no need to load it here
    processes = sys.modules.get("multiprocessing.process")
    if processes is None or processes.parent_process() is None:
        return False
    target = getattr(processes.current_process(), "_target", None)
    # the attribute is private: without it, a process of multiprocessing that serves is a worker
    return target is None or str(getattr(target, "__module__", "")).partition(".")[0] in SERVERS


def _started_by_gunicorn() -> bool:
    if "gunicorn.arbiter" not in sys.modules:
        return False
    parent = _command_line(os.getppid())
    # a lone process may import gunicorn for another reason; its parent is then another program
    return parent is None or parent.startswith(b"gunicorn") or parent == _command_line(os.getpid())


def _command_line(pid: int) -> bytes | None:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None


def _pid_namespace() -> str:
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return "0"


def _start_time(pid: int) -> str | None:
    """
    Kernel ticks from boot to the start of the process; None if there is none, or nobody may look.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # the second field is the program's name in brackets, and may hold anything
    fields = text[text.rindex(b")") + 2 :].split()
    return fields[START_TIME_FIELD - 3].decode()
