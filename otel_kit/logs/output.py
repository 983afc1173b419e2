"""
Standard output as a place for whole lines.

Owns the descriptor and its faults: full pipes, closed readers, full disks, streams that
somebody put in the place of `sys.stdout`. Knows nothing of items, queues or layouts.

It writes to a copy of descriptor 1 rather than through `sys.stdout`: a thread that is stuck
inside a buffered stream holds the stream's lock, and interpreter shutdown wants that lock.
Several workers may share one pipe. The kernel keeps writes of up to `PIPE_BUF` bytes together,
so several lines go out in one write only as far as they fit; a single longer line may be torn
by another process while the pipe is full.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
import time
from collections.abc import Callable
from typing import Literal, TextIO

__all__ = ["DescriptorOutput", "DropReason", "StandardOutput", "is_moving"]

DropReason = Literal["queue_full", "blocked", "closed", "disk_full", "error", "layout", "shutdown"]
"""Why a line didn't reach the output."""

FILE_BATCH_BYTES = 65_536
_SLICE_SECONDS = 0.2
_PAUSE_SECONDS = 0.01
_STALLED_SECONDS = 0.05

_REASONS: dict[int | None, DropReason] = {
    errno.EPIPE: "closed",
    errno.EBADF: "closed",
    errno.ECONNRESET: "closed",
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "disk_full",
}


class DescriptorOutput:
    """
    Writes bytes to a descriptor, which stays the caller's. For one thread at a time.

    `waiting_since` is the monotonic time at which the present write began, None between writes:
    a value that lies back says that nobody takes the output.
    """

    def __init__(self, descriptor: int) -> None:
        mode = os.fstat(descriptor).st_mode
        shared = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
        self.batch_bytes = select.PIPE_BUF if shared else FILE_BATCH_BYTES
        self.waiting_since: float | None = None
        self.number = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._torn = False

    def ready(self) -> bool:
        """
        Whether a write of `batch_bytes` would go through, or fail, without waiting.
        """
        return bool(self._poll.poll(0))

    def write(self, data: bytes, give_up: Callable[[], bool]) -> tuple[int, DropReason | None]:
        """
        Write all of `data`, waiting for the reader while it takes nothing.

        Args:
            data: Whole lines.
            give_up: Asked about five times a second while waiting. Where it is true from the
                start, the data goes out in pieces so small that the kernel can't make us wait.

        Returns:
            How many bytes went out, and why not the rest.
        """
        self.waiting_since = time.monotonic()
        try:
            # after a torn line a new one begins, so that it spoils nothing but itself
            start = 1 if self._torn else 0
            sent, reason = self._send(memoryview(b"\n" + data if self._torn else data), give_up)
        finally:
            self.waiting_since = None
        if sent:
            self._torn = reason is not None
        return max(0, sent - start), reason

    def _send(self, rest: memoryview, give_up: Callable[[], bool]) -> tuple[int, DropReason | None]:
        sent = 0
        # a ready pipe takes this much without blocking; more in one go stays together better
        most, patience = (self.batch_bytes, 0.0) if give_up() else (len(rest), _SLICE_SECONDS)
        while rest:
            try:
                if self._poll.poll(patience * 1000):
                    count = os.write(self.number, rest[:most])
                    sent += count
                    rest = rest[count:]
                    continue
            except BlockingIOError:
                # less room than the write needs, on a descriptor that somebody made non-blocking
                time.sleep(_PAUSE_SECONDS)
            except OSError as error:
                return sent, _reason_of(error)
            if give_up():
                return sent, "blocked"
        return sent, None


class StandardOutput:
    """
    Standard output, whatever it is at the moment. For one thread at a time.
    """

    def __init__(self) -> None:
        self._descriptor: DescriptorOutput | None = None

    @property
    def batch_bytes(self) -> int:
        """
        How much may go out in one write.
        """
        return select.PIPE_BUF if self._descriptor is None else self._descriptor.batch_bytes

    @property
    def waiting_since(self) -> float | None:
        """
        As for a descriptor. None also while a stream in the place of `sys.stdout` is written to.
        """
        return None if self._descriptor is None else self._descriptor.waiting_since

    def is_terminal(self) -> bool:
        """
        Whether a person is looking.
        """
        try:
            return sys.stdout is not None and sys.stdout.isatty()
        except (OSError, ValueError):
            return False

    def ready(self) -> bool:
        """
        Whether a write of `batch_bytes` would go through, or fail, without waiting.
        """
        if _replacement() is not None:
            return True
        descriptor = self._open()
        return descriptor is None or descriptor.ready()

    def write(self, data: bytes, give_up: Callable[[], bool]) -> tuple[int, DropReason | None]:
        """
        Write whole lines; see `DescriptorOutput.write`.
        """
        stream = _replacement()
        if stream is not None:
            return _write_stream(stream, data)
        descriptor = self._open()
        return (0, "closed") if descriptor is None else descriptor.write(data, give_up)

    def close(self) -> None:
        """
        Give the copy of the descriptor back; a later write makes a new one.
        """
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor.number)

    def _open(self) -> DescriptorOutput | None:
        if self._descriptor is None:
            # without sys.__stdout__ there was no descriptor 1 at the start, and what has that
            # number now belongs to somebody else
            if sys.__stdout__ is None or sys.__stdout__.closed:
                return None
            try:
                self._descriptor = DescriptorOutput(os.dup(1))
            except OSError:
                return None
        return self._descriptor


def is_moving(output: DescriptorOutput | StandardOutput) -> bool:
    """
    Whether what is written is being taken.
    """
    since = output.waiting_since
    return since is None or time.monotonic() - since < _STALLED_SECONDS


def _replacement() -> TextIO | None:
    """
    What stands in the place of standard output (a capture, a redirect), None where nothing does.
    """
    stream = sys.stdout
    if stream is None or stream is sys.__stdout__:
        return None
    try:
        return None if stream.fileno() == 1 else stream
    except (OSError, ValueError, AttributeError):
        return stream


def _write_stream(stream: TextIO, data: bytes) -> tuple[int, DropReason | None]:
    text = data.decode("utf-8", "replace")
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            stream.write(text.encode("ascii", "replace").decode("ascii"))
        stream.flush()
    except OSError as error:
        return 0, _reason_of(error)
    except ValueError:
        return 0, "closed"
    except Exception:  # a stream of the user's own: whatever it raises, the line is counted as lost
        return 0, "error"
    return len(data), None


def _reason_of(error: OSError) -> DropReason:
    return _REASONS.get(error.errno, "error")
