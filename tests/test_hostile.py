"""
Hostile requests on both HTTP parsers: no answer changes, and each request has its span.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from fastapi import FastAPI, Request

from otel_kit import setup_observability
from otel_kit.testing import CapturedTelemetry

ODD = {
    "backslash-x": rb"\xff\x",
    "high and x": b"\xff\\x",
    "high and N": b"\xff\\N{",
    "high and u": b"\xff\\u",
    "lone surrogate": b"\xff\\ud800",
    "latin-1": b"caf\xe9",
    "utf-8": "日本".encode(),
    "all high bytes": bytes(range(128, 256)),
}
HEADERS = ("User-Agent", "Host", "traceparent", "tracestate", "baggage")
IN_HEADERS = {
    f"{name}: {kind}": f"GET /items/1 HTTP/1.1\r\n{name}: ".encode() + value + b"\r\n"
    for name in HEADERS
    for kind, value in ODD.items()
}
OTHERS = {
    "correlation id high": b"GET /items/1 HTTP/1.1\r\nX-Correlation-ID: \xff\\ud800\r\n",
    "correlation id quotes": b'GET /items/1 HTTP/1.1\r\nX-Correlation-ID: ","level":"X\r\n',
    "forwarded for rubbish": b"GET /items/1 HTTP/1.1\r\nX-Forwarded-For: \xff,,[::1,%\r\n",
    "forwarded rubbish": b'GET /items/1 HTTP/1.1\r\nForwarded: for="[\xff;;=\r\n',
    "long user agent": b"GET /items/1 HTTP/1.1\r\nUser-Agent: " + b"x" * 30_000 + b"\r\n",
    "long baggage": b"GET /items/1 HTTP/1.1\r\nbaggage: " + b"k=v," * 5_000 + b"\r\n",
    "many members of tracestate": b"GET /items/1 HTTP/1.1\r\ntracestate: " + b"a=b," * 2_000 + b"\r\n",
    "host with port rubbish": b"GET /items/1 HTTP/1.1\r\nHost: a:99999999\r\n",
    "host with user": b"GET /items/1 HTTP/1.1\r\nHost: user:pass@a:80\r\n",
    "two hosts": b"GET /items/1 HTTP/1.1\r\nHost: a\r\nhost: b\r\n",
    "no host": b"GET /items/1 HTTP/1.0\r\n",
    "empty headers": b"GET /items/1 HTTP/1.1\r\nUser-Agent:\r\ntraceparent:\r\nbaggage:\r\n",
    "unknown method": b"BREW /items/1 HTTP/1.1\r\n",
    "lower method": b"get /items/1 HTTP/1.1\r\n",
    "percent ff in path": b"GET /items/%ff%fe HTTP/1.1\r\n",
    "percent zero in path": b"GET /items/%00 HTTP/1.1\r\n",
    "encoded slash": b"GET /items/a%2Fb HTTP/1.1\r\n",
    "dots": b"GET /items/../../etc/passwd HTTP/1.1\r\n",
    "two slashes": b"GET //items//1 HTTP/1.1\r\n",
    "query rubbish": b"GET /items/1?%ff=%00&&==&a[]=%zz HTTP/1.1\r\n",
    "long query": b"GET /items/1?q=" + b"%41" * 5_000 + b" HTTP/1.1\r\n",
    "absolute target": b"GET http://other.example/items/1 HTTP/1.1\r\n",
    "surrogates in path": b"GET /items/%ed%a0%80 HTTP/1.1\r\n",
}
REQUESTS = {**IN_HEADERS, **OTHERS}


def make_app() -> FastAPI:
    """
    An application that tells what it was sent.
    """
    app = FastAPI()

    @app.get("/items/{item}")
    async def read(item: str, request: Request) -> dict[str, str]:
        return {"item": repr(item), "query": request.url.query, "agent": repr(request.headers.get("user-agent"))}

    return app


@contextmanager
def served(app: FastAPI, parser: str) -> Iterator[int]:
    """
    The application behind a real server, for the length of the block; its port.
    """
    config = uvicorn.Config(app, host="127.0.0.1", port=0, http=parser, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


def ask(port: int, request: bytes) -> tuple[bytes, list[bytes], bytes]:
    """
    Status line, headers without those that differ each time, and body.
    """
    head = request if b"\r\nHost:" in request or b"HTTP/1.0" in request else request + b"Host: localhost\r\n"
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(head + b"Connection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    top, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = top.split(b"\r\n")
    return status, sorted(line for line in headers if not re.match(rb"(?i)date:|x-correlation-id:", line)), body


@pytest.mark.parametrize("parser", ["h11", "httptools"])
def test_no_answer_changes_and_each_request_has_its_span(parser: str, telemetry: CapturedTelemetry) -> None:
    """
    Whatever is in method, target and headers: the answer is that of the bare application, with one span.
    """
    assert len(REQUESTS) >= 58
    with served(make_app(), parser) as port:
        expected = {name: ask(port, request) for name, request in REQUESTS.items()}
    observed = make_app()
    kit = setup_observability(observed)
    spans = {}
    with served(observed, parser) as port:
        answers = {}
        for name, request in REQUESTS.items():
            telemetry.clear()
            answers[name] = ask(port, request)
            spans[name] = len(telemetry.spans)
        counted = ask(port, b"GET /items/1 HTTP/1.1\r\n")
    kit.undo()

    assert expected == answers
    assert counted[0].endswith(b"200 OK")
    refused_by_server = {name for name, answer in expected.items() if b"Invalid HTTP request" in answer[2]}
    assert {name: 0 if name in refused_by_server else 1 for name in REQUESTS} == spans
