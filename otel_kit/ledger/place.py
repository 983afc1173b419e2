"""
Where seats are kept, and the removal of those that servers left behind.

Owns the choice of directory and its safety: it belongs to this user alone, and no link is
followed. Memory-backed places come first, since a store there never waits for a disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator

from otel_kit.ledger.files import VALUES
from otel_kit.ledger.group import group_parent, is_alive

__all__ = ["find_places", "make_private", "seat_names", "sweep"]


def find_places(group: str, directory: str | None = None) -> list[str]:
    """
    Paths at which this group may keep its seats, best first.

    Where seats of the group exist already there is no choice: workers that meet elsewhere would
    not see each other.
    """
    bases = [directory] if directory is not None else _bases()
    paths = [os.path.join(base, f"otel_kit-{_user()}", group) for base in bases]
    return next(([path] for path in paths if seat_names(path)), paths)


def make_private(path: str) -> None:
    """
    Make the group's directory, and the one it stands in.

    Raises:
        OSError: It can't be made, or belongs to somebody else, or others may write there.
    """
    for part in (os.path.dirname(path), path):
        with contextlib.suppress(FileExistsError):
            os.mkdir(part, 0o700)
        found = os.lstat(part)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != _user() or found.st_mode & 0o077:
            raise PermissionError(f"{part} is no directory of this user alone")


def seat_names(path: str) -> set[str]:
    """
    Names of the seats in a directory; none if there is no such directory.
    """
    try:
        entries = os.listdir(path)
    except OSError:
        return set()
    return {entry[: -len(VALUES)] for entry in entries if entry.endswith(VALUES) and not entry.startswith(".")}


def sweep(path: str) -> None:
    """
    Remove the directories of servers that are gone: no supervisor, and nobody in any seat.
    """
    root, own = os.path.split(path)
    for group in os.listdir(root):
        parent = group_parent(group)
        if group == own or parent is None or is_alive(parent):
            continue
        # several workers may sweep at once, and then find things gone
        with contextlib.suppress(OSError):
            _remove(os.path.join(root, group))


def _remove(path: str) -> None:
    with contextlib.ExitStack() as stack:
        for name in seat_names(path):
            descriptor = os.open(os.path.join(path, name + VALUES), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for entry in os.listdir(path):
            os.unlink(os.path.join(path, entry))
        os.rmdir(path)


def _bases() -> list[str]:
    return list(_existing(("/dev/shm", os.environ.get("XDG_RUNTIME_DIR", ""), _temporary())))


def _existing(paths: tuple[str, ...]) -> Iterator[str]:
    for path in paths:
        if path and os.path.isdir(path) and os.access(path, os.W_OK):
            yield path


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:  # a read-only system has none
        return ""


def _user() -> int:
    return os.geteuid()
