"""
The child processes of a run: started with a known environment, spoken to in lines of JSON.

A child prints JSON on its standard output, so a child that measures a variant first moves that channel away from
file descriptor 1 (`take_channel`): what the application itself writes there goes to the null device.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

CHECKOUT = Path(__file__).resolve().parent.parent


class ChildFailed(Exception):
    """A child ended without the answer it owed; what it wrote to standard error is above."""


class Child:
    """One `python -m benchmarks.<module>`; closing its standard input tells it to end."""

    def __init__(
        self, module: str, *arguments: str, cores: set[int] | None = None, environment: dict[str, str] | None = None
    ) -> None:
        self.name = " ".join((module, *arguments))
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.{module}", *arguments],
            cwd=CHECKOUT,
            env={**clean_environment(), **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if cores:
            os.sched_setaffinity(self.process.pid, cores)

    def ask(self, **question: Any) -> Any:
        """
        Send one line, wait for the line that answers it.
        """
        assert self.process.stdin
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return self.read()

    def read(self) -> Any:
        """
        The next line the child prints, decoded.
        """
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise ChildFailed(f"{self.name} ended with status {self.process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        """
        Ask the child to end and wait; one that doesn't is killed.
        """
        assert self.process.stdin
        assert self.process.stdout
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def clean_environment() -> dict[str, str]:
    """
    The caller's environment without what would change a variant: telemetry settings and documented names.
    """
    ours = ("OTEL_", "FASTAPI_", "LOG_LEVEL", "RATELIMIT_", "ENABLE_", "SENTRY_", "CORS_", "PROMETHEUS_", "PYTHONPATH")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@dataclass(frozen=True)
class Sink:
    """The running OTLP receiver."""

    port: int

    def environment(self, variant: str) -> dict[str, str]:
        """
        What points a variant's exporters at its own path of the sink.
        """
        return {
            "OTEL_SERVICE_NAME": "benchmark",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}/{variant}",
            "ENABLE_JSON_LOGGING": "true",
        }

    def counts(self) -> dict[str, int]:
        """
        Items received so far, by `variant/signal`.
        """
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/counts", timeout=10) as answer:
            return json.load(answer) or {}


@contextlib.contextmanager
def running_sink(cores: set[int] | None = None) -> Iterator[Sink]:
    """
    Start the receiver for the length of the block.
    """
    child = Child("sink", cores=cores)
    try:
        yield Sink(child.read()["port"])
    finally:
        child.close()


def take_channel() -> TextIO:
    """
    In a child: the way back to the driver; file descriptor 1 becomes the null device.
    """
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    null_device = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null_device, 1)
    os.close(null_device)
    return channel


def memory_megabytes(pid: int | str = "self", field: str = "VmRSS") -> float:
    """
    Resident memory of a process (`VmRSS` now, `VmHWM` at its peak).
    """
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise ChildFailed(f"no {field} in the status of process {pid}")


def cpu_seconds(pid: int) -> float:
    """
    Processor time of a process so far, all threads, user and system.

    Source: proc(5), fields 14 and 15 of `/proc/<pid>/stat`; the second field may hold spaces.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
