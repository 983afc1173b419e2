"""
The queue, its thread, and what happens when nobody reads.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from otel_kit.logs.item import LogItem
from otel_kit.logs.json_layout import JsonLayout
from otel_kit.logs.output import DescriptorOutput, DropReason
from otel_kit.logs.writer import LineWriter
from otel_kit.profiles.goblin import PROFILE
from otel_kit.redaction import Policy

Dropped = Counter[str]


class Pipe:
    """
    A pipe as output, and the writer on it.
    """

    def __init__(self, max_items: int = 1_000, max_bytes: int = 10_000_000) -> None:
        self.read_end, self.write_end = os.pipe()
        self.dropped: Dropped = Counter()
        self.writer = LineWriter(
            JsonLayout(PROFILE.layout),
            Policy(),
            self._count,
            output=DescriptorOutput(self.write_end),
            max_items=max_items,
            max_bytes=max_bytes,
        )

    def _count(self, reason: DropReason, lines: int) -> None:
        self.dropped[reason] += lines

    def fill(self) -> None:
        """
        Leave no room in the pipe.
        """
        os.set_blocking(self.write_end, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.write_end, b"\n" * 4096)

    def drain(self) -> list[str]:
        """
        Everything that is in the pipe: the messages.
        """
        os.set_blocking(self.read_end, False)
        text = b""
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self.read_end, 65536):
                text += part
        return [json.loads(line)["message"] for line in text.splitlines() if line]

    def close(self) -> None:
        """
        Give everything back.
        """
        self.writer.close(soon(0.0))
        # a thread that still waits would write into whatever gets the descriptor next
        eventually(lambda: threads() == 0)
        for end in (self.read_end, self.write_end):
            with contextlib.suppress(OSError):
                os.close(end)


@pytest.fixture
def make_pipe() -> Iterator[Callable[..., Pipe]]:
    """
    Makes pipes that are closed when the test is over.
    """
    made: list[Pipe] = []
    _others.clear()
    _others.update(_writing())

    def make(**limits: int) -> Pipe:
        made.append(Pipe(**limits))
        return made[-1]

    yield make
    for pipe in made:
        pipe.close()


def item(message: str) -> LogItem:
    """
    A record.
    """
    return LogItem(time.time(), logging.INFO, "INFO", "app", message)


def soon(seconds: float = 5.0) -> float:
    """
    A deadline.
    """
    return time.monotonic() + seconds


def eventually(condition: Callable[[], bool]) -> bool:
    """
    Whether the condition holds within twenty seconds.
    """
    deadline = soon(20.0)
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def arrives(pipe: Pipe, complete: Callable[[list[str]], bool]) -> list[str]:
    """
    Messages from the pipe until they are complete, for at most five seconds.
    """
    got: list[str] = []

    def more() -> bool:
        got.extend(pipe.drain())
        return complete(got)

    eventually(more)
    return got


_others: set[threading.Thread] = set()


def _writing() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "otel_kit.logs"}


def threads() -> int:
    """
    How many writers of this test have a thread; the process may have one of its own.
    """
    return len(_writing() - _others)


def test_writes_at_once_before_it_is_started(make_pipe: Callable[..., Pipe]) -> None:
    """
    While the application is set up there is no thread, and the line is out when the call returns.
    """
    pipe = make_pipe()
    pipe.writer.offer(item("early"))

    assert ["early"] == pipe.drain()
    assert 0 == threads()


def test_writes_by_a_thread_once_started(make_pipe: Callable[..., Pipe]) -> None:
    """
    Lines come out in order, promptly, without anybody flushing.
    """
    pipe = make_pipe()
    pipe.writer.start()
    for number in range(100):
        pipe.writer.offer(item(str(number)))

    assert [str(number) for number in range(100)] == arrives(pipe, lambda got: len(got) == 100)


def test_wakes_from_sleep(make_pipe: Callable[..., Pipe]) -> None:
    """
    A line after a pause is written as promptly as the first.
    """
    pipe = make_pipe()
    pipe.writer.start()
    for message in ("one", "two", "three"):
        pipe.writer.offer(item(message))
        assert eventually(lambda expected=[message]: expected == pipe.drain())  # type: ignore[misc]


def test_flush_waits_for_what_was_taken(make_pipe: Callable[..., Pipe]) -> None:
    """
    After a flush every line is out.
    """
    pipe = make_pipe()
    pipe.writer.start()
    for number in range(50):
        pipe.writer.offer(item(str(number)))

    assert pipe.writer.flush(soon())
    assert 50 == len(pipe.drain())


def test_never_waits_for_a_reader(make_pipe: Callable[..., Pipe]) -> None:
    """
    With a pipe that nobody reads ten thousand calls return, the queue stays bounded, drops are counted.
    """
    pipe = make_pipe(max_items=100)
    pipe.fill()
    pipe.writer.start()
    before = time.monotonic()
    for number in range(10_000):
        pipe.writer.offer(item(str(number)))

    assert time.monotonic() - before < 3.0
    assert 9_500 < pipe.dropped["queue_full"] < 10_000


def test_is_bounded_by_bytes(make_pipe: Callable[..., Pipe]) -> None:
    """
    A few large records fill the queue as many small ones do.
    """
    pipe = make_pipe(max_bytes=100_000)
    pipe.fill()
    large = item("x" * 30_000)
    large.size += 30_000
    for _ in range(10):
        pipe.writer.offer(large)

    assert Counter({"queue_full": 7}) == pipe.dropped


def test_room_comes_back(make_pipe: Callable[..., Pipe]) -> None:
    """
    What was written no longer counts against the limits.
    """
    pipe = make_pipe(max_bytes=5_000)
    for number in range(200):
        pipe.writer.offer(item(str(number)))

    assert 200 == len(pipe.drain())
    assert not pipe.dropped


def test_says_what_was_lost_once_output_works(make_pipe: Callable[..., Pipe]) -> None:
    """
    The first line that goes out again is followed by one that counts the lost ones.
    """
    pipe = make_pipe(max_items=10)
    pipe.fill()
    pipe.writer.start()
    for number in range(500):
        pipe.writer.offer(item(str(number)))

    assert "log_output.lines_dropped" in arrives(pipe, lambda got: "log_output.lines_dropped" in got)
    assert pipe.dropped["queue_full"] > 0


def test_close_ends_at_its_deadline(make_pipe: Callable[..., Pipe]) -> None:
    """
    A pipe that nobody reads costs no more than the time given, and what is left is counted.
    """
    pipe = make_pipe()
    pipe.fill()
    pipe.writer.start()
    for number in range(100):
        pipe.writer.offer(item(str(number)))
    before = time.monotonic()

    assert not pipe.writer.close(soon(0.3))
    assert time.monotonic() - before < 4.0
    assert eventually(lambda: 100 == pipe.dropped["shutdown"])


def test_close_writes_what_waits(make_pipe: Callable[..., Pipe]) -> None:
    """
    Everything taken is out when `close` says True, and the thread is gone.
    """
    pipe = make_pipe()
    pipe.writer.start()
    for number in range(100):
        pipe.writer.offer(item(str(number)))

    assert pipe.writer.close(soon())
    assert 100 == len(pipe.drain())
    assert 0 == threads()


def test_late_lines_are_written_by_their_caller(make_pipe: Callable[..., Pipe]) -> None:
    """
    What a server says after the end of the application still comes out.
    """
    pipe = make_pipe()
    pipe.writer.start()
    pipe.writer.close(soon())
    pipe.writer.offer(item("Finished server process"))

    assert ["Finished server process"] == pipe.drain()


def test_a_late_line_that_does_not_fit_is_given_up(make_pipe: Callable[..., Pipe]) -> None:
    """
    Without a thread a caller isn't held up either, by a line longer than the room in the pipe.
    """
    pipe = make_pipe()
    pipe.fill()
    os.read(pipe.read_end, 8192)
    os.set_blocking(pipe.write_end, True)
    pipe.writer.offer(item("x" * 60_000))

    assert Counter({"blocked": 1}) == pipe.dropped


def test_starts_again(make_pipe: Callable[..., Pipe]) -> None:
    """
    A second lifespan has a thread again.
    """
    pipe = make_pipe()
    pipe.writer.start()
    pipe.writer.close(soon())
    pipe.writer.start()
    pipe.writer.offer(item("again"))

    assert pipe.writer.flush(soon())
    assert ["again"] == pipe.drain()
    assert 1 == threads()


def test_counts_lines_of_a_closed_pipe(make_pipe: Callable[..., Pipe]) -> None:
    """
    A reader that went away costs lines, each counted.
    """
    pipe = make_pipe()
    os.close(pipe.read_end)
    for number in range(3):
        pipe.writer.offer(item(str(number)))

    assert Counter({"closed": 3}) == pipe.dropped


def test_a_line_that_can_not_be_made_costs_only_itself(make_pipe: Callable[..., Pipe]) -> None:
    """
    A fault in a layout is counted, and the next line is written.
    """
    pipe = make_pipe()
    broken = item("broken")
    broken.created = None  # type: ignore[assignment]
    pipe.writer.offer(broken)
    pipe.writer.offer(item("next"))

    assert ["next", "log_output.lines_dropped"] == pipe.drain()
    assert Counter({"layout": 1}) == pipe.dropped


def test_keeps_lines_of_many_threads_apart(make_pipe: Callable[..., Pipe]) -> None:
    """
    Eight threads log at once; each line arrives, whole.
    """
    pipe = make_pipe()
    pipe.writer.start()

    def log(name: int) -> None:
        for number in range(50):
            pipe.writer.offer(item(f"{name}.{number}"))

    workers = [threading.Thread(target=log, args=(name,)) for name in range(8)]
    for worker in workers:
        worker.start()
    got = arrives(pipe, lambda got: len(got) == 400)

    assert 400 == len(got)
    assert {f"{name}.{n}" for name in range(8) for n in range(50)} == set(got)


def test_a_forked_child_begins_anew(make_pipe: Callable[..., Pipe]) -> None:
    """
    A child writes its own lines, also when it ends abruptly, and none of its parent's.
    """
    pipe = make_pipe()
    pipe.writer.start()
    with pipe.writer._draining:  # the parent's lines wait
        pipe.writer.offer(item("parent"))
        with warnings.catch_warnings():
            # Python 3.12 and later warn of a fork beside threads, which is what is tested
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            pipe.writer.offer(item("child"))
            os._exit(0)
        os.waitpid(child, 0)
        first = pipe.drain()

    assert ["child"] == first
    assert pipe.writer.flush(soon())
    assert ["parent"] == pipe.drain()


def test_takes_a_record_logged_by_its_own_layout(make_pipe: Callable[..., Pipe]) -> None:
    """
    A layout or policy that logs neither deadlocks nor loses anything.
    """
    pipe = make_pipe()
    inner = pipe.writer.layout

    class Chatty:
        def line(self, made: LogItem) -> bytes:
            if made.message == "outer":
                pipe.writer.offer(item("inner"))
            return inner.line(made)

    pipe.writer.layout = Chatty()
    pipe.writer.offer(item("outer"))

    assert ["outer", "inner"] == pipe.drain()
