"""
Real servers as child processes, and what a client, a scraper and an operator see of them.

Owns start, readiness, signals and the end: whatever a test does, no process outlives it.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from tests.otlp_receiver import free_port
from tests.stopwatch import Stopwatch

__all__ = ["ROOT", "SETUPS", "Answer", "Page", "Server", "environment_of", "get", "serve", "wait_until"]

ROOT = Path(__file__).resolve().parents[2]
APP = "tests.servers.apps:app"
START_SECONDS = 60.0
END_SECONDS = 20.0

_UVICORN = ["-m", "uvicorn", "{app}", "--port", "{port}"]
_GUNICORN = ["-m", "gunicorn", "{app}", "-k", "uvicorn_worker.UvicornWorker", "-b", "127.0.0.1:{port}"]

SETUPS: dict[str, list[str]] = {
    "uvicorn": _UVICORN,
    "uvicorn-workers": [*_UVICORN, "--workers", "{workers}"],
    "uvicorn-no-lifespan": [*_UVICORN, "--lifespan", "off"],
    "uvicorn-reload": [*_UVICORN, "--reload"],
    "gunicorn": [*_GUNICORN, "-w", "{workers}"],
    "gunicorn-preload": [*_GUNICORN, "-w", "{workers}", "--preload"],
    "script": ["-m", "tests.servers.script", "{port}"],
    "script-workers": ["-m", "tests.servers.script", "{port}", "{workers}"],
}
"""How a service is served: arguments of the interpreter."""


class Answer(NamedTuple):
    """
    One answer, the process that gave it, and how long it took.
    """

    status: int
    body: bytes
    worker: int
    seconds: float


class Page:
    """
    A page of `/metrics`: values by series, as `name{label="value"}`.
    """

    def __init__(self, text: str, worker: int) -> None:
        self.worker = worker
        self.values: dict[str, float] = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                series, _, value = line.rpartition(" ")
                self.values[series] = float(value)

    def sum(self, name: str, **labels: str) -> float:
        """
        Of all series of this name that have these labels; 0 where there is none.
        """
        return sum(value for series, value in self.values.items() if _is(series, name, labels))

    def counters(self) -> dict[str, float]:
        """
        Everything that may never fall.
        """
        return {
            series: value
            for series, value in self.values.items()
            if re.match(r"\w+(_total|_count|_sum|_bucket)(\{|$)", series)
        }


def _is(series: str, name: str, labels: Mapping[str, str]) -> bool:
    found, _, rest = series.partition("{")
    return found == name and all(f'{key}="{value}"' in rest for key, value in labels.items())


class Server:
    """
    A server that runs. Made by `serve`.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int, workers: int, out: Path, err: Path) -> None:
        self.process = process
        self.pid = process.pid
        self.port = port
        self.workers = workers
        self.out = out
        self.err = err

    # -- as a client --------------------------------------------------------------------------

    def get(self, path: str, timeout: float = 10.0) -> Answer:
        """
        One request over a connection of its own.
        """
        with self.connection(timeout) as connection:
            return get(connection, path)

    @contextmanager
    def connection(self, timeout: float = 10.0) -> Iterator[http.client.HTTPConnection]:
        """
        A connection, which stays with one worker.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            yield connection
        finally:
            connection.close()

    def drive(self, count: int, connections: int = 4, path: str = "/items/7") -> int:
        """
        So many requests, over several connections at a time; returns how many were answered by 200.
        """
        shares = [count // connections + (number < count % connections) for number in range(connections)]
        with ThreadPoolExecutor(connections) as pool:
            return sum(pool.map(lambda share: self._drive_one(share, path), shares))

    def _drive_one(self, count: int, path: str) -> int:
        with self.connection() as connection:
            return sum(get(connection, path).status == 200 for _ in range(count))

    def drive_all_workers(self, count: int) -> int:
        """
        As `drive`, and each worker has its part in it: twice as many connections at a time as there are workers.
        """
        return self.drive(count, self.workers * 2)

    # -- as a scraper -------------------------------------------------------------------------

    def scrape(self, timeout: float = 10.0) -> Page:
        """
        The numbers, as whichever worker answers has them.
        """
        answer = self.get("/metrics", timeout)
        assert 200 == answer.status, answer.body
        return Page(answer.body.decode(), answer.worker)

    def total(self) -> float:
        """
        Requests that the server has counted.
        """
        return self.scrape().sum("http_requests_total")

    # -- as an operator -----------------------------------------------------------------------

    def lines(self) -> list[dict[str, Any]]:
        """
        Standard output so far; anything but whole JSON lines is an error.
        """
        text = self.out.read_bytes()
        assert text.endswith(b"\n") or not text
        return [json.loads(line) for line in text.splitlines()]

    def said(self, message: str) -> list[dict[str, Any]]:
        """
        Lines on standard output with this message. The last line may still be on its way.
        """
        whole = self.out.read_bytes().rpartition(b"\n")[0]
        lines = (json.loads(line) for line in whole.splitlines())
        return [line for line in lines if line.get("message") == message]

    def stop(self, number: int = signal.SIGTERM, timeout: float = END_SECONDS) -> float:
        """
        Send the signal to the server's first process, SIGINT to all as a terminal does, and wait for the end of all.

        Returns:
            Seconds that it took.
        """
        with Stopwatch(self.pid) as watch:
            if number == signal.SIGINT:
                os.killpg(self.pid, number)
            else:
                self.process.send_signal(number)
            self.process.wait(timeout)
            wait_until(lambda: not self.processes(), timeout, "every process of the server has ended")
        return watch.seconds

    def processes(self) -> list[int]:
        """
        Numbers of the server's processes that have not ended.
        """
        return [pid for pid, group in _processes() if group == self.pid]

    def worker_pids(self) -> list[int]:
        """
        Numbers of the processes that serve, as they said themselves in the log.
        """
        alive = set(self.processes())
        return [pid for pid in _children(self.pid) if pid in alive and _is_worker(pid)]

    def run_directories(self) -> list[Path]:
        """
        Where the workers of this server keep their numbers.
        """
        return list(Path("/dev/shm").glob(f"otel_kit-*/*-{self.pid}-*"))

    def _end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGCONT)
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(END_SECONDS)
        wait_until(lambda: not self.processes(), END_SECONDS, "every process of the server has ended")
        for directory in self.run_directories():
            shutil.rmtree(directory)


@contextmanager
def serve(
    setup: str,
    directory: Path,
    *more: str,
    workers: int = 1,
    app: str = APP,
    collector: str | None = None,
    stdout: int | IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """
    A server that is ready to answer with all its workers; it is gone afterwards, in any case.

    Args:
        setup: A key of `SETUPS`.
        directory: Takes what the server writes.
        more: Further arguments for the server.
        collector: Base URL of a collector; None for no export at all, an empty text for the default.
        stdout: Where standard output goes; None for a file.
    """
    port = free_port()
    arguments = [part.format(app=app, port=port, workers=workers) for part in SETUPS[setup]]
    out, err = directory / "stdout", directory / "stderr"
    with open(out, "wb") as output, open(err, "wb") as errors:
        process = subprocess.Popen(
            [sys.executable, *arguments, *more],
            cwd=ROOT,
            # gunicorn keeps a socket in the user's home
            env=environment_of(collector, {"HOME": str(directory), **(environment or {})}),
            stdin=subprocess.DEVNULL,
            stdout=output if stdout is None else stdout,
            stderr=errors,
            start_new_session=True,
        )
    server = Server(process, port, workers, out, err)
    try:
        _wait_until_ready(server, reads_output=stdout is None and "no-lifespan" not in setup)
        yield server
    finally:
        server._end()


def environment_of(collector: str | None, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """
    Variables of a process that sends to this collector, without those of the test run.

    Args:
        collector: None for no export at all, an empty text for the default.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "APP_"))}
    where = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "LOGS", "METRICS")}
    if collector is not None:
        where = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector} if collector else {}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **where, **(more or {})}


def _wait_until_ready(server: Server, reads_output: bool) -> None:
    def is_ready() -> bool:
        code = server.process.poll()
        assert code is None, f"the server ended with {code}: {server.err.read_text()[-2000:]}"
        if reads_output:
            return len(server.said("Application startup complete.")) >= server.workers
        try:
            return 200 == server.get("/metrics").status
        except OSError:
            return False

    wait_until(is_ready, START_SECONDS, "the server answers")


def get(connection: http.client.HTTPConnection, path: str) -> Answer:
    """
    One request over a kept connection.
    """
    begun = time.monotonic()
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    return Answer(response.status, body, int(response.headers.get("x-worker", 0)), time.monotonic() - begun)


def wait_until(condition: Callable[[], Any], timeout: float, what: str) -> None:
    """
    Ask again and again until the condition holds.

    Raises:
        AssertionError: It did not hold in time.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
        time.sleep(0.02)


def _processes() -> Iterator[tuple[int, int]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        state, _, group = text[text.rindex(")") + 2 :].split()[:3]
        if state not in "ZX":
            yield int(path.parent.name), int(group)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_worker(pid: int) -> bool:
    # spawn has a process beside the workers that looks after shared resources
    return b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()
