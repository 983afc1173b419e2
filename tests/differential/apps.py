"""
One service, built twice: under the kit with the profile xionimus, and under prometheus-fastapi-instrumentator.

Each function makes an application for a server that takes a factory. All have the same routes and middleware, in the
same order: a middleware inside of the instrumentator's and one outside, as when it is added in the middle of a set-up.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Body, FastAPI, HTTPException, Request, Response, WebSocket
from prometheus_fastapi_instrumentator import Instrumentator
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from otel_kit import setup_observability

__all__ = ["FILES", "instrumentator", "instrumentator_at_root", "kit", "kit_at_root"]

FILES = Path(__file__).parent / "files"
"""What is served as static files."""
WAIT_SECONDS = 0.65
"""More than the tests ask for: a timer of the event loop may come a little early."""


class Gate:
    """
    Middleware that answers in the application's place when the request has a header of this name.
    """

    def __init__(self, app: ASGIApp, name: str) -> None:
        self.app = app
        self.name = name.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        shut = any(self.name == name for name, _ in scope.get("headers", ()))
        await (PlainTextResponse("shut", 401) if shut else self.app)(scope, receive, send)


def kit() -> FastAPI:
    """
    The service under the kit.
    """
    app = _service()
    setup_observability(app, profile="xionimus")
    return _with_late_middleware(app)


def instrumentator() -> FastAPI:
    """
    The service as it was before, by the two calls that the instrumentator's page begins with.
    """
    app = _service()
    Instrumentator().instrument(app).expose(app)
    return _with_late_middleware(app)


def kit_at_root() -> FastAPI:
    """
    Under the kit: the application names its root path, and files take what no route does.
    """
    app = FastAPI(root_path="/prefix")
    setup_observability(app, profile="xionimus")
    return _with_files_at_root(app)


def instrumentator_at_root() -> FastAPI:
    """
    The same under the instrumentator.
    """
    app = FastAPI(root_path="/prefix")
    Instrumentator().instrument(app).expose(app)
    return _with_files_at_root(app)


def _service() -> FastAPI:
    app = FastAPI()
    app.add_middleware(Gate, name="x-shut")
    _add_answers(app)
    _add_failures(app)
    _add_streams(app)
    _add_routers(app)
    _add_mounts(app)
    return app


def _with_late_middleware(app: FastAPI) -> FastAPI:
    app.add_middleware(Gate, name="x-shut-early")
    app.add_middleware(CORSMiddleware, allow_origins=["http://ui.example"])
    app.add_middleware(GZipMiddleware)
    return app


def _with_files_at_root(app: FastAPI) -> FastAPI:
    _add_answers(app)
    app.mount("/sub", _sub())
    app.mount("/", StaticFiles(directory=FILES))
    return app


def _add_answers(app: FastAPI) -> None:
    @app.get("/fresh/{n}")
    async def fresh(n: int) -> int:
        return n

    @app.get("/items/{item_id}")
    async def item(item_id: int) -> dict[str, int]:
        return {"item": item_id}

    @app.post("/items")
    async def create(name: Annotated[str, Body(embed=True)]) -> dict[str, str]:
        return {"name": name}

    @app.api_route("/any/{name}", methods=["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
    async def anything(name: str) -> str:
        return name

    @app.post("/upload")
    async def upload(request: Request) -> int:
        return len(await request.body())

    @app.get("/sized/{size}")
    def sized(size: int) -> Response:
        return Response(b"x" * size)

    @app.get("/empty", status_code=204)
    async def empty() -> None:
        return None

    @app.get("/unchanged")
    async def unchanged() -> Response:
        return Response(status_code=304)

    @app.get("/moved")
    async def moved() -> RedirectResponse:
        return RedirectResponse("/items/1")

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(WAIT_SECONDS)
        return "done"

    @app.get("/folder/")
    async def folder() -> str:
        return "folder"

    @app.get("/people/{person}/")
    async def person(person: str) -> str:
        return person

    app.add_route("/plain/{name}", _plain, methods=["GET"])


async def _plain(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.path_params.get("name", "plain"))


def _add_failures(app: FastAPI) -> None:
    @app.get("/boom/{n}")
    async def boom(n: int) -> None:
        raise ValueError(f"boom {n}")

    @app.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(418, "teapot")

    @app.get("/unavailable")
    async def unavailable() -> None:
        raise HTTPException(503, "later")

    @app.get("/handled")
    async def handled() -> None:
        raise KeyError("handled")

    @app.exception_handler(KeyError)
    async def conflict(request: Request, error: KeyError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 409)

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> str:
        tasks.add_task(asyncio.sleep, WAIT_SECONDS)
        return "ok"

    @app.get("/background-fails")
    async def background_fails(tasks: BackgroundTasks) -> str:
        tasks.add_task(os.stat, "/does/not/exist")
        return "ok"


def _add_streams(app: FastAPI) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for n in range(5):
            yield b"%d" % n
            await asyncio.sleep(0)

    async def breaks() -> AsyncIterator[bytes]:
        yield b"first"
        raise RuntimeError("broken in the middle")

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 4096
            await asyncio.sleep(0.01)

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(chunks())

    @app.get("/sized-stream")
    async def sized_stream() -> StreamingResponse:
        return StreamingResponse(chunks(), headers={"Content-Length": "5"})

    @app.get("/broken-stream")
    async def broken_stream() -> StreamingResponse:
        return StreamingResponse(breaks())

    @app.get("/endless")
    async def endless_stream() -> StreamingResponse:
        return StreamingResponse(endless())

    @app.websocket("/ws/{room}")
    async def socket(websocket: WebSocket, room: str) -> None:
        await websocket.accept()
        await websocket.send_text(room)
        await websocket.close()


def _add_routers(app: FastAPI) -> None:
    inner, outer = APIRouter(), APIRouter(prefix="/outer")

    @inner.get("/x/{thing}")
    async def thing(thing: str) -> str:
        return thing

    @inner.post("/x/{thing}")
    async def change(thing: str) -> str:
        return thing

    @inner.get("/files/{where:path}/{number:int}")
    async def file(where: str, number: int) -> str:
        return f"{where} {number}"

    inner.add_route("/starlette/{name}", _plain, methods=["GET"])
    outer.include_router(inner, prefix="/inner/{group}")
    app.include_router(outer, prefix="/api")
    app.include_router(inner, prefix="/second")


def _add_mounts(app: FastAPI) -> None:
    sub = _sub()
    sub.mount("/deep", _sub())
    app.mount("/sub", sub)
    app.mount("/tenants/{tenant}", _sub())
    app.mount("/static", StaticFiles(directory=FILES))
    app.mount("/asgi", PlainTextResponse("any path"))
    app.mount("/poll", _wait_for_the_end)
    app.mount("/starlette", Starlette(routes=[Route("/deep/{n}", _plain), Mount("/more", routes=[Route("/", _plain)])]))
    app.host("admin.example", Starlette(routes=[Route("/panel/{name}", _plain)]))


async def _wait_for_the_end(scope: Scope, receive: Receive, send: Send) -> None:
    """
    An application with no news: it answers nobody who has left meanwhile.
    """
    while (await receive())["type"] != "http.disconnect":
        pass


def _sub() -> FastAPI:
    sub = FastAPI()

    @sub.get("/things/{thing}")
    async def thing(thing: str) -> str:
        return thing

    @sub.get("/boom")
    async def boom() -> None:
        raise ValueError("boom below")

    return sub
