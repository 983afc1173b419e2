"""
A store's front door: an HTTP server that writes down what knocked, byte for byte, and lets it in.

Owns headers, paths and bodies as they came over the wire. Decodes nothing; that is what
`programs.double` is for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from e2e.process import wait_for

__all__ = ["Recorded", "Recorder", "recorder"]


class Recorded(NamedTuple):
    """
    One request; header names in lower case.
    """

    path: str
    headers: dict[str, str]
    body: bytes


class Recorder:
    """
    Its address and what came. Answers `status`, or not at all while `hangs` is set.
    """

    def __init__(self) -> None:
        self.port = 0
        self.status = 200
        self.answer = b""
        self.requests: list[Recorded] = []
        self.hangs = threading.Event()
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        """
        Base URL.
        """
        return f"http://127.0.0.1:{self.port}"

    def of(self, path: str) -> list[Recorded]:
        """
        The requests that came to this path.
        """
        return [request for request in self.requests if request.path == path]

    def first(self, path: str, timeout: float = 15.0) -> Recorded:
        """
        The first request to this path, waited for.
        """
        return wait_for(lambda: self.of(path), f"a request to {path}", timeout)[0]


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """
        Nothing: a client that is killed is part of the tests.
        """


@contextmanager
def recorder() -> Iterator[Recorder]:
    """
    Listen for the length of the block.
    """
    owner = Recorder()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b"".join(self._chunks())
            headers = {name.lower(): value for name, value in self.headers.items()}
            owner.requests.append(Recorded(self.path, headers, body))
            if owner.hangs.is_set():
                self.close_connection = True
                owner.closing.wait(60)
                return
            self.send_response(owner.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(owner.answer)))
            self.end_headers()
            self.wfile.write(owner.answer)

        def _chunks(self) -> Iterator[bytes]:
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        def log_message(self, format: str, *args: object) -> None:
            return None

    server = _Quiet(("127.0.0.1", 0), Handler)
    owner.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield owner
    finally:
        owner.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
