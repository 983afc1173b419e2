"""
A seat: one worker's cells in files, that outlive it.

Owns the two files of a seat and the lock that says somebody sits there. `<name>.v` holds
float64 slots, mapped in chunks; `<name>.k` is the key log. Knows nothing of other seats.

Why it is made like this:

- `mmap` keeps a copy of its descriptor, also in forked children. So the lock is taken through a
  descriptor of its own, or it would outlive its owner.
- A store into a sparse file kills the process (SIGBUS) when the disk is full. `posix_fallocate`
  fails cleanly instead. Nobody ever truncates a values file.
- A slot is a whole multiple of 8 bytes from the page's start, and is written by one store: a
  reader never sees half a number. `struct.pack_into` would write zeros first.
- Chunks are mapped one by one, since a mapping that views point into can't grow.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
from array import array
from bisect import bisect_right
from typing import NamedTuple

from otel_kit.catalogue import Declaration
from otel_kit.ledger.files import KEYS, SLOT_BYTES, VALUES, allocate, is_at, read_new_keys, read_slots
from otel_kit.ledger.keylog import KeyLog, Row

__all__ = ["Seat"]

FIRST_CHUNK_BYTES = 32 * 1024
LARGEST_CHUNK_BYTES = 1024 * 1024
_OPEN = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW


class Chunk(NamedTuple):
    """
    One mapping of a values file.
    """

    first: int
    size: int
    view: memoryview[float]


class Seat:
    """
    The seat this process sits in. Made by `create`, `adopt` or `copy_to`.
    """

    def __init__(self, directory: str, name: str, lock: int, values: int, keys: int) -> None:
        self.directory, self.name = directory, name
        self._lock, self._values, self._keys = lock, values, keys
        self._chunks: list[Chunk] = []
        self._firsts: list[int] = []
        self._log = KeyLog()
        self._next = 0
        self._indexed = 0
        self._slots: dict[tuple[tuple[object, ...], tuple[str, ...]], int] = {}
        self._counts: dict[tuple[object, ...], int] = {}

    @classmethod
    def create(cls, directory: str) -> Seat:
        """
        A new, empty seat.

        Raises:
            OSError: The directory can't be written, or is full.
        """
        name = secrets.token_hex(8)
        seat = cls._open(directory, name, _hidden(directory, name), os.O_CREAT | os.O_EXCL)
        try:
            fcntl.flock(seat._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            seat._grow(FIRST_CHUNK_BYTES)
            seat.show()
        except OSError:
            seat.release()
            _remove_hidden(directory, name)
            raise
        return seat

    @classmethod
    def adopt(cls, directory: str, name: str) -> Seat | None:
        """
        The seat of this name, if nobody sits there. Its gauges are emptied, all else is kept.
        """
        try:
            seat = cls._open(directory, name, os.path.join(directory, name), 0)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(seat._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # locked, but perhaps removed or replaced in between: then it is no place to sit
            if seat.in_place():
                seat._take_over()
                return seat
        except BlockingIOError:
            pass
        except OSError:
            seat.release()
            raise
        seat.release()
        return None

    @classmethod
    def _open(cls, directory: str, name: str, path: str, flags: int) -> Seat:
        opened: list[int] = []
        try:
            for ending, extra in ((VALUES, flags), (VALUES, 0), (KEYS, flags | os.O_APPEND)):
                opened.append(os.open(path + ending, _OPEN | extra, 0o600))
        except OSError:
            for descriptor in opened:
                os.close(descriptor)
            raise
        return cls(directory, name, *opened)

    @property
    def rows(self) -> list[Row]:
        """
        All series that have slots here.
        """
        return self._log.rows

    def is_alive(self) -> bool:
        """
        True: this process sits here.
        """
        return True

    def read(self) -> list[float]:
        """
        All slots in use.
        """
        return read_slots(self._values, self._log.used)

    def in_place(self) -> bool:
        """
        Whether both files still stand under their names.
        """
        path = os.path.join(self.directory, self.name)
        return (
            is_at(self._lock, path + VALUES) and is_at(self._values, path + VALUES) and is_at(self._keys, path + KEYS)
        )

    def count_of(self, declaration: Declaration, key: tuple[str, ...]) -> int:
        """
        How many series of this metric have slots here; -1 if this one is among them.
        """
        schema = declaration.schema
        return -1 if (schema, key) in self._slots else self._counts.get(schema, 0)

    def find(self, declaration: Declaration, key: tuple[str, ...]) -> tuple[memoryview[float], int] | None:
        """
        View and place of the slots that the series has, if it has any.
        """
        slot = self._slots.get((declaration.schema, key))
        if slot is None:
            return None
        chunk = self._chunks[bisect_right(self._firsts, slot) - 1]
        return chunk.view, slot - chunk.first

    def allocate(self, declaration: Declaration, key: tuple[str, ...]) -> tuple[memoryview[float], int]:
        """
        View and place of the series' slots, empty if they are new.

        Raises:
            OSError: The disk is full.
        """
        found = self.find(declaration, key)
        if found is not None:
            return found
        last = self._chunks[-1]
        if self._next + declaration.width > last.first + last.size:
            self._grow(declaration.width * SLOT_BYTES)
            self._next = self._chunks[-1].first
        self._empty(declaration)
        # slots first, key second, counts last: whoever reads a key finds its slots
        lines = self._log.lines_for(self._next, declaration, key)
        self._append(lines)
        self._log.feed(lines)
        self._index()
        place = self.find(declaration, key)
        if place is None:
            raise OSError("the key log does not hold what was written to it")
        return place

    def _empty(self, declaration: Declaration) -> None:
        # also those that should be zero: somebody may have died between this and the key
        last = self._chunks[-1]
        first = self._next - last.first
        last.view[first : first + declaration.width] = array("d", declaration.empty)

    def copy_to(self, directory: str) -> Seat:
        """
        The same seat in new files, not yet shown: what was written meanwhile to the old ones is the caller's affair.

        Raises:
            OSError: The directory can't be written, or is full.
        """
        _remove_hidden(directory, self.name)
        copy = Seat._open(directory, self.name, _hidden(directory, self.name), os.O_CREAT | os.O_EXCL)
        try:
            fcntl.flock(copy._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for chunk in self._chunks:
                copy._grow(chunk.size * SLOT_BYTES, exactly=True)
                copy._chunks[-1].view[:] = chunk.view
            copy._append(os.pread(self._keys, self._log.consumed, 0))
            read_new_keys(copy._keys, copy._log)
            copy._index()
        except OSError:
            copy.release()
            _remove_hidden(directory, self.name)
            raise
        return copy

    def show(self) -> None:
        """
        Put the files under their names; keys first, so that values are never without them.
        """
        for ending in (KEYS, VALUES):
            os.replace(_hidden(self.directory, self.name) + ending, os.path.join(self.directory, self.name) + ending)

    def release(self) -> None:
        """
        Leave the seat. Views handed out stay usable, but nobody looks at them any more.
        """
        for descriptor in (self._lock, self._values, self._keys):
            os.close(descriptor)
        self._chunks = []

    def _take_over(self) -> None:
        read_new_keys(self._keys, self._log)
        # a line that a dead owner could not finish would spoil the next one
        os.ftruncate(self._keys, self._log.consumed)
        size = os.fstat(self._values).st_size // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
        if size < max(1, self._log.used * SLOT_BYTES):
            raise OSError("a values file that is shorter than its keys say")
        self._map(0, size)
        self._index()
        for row in self.rows:
            place = self.find(row.declaration, row.key)
            if row.declaration.kind == "gauge" and place is not None:
                # NaN stands for "not set here", which a largest or smallest value must skip
                place[0][place[1]] = 0.0 if row.declaration.merge == "sum" else float("nan")

    def _index(self) -> None:
        for row in self.rows[self._indexed :]:
            schema = row.declaration.schema
            self._slots[schema, row.key] = row.slot
            self._counts[schema] = self._counts.get(schema, 0) + 1
        self._indexed = len(self.rows)
        self._next = max(self._next, self._log.used)

    def _append(self, data: bytes) -> None:
        before = os.fstat(self._keys).st_size
        if os.write(self._keys, data) < len(data):
            os.ftruncate(self._keys, before)
            raise OSError("the key log is cut short: no space left")

    def _grow(self, needed: int, exactly: bool = False) -> None:
        size = os.fstat(self._values).st_size
        wanted = needed if exactly else max(needed, min(max(size, FIRST_CHUNK_BYTES), LARGEST_CHUNK_BYTES))
        self._map(size, -(-wanted // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY)

    def _map(self, offset: int, size: int) -> None:
        allocate(self._values, offset, size)
        view = memoryview(mmap.mmap(self._values, size, offset=offset)).cast("d")
        first = offset // SLOT_BYTES
        self._chunks.append(Chunk(first, size // SLOT_BYTES, view))
        self._firsts.append(first)


def _hidden(directory: str, name: str) -> str:
    return os.path.join(directory, f".{name}-{os.getpid()}")


def _remove_hidden(directory: str, name: str) -> None:
    for ending in (VALUES, KEYS):
        try:
            os.unlink(_hidden(directory, name) + ending)
        except FileNotFoundError:
            continue
