"""
The next service: a real HTTP server on loopback that remembers the headers it was sent.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["NextService", "next_service"]


class NextService:
    """
    Its address, and the headers of each request, names in lower case.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[dict[str, str]] = []


@contextmanager
def next_service() -> Iterator[NextService]:
    """
    Serve for the length of the block.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            service.received.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service = NextService(f"http://127.0.0.1:{server.server_port}/")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
