"""
The Collector as a child process, from its start to its end.

Owns three promises: the child gets every signal that this process gets, it has ended when the time
for that is over, and it does not outlive this process, whatever happens to that.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import IO

__all__ = ["STOP_SECONDS", "Passing", "end", "start", "wait_for_end"]

STOP_SECONDS = 4.5
"""
From the signal to the kill.
"""

PASSED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""
The last makes a Collector read its files again.
"""

_PR_SET_PDEATHSIG = 1


def start(
    command: Sequence[str], environment: Mapping[str, str], output: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """
    Start it; without `output` it writes to where this process does.
    """
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        preexec_fn=_die_with_parent(),
    )


def _die_with_parent() -> Callable[[], None] | None:
    """
    What a child does before it becomes the Collector; None where the system has no such request.
    """
    if not sys.platform.startswith("linux"):
        return None
    parent = os.getpid()
    # looked up before the fork: a child must not load anything
    request = ctypes.CDLL(None, use_errno=True).prctl

    def bind() -> None:
        # SIGKILL, as a Collector whose backend hangs may take minutes over SIGTERM with nobody left to end it
        request(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return bind


class Passing:
    """
    Signals on their way to the child, and the kill that follows when it does not end.

    What comes before there is a child waits for it.
    """

    def __init__(self) -> None:
        self.killed = False
        """Whether its time was over before it had ended."""
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._ending = False

    def to(self, child: subprocess.Popen[bytes]) -> None:
        """
        Here it is.
        """
        self._child = child
        for number in self._early:
            child.send_signal(number)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """
        While this holds, signals go to the child instead of ending this process.
        """
        # a signal that is ignored, as SIGHUP under nohup, stays ignored
        wanted = [number for number in PASSED if signal.getsignal(number) is not signal.SIG_IGN]
        before = [(number, signal.signal(number, self._take)) for number in wanted]
        before.append((signal.SIGALRM, signal.signal(signal.SIGALRM, self._kill)))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before:
                signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if number != signal.SIGHUP and not self._ending:
            self._ending = True
            signal.setitimer(signal.ITIMER_REAL, STOP_SECONDS)
        if self._child is None:
            self._early.append(number)
        else:
            self._child.send_signal(number)

    def _kill(self, number: int, frame: FrameType | None) -> None:
        if self._child is not None and self._child.returncode is None:
            self.killed = True
            self._child.kill()


def wait_for_end(child: subprocess.Popen[bytes]) -> int:
    """
    Its exit status, as a shell has it, once it has ended.
    """
    status = child.wait()
    return 128 - status if status < 0 else status


def end(child: subprocess.Popen[bytes], seconds: float) -> None:
    """
    End it, by force when it takes longer than this.
    """
    child.terminate()
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
