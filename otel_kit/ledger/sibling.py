"""
Another worker's seat, or a dead one's, as everybody else sees it: read, never mapped, never
written.

Owns the open files of one sibling. They outlive their names: after somebody has removed the
directory, what was counted can still be read, and put back.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets

from otel_kit.ledger.files import KEYS, VALUES, is_at, read_new_keys, read_slots
from otel_kit.ledger.keylog import KeyLog, Row

__all__ = ["Sibling"]

_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW


class Sibling:
    """
    A seat that somebody else sits in, or nobody.

    Raises:
        OSError: There is none of this name, or no descriptor is left.
    """

    def __init__(self, directory: str, name: str) -> None:
        self.name = name
        self._values = os.open(os.path.join(directory, name + VALUES), _OPEN)
        try:
            self._keys = os.open(os.path.join(directory, name + KEYS), _OPEN)
        except OSError:
            os.close(self._values)
            raise
        self._log = KeyLog()

    @property
    def rows(self) -> list[Row]:
        """
        All series it has slots for, as far as they were read.
        """
        return self._log.rows

    def read_keys(self) -> None:
        """
        Learn of series that are new since the last time.
        """
        read_new_keys(self._keys, self._log)

    def read(self) -> list[float]:
        """
        All slots in use.
        """
        return read_slots(self._values, self._log.used)

    def is_alive(self) -> bool:
        """
        Whether somebody sits there: the lock is the sign of life, since it can't outlive its owner.
        """
        try:
            fcntl.flock(self._values, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        fcntl.flock(self._values, fcntl.LOCK_UN)
        return False

    def in_place(self, directory: str) -> bool:
        """
        Whether its name still leads to these files.
        """
        return is_at(self._values, os.path.join(directory, self.name + VALUES))

    def put_back(self, directory: str) -> None:
        """
        Give the files their names again. The first of several workers wins: they all have the same to give.

        Raises:
            OSError: The directory can't be written, or is full.
        """
        for ending, source in ((KEYS, self._keys), (VALUES, self._values)):
            hidden = os.path.join(directory, f".{secrets.token_hex(8)}{ending}")
            try:
                _copy(source, hidden)
                with contextlib.suppress(FileExistsError):
                    os.link(hidden, os.path.join(directory, self.name + ending))
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(hidden)

    def close(self) -> None:
        """
        Let the files go.
        """
        os.close(self._values)
        os.close(self._keys)


def _copy(source: int, path: str) -> None:
    data = os.pread(source, os.fstat(source).st_size, 0)
    with open(path, "xb", opener=_private) as target:
        target.write(data)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
