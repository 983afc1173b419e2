"""
One application with every kind of request that the request path has to tell apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException, WebSocket
from opentelemetry import trace
from pydantic import BaseModel
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from otel_kit import correlation_id

__all__ = ["CopiesScope", "RefusesSome", "add_routes", "seen_ids"]

seen_ids: dict[str, list[str | None]] = {}
"""Correlation id as each place saw it, by name of the place."""


def note(place: str) -> str | None:
    """
    Remember the id that holds here.
    """
    seen_ids.setdefault(place, []).append(correlation_id())
    return correlation_id()


class Item(BaseModel):
    """
    A body that can be wrong.
    """

    name: str


class CopiesScope:
    """
    A middleware that hands on a copy of the scope, as some do.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(dict(scope), receive, send)


class RefusesSome(BaseHTTPMiddleware):
    """
    A middleware that answers by itself, and swallows an error on one path.
    """

    async def dispatch(self, request: Request, call_next: Any) -> Any:
        """
        Refuse `/refused`, answer for what fails below `/swallowed`.
        """
        if request.url.path == "/refused":
            return PlainTextResponse("no", 403)
        if request.url.path == "/swallowed":
            try:
                return await call_next(request)
            except ValueError:
                return JSONResponse({"error": "swallowed"}, 500)
        return await call_next(request)


async def dependency() -> str | None:
    """
    A dependency that sees the id.
    """
    return note("dependency")


async def turning() -> AsyncIterator[None]:
    """
    A dependency that makes something else of what fails below.
    """
    try:
        yield
    except OSError:
        raise HTTPException(503, "later")  # noqa: B904 - as people write it


def add_routes(app: FastAPI) -> None:
    """
    Every kind of route.
    """
    router, sub = APIRouter(), FastAPI()

    @app.get("/items/{item_id}")
    async def read_item(item_id: int, seen: str | None = Depends(dependency)) -> dict[str, Any]:
        note("handler")
        return {"item": item_id, "id": seen}

    @app.get("/sync/{n}")
    def sync(n: int) -> str | None:
        return note("sync")

    @app.post("/items")
    async def create(item: Item) -> Item:
        return item

    @app.get("/boom/{n}")
    async def boom(n: int) -> None:
        raise ValueError(f"boom {n}")

    @app.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(418, "teapot")

    @app.get("/unavailable")
    async def unavailable() -> None:
        raise HTTPException(503, "later")

    @app.exception_handler(ArithmeticError)
    async def answer_for(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": "handled"}, int(request.query_params.get("status", "500")))

    @app.get("/handled")
    async def handled() -> None:
        raise ArithmeticError("handled") from OSError("at the bottom")

    @app.get("/turned")
    async def turned() -> None:
        try:
            raise OSError("at the bottom")
        except OSError as error:
            raise HTTPException(503, "later") from error

    @app.get("/dependency-turns")
    async def dependency_turns(turns: None = Depends(turning)) -> None:
        raise OSError("at the bottom")

    @app.get("/swallowed")
    async def swallowed() -> None:
        raise ValueError("swallowed")

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            for n in range(5):
                note("stream")
                yield b"%d" % n
                await asyncio.sleep(0)

        return StreamingResponse(chunks())

    @app.get("/sync-stream")
    def sync_stream() -> StreamingResponse:
        def chunks() -> Iterator[bytes]:
            for n in range(3):
                yield b"%d" % n

        return StreamingResponse(chunks())

    @app.get("/broken-stream")
    async def broken_stream() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"first"
            raise RuntimeError("broken in the middle")

        return StreamingResponse(chunks())

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> str:
        async def work() -> None:
            note("background")
            with trace.get_tracer("tests").start_as_current_span("background-work"):
                await asyncio.sleep(0)

        tasks.add_task(work)
        return "ok"

    @app.get("/background-fails")
    async def background_fails(tasks: BackgroundTasks) -> str:
        def work() -> None:
            raise KeyError("background")

        tasks.add_task(work)
        return "ok"

    @app.get("/task")
    async def task() -> str | None:
        return await asyncio.create_task(_noting("task"))

    @app.websocket("/ws/{room}")
    async def socket(websocket: WebSocket, room: str) -> None:
        await websocket.accept()
        note("websocket")
        await websocket.send_text(await websocket.receive_text())
        await websocket.close()

    @app.websocket("/ws-refused")
    async def refused(websocket: WebSocket) -> None:
        await websocket.close(1008)

    @router.get("/x/{item}")
    def routed(item: str) -> str:
        return item

    @sub.get("/things/{thing}")
    def thing(thing: str) -> str:
        note("mounted")
        return thing

    app.include_router(router, prefix="/api/inner")
    app.mount("/sub", sub)


async def _noting(place: str) -> str | None:
    return note(place)
