"""
A program as a child process: start on free ports, readiness by a deadline, the end by its own number.

Owns what outlives a failed test: nothing but the log files. Knows nothing of any one program.
"""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

__all__ = ["STARTED", "NotReady", "Running", "answers_ok", "clean_environment", "free_port", "wait_for"]

T = TypeVar("T")

RESERVED_SECONDS = 60.0

STARTED: list[Running] = []
"""Processes of this test and those that still run; their logs are shown when a test fails."""


class NotReady(AssertionError):
    """
    A program ended, or did not answer in time; the text holds the end of its log.
    """


class Running:
    """
    One child process, which may be killed and started again with the same arguments.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[object],
        log: Path,
        environment: Mapping[str, str],
        is_ready: Callable[[], bool],
        ready_seconds: float = 20.0,
    ) -> None:
        self.name = name
        self.command = [str(part) for part in command]
        self.log = log
        self.environment = dict(environment)
        self._is_ready = is_ready
        self.ready_seconds = ready_seconds
        self._process: subprocess.Popen[bytes] | None = None
        STARTED.append(self)

    @property
    def pid(self) -> int:
        """
        Number of the process that runs now.
        """
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """
        Whether it runs at this moment.
        """
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """
        Start, or start again, and wait until it is ready.

        Raises:
            NotReady: It ended, or took longer than its deadline; it is gone then.
        """
        with open(self.log, "ab") as output:
            self._process = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + self.ready_seconds
        while not self._is_ready():
            code = self._process.poll()
            if code is not None or time.monotonic() > deadline:
                self.kill()
                what = f"ended with {code}" if code is not None else f"was not ready in {self.ready_seconds} s"
                raise NotReady(f"{self.name} {what}\n{' '.join(self.command)}\n{self.tail()}")
            time.sleep(0.03)

    def stop(self, timeout: float = 20.0) -> int:
        """
        Ask it to end, wait, and return its exit code; one that is gone already gives the code it had.

        Raises:
            AssertionError: It did not end in time and was killed.
        """
        process = self._process
        assert process is not None, f"{self.name} was not started"
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {timeout} s of SIGTERM\n{self.tail()}") from None

    def kill(self) -> None:
        """
        End it, and what it started, as `kill -9` does.
        """
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)

    def lines(self) -> list[str]:
        """
        What it has written so far, over all its starts.
        """
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []

    def tail(self, count: int = 25) -> str:
        """
        The end of what it has written.
        """
        return "\n".join(line[:300] for line in self.lines()[-count:])


def free_port() -> int:
    """
    A port of loopback on which nobody listens, and that no other test run is given for a minute.

    Below the range from which the kernel takes ports for outgoing connections, so that none of
    those takes it before the program does.
    """
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if _reserved(port):
                return port


def _reserved(port: int) -> bool:
    directory = Path(tempfile.gettempdir(), "otel-kit-e2e-ports")
    directory.mkdir(exist_ok=True)
    mark = directory / str(port)
    with suppress(FileNotFoundError):
        if time.time() - mark.stat().st_mtime < RESERVED_SECONDS:
            return False
        mark.unlink()
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def answers_ok(port: int, path: str) -> bool:
    """
    Whether a GET is answered by 200.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_for(ask: Callable[[], T], what: str, timeout: float = 15.0, every: float = 0.1) -> T:
    """
    Ask again and again until the answer is true, and give that answer.

    Raises:
        AssertionError: It was not true in time; the text holds the last answer.
    """
    deadline = time.monotonic() + timeout
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}; last answer: {str(answer)[:2000]}"
        time.sleep(every)


def clean_environment(directory: Path, more: Mapping[str, str]) -> dict[str, str]:
    """
    The variables of a child: what any program needs, nothing of this test run's own, and `more`.

    The cloud's metadata address is off: no test asks an address off this machine.
    """
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SSL_CERT_FILE") if name in os.environ}
    own = {"HOME": str(directory), "TMPDIR": str(directory), "AWS_EC2_METADATA_DISABLED": "true"}
    return {**kept, **own, **more}
