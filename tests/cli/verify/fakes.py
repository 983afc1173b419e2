"""
A service as goblin's documents want it, without the kit: each point of it can be spoilt.

Served by uvicorn in a thread, so that a test can look at what it was asked. The real kit's own
service is in `test_real_services.py`.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send

from otel_kit.profiles.goblin import PROFILE

__all__ = ["ORIGIN", "Fake", "page", "serving"]

ORIGIN = "https://shop.example.com"
START_SECONDS = 10.0

Reply = tuple[int, bytes, dict[str, str]]


def page(without: str | None = None, empty: bool = False) -> bytes:
    """
    A page with every documented metric but this one, with or without samples.
    """
    lines = []
    for metric in PROFILE.metrics:
        if metric.name == without:
            continue
        lines.append(f"# TYPE {metric.name} {metric.declaration.kind}")
        labels = ",".join(f'{name}="a \\"b\\" {{c}}"' for name in metric.labelnames)
        ending = "_count" if metric.declaration.kind == "histogram" else ""
        if not empty:
            lines.append(f"{metric.name}{ending}{{{labels}}} 1.0")
    return "\n".join([*lines, ""]).encode()


@dataclass
class Fake:
    """
    What it does, and what it was asked.
    """

    health: int = 200
    routes: tuple[str, ...] = ("/health/all", "/readyz", "/startupz")
    """Health pages beside `/health`."""
    metrics: bytes = field(default_factory=page)
    metrics_type: str = "text/plain; version=0.0.4"
    token: str | None = None
    rate: int | None = 10
    """Logins it lets through; None for any number."""
    refusal: dict[str, object] = field(default_factory=dict)
    """Members of the refusal's body that are different."""
    refusal_headers: dict[str, str] = field(
        default_factory=lambda: {"RateLimit": '"/auth";r=0;t=45', "RateLimit-Policy": '"/auth";q=10;w=60'}
    )
    login: Reply = (401, b'{"detail":"wrong e-mail address or password"}', {})
    origins: tuple[str, ...] = (ORIGIN,)
    seconds: float = 0.0
    """How long an answer takes."""
    echo: str = "safe"
    """Which ids come back: those that are safe, all, or none."""
    missing: Reply = (404, b'{"detail":"Not Found"}', {})
    base: str = ""
    log: Path | None = None
    log_line: str | None = None
    """A line in place of the JSON one."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    ports: set[int] = field(default_factory=set)
    """From which its logins came."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        while (await receive()).get("more_body"):
            pass
        path = scope["path"].removeprefix(self.base)
        self.asked.append((scope["method"], scope["path"]))
        if scope["method"] == "POST":
            self.ports.add(scope["client"][1])
        await asyncio.sleep(self.seconds)
        status, body, more = self._reply(scope["method"], path, headers)
        identity = self._identity(headers.get("x-correlation-id"))
        self._write(scope["method"], path, status, identity)
        sent = {"content-type": "application/json", **self._cors(headers.get("origin")), **more}
        if identity:
            sent["x-correlation-id"] = identity
        pairs = [(name.lower().encode(), value.encode()) for name, value in sent.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body})

    def count(self, method: str, path: str) -> int:
        """
        How often it was asked for this.
        """
        return self.asked.count((method, path))

    def _reply(self, method: str, path: str, headers: dict[str, str]) -> Reply:
        if path == "/health":
            return (self.health, b'{"status":"healthy"}', {}) if method == "GET" else (405, b"{}", {"allow": "GET"})
        if path in self.routes:
            return 200, b'{"status":"healthy"}', {}
        if path == "/metrics":
            if self.token is not None and headers.get("authorization") != f"Bearer {self.token}":
                return 401, b"{}", {}
            return 200, self.metrics, {"content-type": self.metrics_type}
        if path == "/auth/login" and method == "POST":
            return self._log_in()
        return self.missing

    def _log_in(self) -> Reply:
        if self.rate is None or self.count("POST", f"{self.base}/auth/login") <= self.rate:
            return self.login
        body = {
            "error": "rate_limit_exceeded",
            "message": "Rate limit exceeded: 10 per 1 minute",
            "retry_after": 45,
            **self.refusal,
        }
        return 429, json.dumps(body).encode(), {"retry-after": "45", **self.refusal_headers}

    def _identity(self, given: str | None) -> str | None:
        if self.echo == "none":
            return None
        if given and (self.echo == "all" or re.fullmatch(r"[\w.-]{1,128}", given)):
            return given
        return str(uuid.uuid4())

    def _cors(self, origin: str | None) -> dict[str, str]:
        if "*" in self.origins:
            return {"access-control-allow-origin": "*"}
        return {"access-control-allow-origin": origin} if origin in self.origins and origin else {}

    def _write(self, method: str, path: str, status: int, identity: str | None) -> None:
        if self.log is None:
            return
        line = {
            "timestamp": "2025-12-02T10:30:45.123Z",
            "level": "INFO",
            "logger": "goblin",
            "message": "request_completed",
            "correlation_id": identity,
            "method": method,
            "path": path,
            "status_code": status,
            "duration_ms": 1.25,
        }
        with self.log.open("a", encoding="utf-8") as file:
            file.write((self.log_line or json.dumps(line)) + "\n")


@contextmanager
def serving(fake: Fake) -> Iterator[str]:
    """
    The address at which it answers.
    """
    config = uvicorn.Config(
        fake, host="127.0.0.1", port=0, log_config=None, lifespan="off", ws="none", server_header=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}{fake.base}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
