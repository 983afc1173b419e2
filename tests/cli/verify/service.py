"""
An ordinary service under the kit, as a real server serves it.

`APP_SPOILT` names what is wrong with it, `APP_PREFIX` the path that a proxy in front of it takes away.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_kit import setup_observability

SPOILT = os.environ.get("APP_SPOILT", "")
PREFIX = os.environ.get("APP_PREFIX", "")
NAME = b"http_requests_in_progress"

service = FastAPI(debug=SPOILT == "debug")
setup_observability(service, service_name="shop")


class Credentials(BaseModel):
    """
    What a person types.
    """

    email: str
    password: str


@service.post("/auth/login")
async def log_in(credentials: Credentials) -> dict[str, str]:
    """
    Knows nobody.
    """
    if SPOILT == "debug":
        raise RuntimeError("no database")
    raise HTTPException(401, f"wrong e-mail address or password, {len(credentials.email)} characters")


class Spoiler:
    """
    What stands in front of the service, and does it no good.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").removeprefix(PREFIX)
        if PREFIX and scope["type"] == "http":
            scope = {**scope, "path": path, "raw_path": path.encode()}
        if SPOILT == "no-metrics" and path == "/metrics":
            scope = {**scope, "path": "/nothing", "raw_path": b"/nothing"}
        if SPOILT == "slow" and path == "/health":
            await asyncio.sleep(1.05)

        async def spoil(message: Message) -> None:
            await send(_spoilt(message, path))

        await self.app(scope, receive, spoil)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.app, name)


def _spoilt(message: Message, path: str) -> Message:
    if SPOILT == "no-id" and message["type"] == "http.response.start":
        return {**message, "headers": [pair for pair in message["headers"] if pair[0].lower() != b"x-correlation-id"]}
    if SPOILT == "no-name" and message["type"] == "http.response.body" and path == "/metrics":
        # of the same length, so that the answer stays whole
        return {**message, "body": message.get("body", b"").replace(NAME, NAME.upper())}
    return message


app = Spoiler(service)
