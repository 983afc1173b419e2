"""
Logs as a process sees them: real servers, real descriptors.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Start = Callable[..., subprocess.Popen[bytes]]

LOGS = """
import logging, os, sys, threading, time
from otel_kit.profiles.goblin import PROFILE
from otel_kit.logs import Logs
from otel_kit.redaction import Policy
logs = Logs(PROFILE.layout, Policy(), json_lines=True)
logs.install()
log = logging.getLogger("app")
def soon(seconds=5.0):
    return time.monotonic() + seconds
"""

SERVICE = (
    LOGS
    + """
from types import SimpleNamespace
requests = logs.request_log("goblin_assistant")

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        logs.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        logs.close(soon(1.0))
        return await send({"type": "lifespan.shutdown.complete"})
    record = SimpleNamespace(method="GET", path=scope["path"], route=None, client=None, status_code=200,
        duration_seconds=0.001, correlation_id="id-1", trace_id="1" * 32, span_id="1" * 16, trace_flags=1,
        error=None, quiet=False, failure=None, identity=None)
    try:
        log.info("inside " + "x" * 4000)
        if scope["path"] == "/fail":
            raise ValueError("no")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
    except ValueError as error:
        record.status_code, record.error = 500, error
        raise
    finally:
        requests.emit(record)

if __name__ == "__main__":
    import uvicorn
    uvicorn.run(app, fd=int(sys.argv[1]), log_level="info")
"""
)


def lines_of(output: bytes) -> list[dict[str, Any]]:
    """
    Every line, each of which must be a JSON object.
    """
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """
    A listening socket that a server takes over.
    """
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        found.listen()
        yield found


def get(listener: socket.socket, path: str = "/") -> int:
    """
    The status of one request; the first one waits until the service has started.
    """
    with socket.create_connection(listener.getsockname(), timeout=60) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode())
        return int(connection.makefile("rb").readline().split()[1])


def serve(run_python: Start, listener: socket.socket, **options: Any) -> subprocess.Popen[bytes]:
    """
    A service under uvicorn.
    """
    descriptor = listener.fileno()
    program = f"import sys; sys.argv = ['service', '{descriptor}']\n{SERVICE}"
    return run_python(program, pass_fds=[descriptor], **options)


def test_every_line_of_a_server_is_json(run_python: Start, listener: socket.socket) -> None:
    """
    uvicorn's lines, the application's and the request lines are all there, the stack once, up to the last words.
    """
    process = serve(run_python, listener, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (200, 500) == (get(listener), get(listener, "/fail"))
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    lines = lines_of(output)
    messages = [line["message"] for line in lines]

    assert 2 == messages.count("request_completed")
    assert 1 == output.count(b"Traceback")
    assert ["id-1"] == [line["correlation_id"] for line in lines if "exception" in line]
    assert any(message.startswith("Uvicorn running") for message in messages)
    assert any(message.startswith("Finished server process") for message in messages)
    assert b"Traceback" not in errors
    assert b"GET /" not in errors


def test_a_pipe_that_nobody_reads_stops_no_request(run_python: Start, listener: socket.socket) -> None:
    """
    Sixty requests with lines of four kilobytes are answered, and the process ends on a signal.
    """
    read_end, write_end = os.pipe()
    process = serve(run_python, listener, stdout=write_end, stderr=subprocess.DEVNULL)
    try:
        answers = [get(listener) for _ in range(60)]
        before = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    finally:
        process.kill()
        process.wait()
        os.close(read_end)
        os.close(write_end)

    assert [200] * 60 == answers
    assert time.monotonic() - before < 10.0


@pytest.mark.parametrize("target", ["/dev/full", "closed pipe", "no descriptor"])
def test_an_output_that_fails_makes_no_noise(run_python: Start, target: str) -> None:
    """
    A full disk, a closed pipe and a missing descriptor are counted, not shouted about.
    """
    program = LOGS + (
        "logs.start()\n"
        "for number in range(60): log.info('line %d', number)\n"
        "logs.close(soon())\n"
        "import json\n"
        "from otel_kit.ledger import ledger\n"
        "families = {family.declaration.name: family.series for family in ledger.snapshot()}\n"
        "found = families['otel_kit_log_lines_dropped_total']\n"
        "print(json.dumps([[*s.labels[0], *s.values] for s in found]), file=sys.stderr, flush=True)\n"
        "os._exit(0)\n"
    )
    with contextlib.ExitStack() as stack:
        if target == "/dev/full":
            options: dict[str, Any] = {"stdout": stack.enter_context(open(target, "wb"))}
            reason = "disk_full"
        elif target == "closed pipe":
            read_end, write_end = os.pipe()
            os.close(read_end)
            stack.callback(os.close, write_end)
            options, reason = {"stdout": write_end}, "closed"
        else:
            again = f"['sh', '-c', 'exec \"$0\" -c \"$1\" >&-', sys.executable, {program!r}]"
            program = f"import os, sys; os.execv('/bin/sh', {again})"
            options, reason = {"stdout": subprocess.DEVNULL}, "closed"
        process = run_python(program, stderr=subprocess.PIPE, **options)
        _, errors = process.communicate(timeout=60)

    assert [["reason", reason, 60.0]] == json.loads(errors)


def test_workers_share_a_pipe_without_tearing_lines(run_python: Start) -> None:
    """
    Four processes write into one slow pipe; each line arrives whole.
    """
    program = LOGS + (
        "for worker in range(4):\n"
        "    if os.fork() == 0:\n"
        "        logs.start()\n"
        "        for number in range(400): log.info('%d.%d %s', worker, number, 'x' * (number % 900))\n"
        "        ended = logs.close(soon(20.0))\n"
        "        os._exit(0 if ended else 1)\n"
        "for worker in range(4): assert os.wait()[1] == 0\n"
    )
    process = run_python(program, stdout=subprocess.PIPE)
    assert process.stdout is not None
    output = b""
    while part := os.read(process.stdout.fileno(), 3000):
        output += part
        time.sleep(0.0005)
    process.stdout.close()

    assert 0 == process.wait(timeout=60)
    assert 1600 == len({line["message"].split()[0] for line in lines_of(output)})


def test_a_script_that_never_serves_loses_nothing(run_python: Start) -> None:
    """
    Lines before serving are out when the call returns, even if the process then ends abruptly.
    """
    process = run_python(LOGS + "log.info('only line')\nos._exit(0)\n", stdout=subprocess.PIPE)
    output, _ = process.communicate(timeout=60)

    assert ["only line"] == [line["message"] for line in lines_of(output)]


def test_the_console_is_for_terminals(run_python: Start) -> None:
    """
    On a terminal, and only there, the tree takes the place of JSON.
    """
    master, terminal = os.openpty()
    program = LOGS.replace(", json_lines=True", "") + "log.info('hello')\n"
    try:
        process = run_python(program, stdout=terminal)
        assert 0 == process.wait(timeout=60)
        assert select.select([master], [], [], 5)[0]
        shown = os.read(master, 10_000)
    finally:
        os.close(master)
        os.close(terminal)

    assert b"hello" in shown
    assert not shown.startswith(b"{")
