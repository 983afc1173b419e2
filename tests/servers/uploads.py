"""
A service that takes uploads in every way, under a limit of one megabyte.

`/metrics` and the lines on standard output are the kit's; what this process needs of memory, it says itself.
"""

from __future__ import annotations

import asyncio
import os
import time

from fastapi import FastAPI, Request, UploadFile, WebSocket
from starlette.types import Receive, Scope, Send

from otel_kit import setup_observability

os.environ["OTEL_KIT_MAX_BODY_BYTES"] = "1000000"

app = FastAPI()
setup_observability(app, service_name="uploads")


@app.post("/whole")
async def whole(request: Request) -> int:
    """
    Reads the body into memory.
    """
    return len(await request.body())


@app.post("/pieces")
async def pieces(request: Request) -> int:
    """
    Reads the body piece by piece.
    """
    return sum([len(piece) async for piece in request.stream()])


@app.post("/form")
async def form(file: UploadFile) -> int:
    """
    Takes a file in a form.
    """
    return file.size or 0


@app.get("/slow")
async def slow(seconds: float) -> str:
    """
    Stays in flight for a while.
    """
    await asyncio.sleep(seconds)
    return "done"


@app.get("/block")
async def block(seconds: float) -> None:
    """
    Holds up the event loop.
    """
    time.sleep(seconds)  # noqa: ASYNC251 - what a service must not do is what is measured


@app.get("/broken")
async def broken() -> None:
    """
    Raises what nobody handles.
    """
    raise LookupError


@app.post("/unread")
async def unread() -> str:
    """
    Does not look at the body.
    """
    return "fine"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """
    Answers with the body while it comes. Starlette's StreamingResponse reads for itself, so it can't.
    """
    await send({"type": "http.response.start", "status": 200, "headers": []})
    async for piece in Request(scope, receive).stream():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


app.mount("/echo", echo)


@app.get("/peak")
def peak() -> int:
    """
    The most memory that this process has had, in kilobytes; asking begins anew.
    """
    with open("/proc/self/status", encoding="ascii") as status:
        found = next(line for line in status if line.startswith("VmHWM"))
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    return int(found.split()[1])


@app.websocket("/socket")
async def socket(websocket: WebSocket) -> None:
    """
    Says how long each message is.
    """
    await websocket.accept()
    async for message in websocket.iter_bytes():
        await websocket.send_text(str(len(message)))
