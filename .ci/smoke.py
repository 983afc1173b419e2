"""
Run in an environment that has the installed package and nothing else: one request, and what was shipped.
"""

from __future__ import annotations

import asyncio
from importlib.metadata import entry_points, files
from typing import Any

from fastapi import FastAPI

from otel_kit import __version__, correlation_id, setup_observability

app = FastAPI()
kit = setup_observability(app)


@app.get("/{name}")
async def read(name: str) -> str | None:
    """
    The id of the request.
    """
    return correlation_id()


async def ask(path: str) -> tuple[int, dict[bytes, bytes], bytes]:
    """
    Status, headers and body of one GET, without a server or a client library.
    """
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"x-correlation-id", b"smoke-1")],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }
    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body


async def main() -> None:
    """
    The request, then its metric, then the end.
    """
    status, headers, body = await ask("/tea")
    assert (200, b"smoke-1", b'"smoke-1"') == (status, headers[b"x-correlation-id"], body)
    _, _, page = await ask("/metrics")
    assert b'http_requests_total{method="GET",endpoint="/{name}",status_code="200"} 1' in page
    await kit.shutdown(timeout=1.0)


def check_files() -> None:
    """
    Types, licence and entry points are there, tests are not.
    """
    shipped = {str(path) for path in files("otel-kit") or ()}
    assert "otel_kit/py.typed" in shipped
    assert any(name.endswith("licenses/LICENSE") for name in shipped)
    assert not [name for name in shipped if name.startswith(("tests/", "docs/", "examples/", "benchmarks/"))]
    assert [point for point in entry_points(group="pytest11") if point.value == "otel_kit.testing"]
    assert [point for point in entry_points(group="console_scripts") if point.name == "otel-kit"]


check_files()
asyncio.run(main())
print(f"otel_kit {__version__} works")
