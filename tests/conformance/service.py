"""
One service as a child process on loopback: its start, one request to it, what it wrote, its end.

Owns the environment that it gets: what the documents call a default is unset there, whatever this test run has set.
"""

from __future__ import annotations

import http.client
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.otlp_receiver import free_port
from tests.servers.serving import ROOT, wait_until

__all__ = ["PUPPET", "Answer", "Service", "serve"]

PUPPET = "uvicorn tests.conformance.puppet:app --host 0.0.0.0 --port 8000"
START_SECONDS = 30.0
KEPT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR")


class Answer(NamedTuple):
    """
    One answer.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        """
        The body, read as JSON.
        """
        return json.loads(self.body)


class Service:
    """
    A service that runs. Made by `serve`.
    """

    def __init__(self, command: list[str], port: int, output: Path) -> None:
        self.command = command
        self.port = port
        self._output = output

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        client: str = "127.0.0.1",
    ) -> Answer:
        """
        One request, from any of loopback's addresses.

        Args:
            body: Sent as JSON; None sends none.
        """
        with self._connection(client) as connection:
            return _exchange(connection, method, path, body, headers or {})

    def ask_often(self, path: str, times: int, client: str = "127.0.0.1") -> list[Answer]:
        """
        The same request again and again, over one connection.
        """
        with self._connection(client) as connection:
            return [_exchange(connection, "GET", path, None, {}) for _ in range(times)]

    @contextmanager
    def _connection(self, client: str) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10, source_address=(client, 0))
        try:
            yield connection
        finally:
            connection.close()

    def written(self) -> list[str]:
        """
        Whole lines on standard output so far.
        """
        return self._output.read_bytes().rpartition(b"\n")[0].decode().splitlines()

    def lines(self) -> list[dict[str, Any]]:
        """
        Standard output so far; a line that is no JSON object is an error.
        """
        found = [json.loads(line) for line in self.written()]
        assert all(isinstance(line, dict) for line in found)
        return found

    def at_this_port(self, command: str) -> str:
        """
        A documented command, or address, with this service in place of the documented host and port.
        """
        here = f"http://127.0.0.1:{self.port}"
        return " ".join(
            part if "//" not in part else here + "/" + part.partition("//")[2].partition("/")[2]
            for part in command.split(" ")
        )


def _exchange(
    connection: http.client.HTTPConnection, method: str, path: str, body: object, headers: Mapping[str, str]
) -> Answer:
    sent = None if body is None else json.dumps(body)
    kind = {} if body is None else {"Content-Type": "application/json"}
    begun = time.monotonic()
    connection.request(method, path, sent, {**kind, **headers})
    answer = connection.getresponse()
    content = answer.read()
    given = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(answer.status, given, content, time.monotonic() - begun)


@contextmanager
def serve(
    directory: Path, environment: Mapping[str, str], command: str = PUPPET, place: Path = ROOT
) -> Iterator[Service]:
    """
    Run a documented command until the block ends, on loopback and a free port.

    Args:
        directory: Takes what the service writes.
        place: Where the command is given.
    """
    port, output, errors = free_port(), directory / "stdout", directory / "stderr"
    documented = shlex.split(command)
    arguments = [*documented]
    arguments[arguments.index("--host") + 1], arguments[arguments.index("--port") + 1] = "127.0.0.1", str(port)
    with open(output, "wb") as out, open(errors, "wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=place,
            env=_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    service = Service(documented, port, output)
    try:

        def is_ready() -> bool:
            code = process.poll()
            assert code is None, f"the service ended with {code}: {errors.read_text()[-2000:]}"
            # who asks at a port where nobody listens yet may, on loopback, be connected to himself
            return b"Uvicorn running on" in output.read_bytes()

        wait_until(is_ready, START_SECONDS, "the service answers")
        yield service
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    exports = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "LOGS", "METRICS")}
    return {**kept, **exports, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **more}
