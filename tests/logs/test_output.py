"""
Descriptors and their faults.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import select
import signal
import sys
from collections.abc import Iterator

import pytest

from otel_kit.logs.output import FILE_BATCH_BYTES, DescriptorOutput, StandardOutput


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """
    A pipe: where it is read, where it is written.
    """
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


def fill(descriptor: int) -> int:
    """
    Write into a pipe until it takes nothing more; how many bytes it took.
    """
    os.set_blocking(descriptor, False)
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            count += os.write(descriptor, b"x" * 4096)
    return count


def at_once() -> bool:
    """
    Give up without waiting.
    """
    return True


def never() -> bool:
    """
    Wait for the reader.
    """
    return False


def test_writes_all(pipe: tuple[int, int]) -> None:
    """
    Whole lines arrive, and the count says so.
    """
    assert (6, None) == DescriptorOutput(pipe[1]).write(b"a\nbcd\n", never)
    assert b"a\nbcd\n" == os.read(pipe[0], 100)


def test_batches_fit_the_kind_of_output(pipe: tuple[int, int], tmp_path: os.PathLike[str]) -> None:
    """
    A pipe may be shared with other workers and gets what the kernel keeps together, a file gets more.
    """
    with open(os.path.join(tmp_path, "log"), "wb") as file:
        assert FILE_BATCH_BYTES == DescriptorOutput(file.fileno()).batch_bytes
    assert select.PIPE_BUF == DescriptorOutput(pipe[1]).batch_bytes


def test_gives_up_on_a_pipe_that_nobody_reads(pipe: tuple[int, int]) -> None:
    """
    Where there is no room the write ends when it is told to.
    """
    fill(pipe[1])
    output = DescriptorOutput(pipe[1])

    assert not output.ready()
    assert (0, "blocked") == output.write(b"line\n", at_once)
    assert output.waiting_since is None


def test_waits_on_a_non_blocking_descriptor(pipe: tuple[int, int]) -> None:
    """
    A write larger than the room left goes out in pieces while the reader takes them.
    """
    fill(pipe[1])
    os.read(pipe[0], 8192)
    taken: list[bytes] = []

    def read_some() -> bool:
        taken.append(os.read(pipe[0], 65536))
        return False

    assert (100_001, None) == DescriptorOutput(pipe[1]).write(b"y" * 100_000 + b"\n", read_some)


def test_says_that_the_reader_is_gone(pipe: tuple[int, int]) -> None:
    """
    A closed pipe is a reason, not an error.
    """
    os.close(pipe[0])

    assert (0, "closed") == DescriptorOutput(pipe[1]).write(b"line\n", never)


def test_says_that_the_descriptor_is_gone(pipe: tuple[int, int]) -> None:
    """
    So is a closed descriptor.
    """
    output = DescriptorOutput(pipe[1])
    os.close(pipe[1])

    assert (0, "closed") == output.write(b"line\n", never)


def test_says_that_the_disk_is_full() -> None:
    """
    The device that is always full gives the reason of a full disk.
    """
    with open("/dev/full", "wb", buffering=0) as full:
        assert (0, "disk_full") == DescriptorOutput(full.fileno()).write(b"line\n", never)


def test_a_torn_line_spoils_only_itself(tmp_path: os.PathLike[str]) -> None:
    """
    After a write that ended in the middle, the next line begins on a line of its own.
    """
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open(os.path.join(tmp_path, "log"), "wb", buffering=0) as file:
        output = DescriptorOutput(file.fileno())
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (8, limits[1]))
            first = output.write(b"one\ntwo two\n", never)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, former)
        second = output.write(b"three\n", never)
        third = output.write(b"four\n", never)

    assert [(8, "disk_full"), (6, None), (5, None)] == [first, second, third]
    with open(os.path.join(tmp_path, "log"), "rb") as file:
        assert [b"one", b"two ", b"three", b"four"] == file.read().splitlines()


def test_writes_through_a_stream_in_its_place() -> None:
    """
    A redirect or a capture of standard output gets the lines.
    """
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        output = StandardOutput()
        assert output.ready()
        assert (7, None) == output.write("é line".encode(), never)

    assert "é line" == stream.getvalue()


def test_a_stream_that_is_closed_is_a_reason() -> None:
    """
    A capture that has ended loses the line and raises nothing.
    """
    stream = io.StringIO()
    stream.close()
    with contextlib.redirect_stdout(stream):
        assert (0, "closed") == StandardOutput().write(b"line\n", never)


def test_a_stream_with_a_poor_encoding_gets_what_it_can_take() -> None:
    """
    Characters that an ASCII stream refuses become question marks.
    """
    raw = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(raw, encoding="ascii")):
        StandardOutput().write("é\n".encode(), never)
        assert b"?\n" == raw.getvalue()


def test_nothing_is_written_where_there_was_no_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A process started without standard output has something else at descriptor 1 by now.
    """
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "__stdout__", None)
    output = StandardOutput()

    assert not output.is_terminal()
    assert (0, "closed") == output.write(b"line\n", never)
