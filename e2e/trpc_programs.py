"""
A real tRPC client, a real tRPC server, and the kit's tRPC alone beside it, told the same.

Owns how each is started. What they should answer is the tests' business.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal

from e2e.binaries import ROOT
from e2e.node import Javascript
from e2e.process import Running, answers_ok, clean_environment, free_port
from otel_kit.health.trpc import MAX_BATCH

__all__ = ["Link", "Procedures", "calls", "kits_server", "real_server", "times"]

Procedures = Mapping[str, tuple[int, Any]]
"""What each procedure says: status and document."""

Link = Literal["single", "batch", "stream"]
"""`httpLink`, `httpBatchLink`, `httpBatchStreamLink`."""

CLIENT_SECONDS = 120


@cache
def scripts() -> Javascript:
    """
    Client and server, with what they require.
    """
    return Javascript(ROOT / "e2e" / "trpc")


def calls(url: str, link: Link, *names: str) -> list[Any]:
    """
    What a caller gets, for each name: {"data": …} or {"error": {"message", "code", "data"}}.

    Args:
        url: Of the server; the procedures are under `/trpc` there.
    """
    answers: list[Any] = _client(url, link, *names)
    return answers


def times(url: str, count: int, *names: str) -> dict[str, list[float]]:
    """
    Milliseconds that each of so many calls took, one after the other.
    """
    taken: dict[str, list[float]] = _client(url, "times", str(count), *names)
    return taken


def _client(url: str, *words: str) -> Any:
    done = subprocess.run(
        scripts().command("client.cjs", f"{url}/trpc", *words),
        env=clean_environment(Path(tempfile.gettempdir()), scripts().environment),
        capture_output=True,
        text=True,
        timeout=CLIENT_SECONDS,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


@contextmanager
def real_server(procedures: Procedures, directory: Path) -> Iterator[str]:
    """
    @trpc/server with its standalone adapter; gives its URL.
    """
    port = free_port()
    told = {**scripts().environment, "PORT": str(port), "MAX_BATCH": str(MAX_BATCH)}
    with _serving("trpc-server", scripts().command("server.cjs"), port, procedures, directory, told) as url:
        yield url


@contextmanager
def kits_server(procedures: Procedures, directory: Path) -> Iterator[str]:
    """
    The kit's tRPC under uvicorn, and nothing else of the kit; gives its URL.
    """
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "e2e.services.trpc_twin:app", "--port", str(port), "--lifespan", "off"]
    with _serving("trpc-twin", command, port, procedures, directory, {"PYTHONPATH": str(ROOT)}) as url:
        yield url


@contextmanager
def _serving(
    name: str,
    command: list[str],
    port: int,
    procedures: Procedures,
    directory: Path,
    environment: Mapping[str, str],
) -> Iterator[str]:
    directory.mkdir(parents=True, exist_ok=True)
    well = next(procedure for procedure, (status, _) in procedures.items() if status == 200)
    told = clean_environment(directory, {**environment, "PROCEDURES": json.dumps(procedures)})
    log = directory / f"{name}.log"
    server = Running(name, command, log, told, lambda: answers_ok(port, f"/trpc/{well}"), ready_seconds=40)
    try:
        server.start()
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
