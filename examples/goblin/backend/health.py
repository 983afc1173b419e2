"""
`/health` and what lies under it: plain routes that ask each service when they are asked.

Owns the checks, the shape of the documents and `service_health_status`. The routes with literal
names stand in for all of the service's own health pages; nothing else imports this module.
"""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from time import perf_counter

from fastapi import APIRouter
from fastapi.responses import JSONResponse

import notes
from middleware.metrics import service_health_status

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


async def check_sandbox() -> None:
    """
    Raises when code can't be run: the sandbox needs a directory that can be written.
    """
    with tempfile.TemporaryFile() as probe:
        probe.write(b"goblin")


CHECKS: dict[str, Callable[[], Awaitable[None]]] = {"chroma": notes.heartbeat, "sandbox": check_sandbox}


@router.get("/health")
async def health() -> dict[str, str]:
    """
    The process answers; no service is asked.
    """
    return {"status": "healthy"}


@router.get("/health/all")
async def health_of_all() -> JSONResponse:
    """
    Every service, and 503 when one of them is not healthy.
    """
    services = {name: await ask(name) for name in CHECKS}
    healthy = all(service["status"] == "healthy" for service in services.values())
    document = {"status": "healthy" if healthy else "unhealthy", "services": services}
    return JSONResponse(document, 200 if healthy else 503)


@router.get("/health/chroma")
async def health_of_chroma() -> JSONResponse:
    """
    The vector store.
    """
    return await answer("chroma")


@router.get("/health/sandbox")
async def health_of_sandbox() -> JSONResponse:
    """
    The place where code is run.
    """
    return await answer("sandbox")


async def answer(name: str) -> JSONResponse:
    """
    The state of one service as a document.
    """
    service = await ask(name)
    return JSONResponse(service, 200 if service["status"] == "healthy" else 503)


async def ask(name: str) -> dict[str, str | float]:
    """
    The state of one service now, noted in the metric too.
    """
    started = perf_counter()
    try:
        await CHECKS[name]()
        healthy = True
    except OSError:
        healthy = False
    service_health_status.labels(service_name=name).set(1 if healthy else 0)
    return {
        "status": "healthy" if healthy else "unhealthy",
        "latency_ms": round((perf_counter() - started) * 1000, 2),
    }
