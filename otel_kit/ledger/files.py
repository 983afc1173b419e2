"""
The files of a seat, as whoever sits there and whoever looks on see them.

Owns what both do: reading slots and keys, and asking whether a file still has its name.
"""

from __future__ import annotations

import os
from array import array

from otel_kit.ledger.keylog import KeyLog

__all__ = ["KEYS", "SLOT_BYTES", "VALUES", "allocate", "is_at", "read_new_keys", "read_slots"]

VALUES, KEYS = ".v", ".k"
"""Endings of the two files' names."""

SLOT_BYTES = 8
READ_BYTES = 1024 * 1024


def allocate(descriptor: int, offset: int, size: int) -> None:
    """
    Make sure that the bytes exist on the disk.

    Raises:
        OSError: They do not fit.
    """
    reserve = getattr(os, "posix_fallocate", None)
    if reserve is not None:
        reserve(descriptor, offset, size)
        return
    missing = offset + size - os.fstat(descriptor).st_size
    if missing > 0 and os.pwrite(descriptor, bytes(missing), offset + size - missing) < missing:
        raise OSError("no space left for values")


def read_slots(descriptor: int, count: int) -> list[float]:
    """
    The first slots of a values file. A file that is shorter than its keys say gives zeros.
    """
    data = os.pread(descriptor, count * SLOT_BYTES, 0)
    values = array("d", data[: len(data) // SLOT_BYTES * SLOT_BYTES]).tolist()
    values.extend([0.0] * (count - len(values)))
    return values


def read_new_keys(descriptor: int, log: KeyLog) -> None:
    """
    Let the log read what was appended since the last time.
    """
    while data := os.pread(descriptor, READ_BYTES, log.consumed):
        before = log.consumed
        log.feed(data)
        if log.consumed == before:
            return


def is_at(descriptor: int, path: str) -> bool:
    """
    Whether the open file is the one that stands at the path.
    """
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except OSError:
        return False
