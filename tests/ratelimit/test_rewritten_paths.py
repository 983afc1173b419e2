"""
Which path a limit goes by where a middleware hands on another than came in: that which the application gets.
"""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from otel_kit import Settings, setup_observability

LIMITS_ON = Settings(ratelimit_enabled=True)


class Rewriting:
    """
    A middleware that takes `/x` off paths, in the scope at hand or in a copy; or sets a `root_path`.
    """

    def __init__(self, app: ASGIApp, *, copies: bool = True, sets_root: bool = False) -> None:
        self.app = app
        self.copies = copies
        self.sets_root = sets_root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and scope["path"].startswith("/x/"):
            scope = dict(scope) if self.copies else scope
            if self.sets_root:
                scope["root_path"] = "/x"
            else:
                scope["path"] = scope["path"].removeprefix("/x")
        await self.app(scope, receive, send)


def make_app(*, is_late: bool = False, **options: Any) -> FastAPI:
    """
    Two logins a minute, behind a middleware that is added before the kit is set up, or after it.
    """
    app = FastAPI()

    @app.get("/auth/login")
    async def login() -> str:
        return "in"

    @app.websocket("/auth/socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    if not is_late:
        app.add_middleware(Rewriting, **options)
    setup_observability(app, settings=LIMITS_ON, limits={"/auth": "2/minute"})
    if is_late:
        app.add_middleware(Rewriting, **options)
    return app


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("options", [{"copies": True}, {"copies": False}, {"sets_root": True}])
def test_another_way_to_a_path_is_under_its_limit(options: dict[str, Any], is_late: bool) -> None:
    """
    Both ways to the login count together, however the middleware says where it leads.
    """
    with TestClient(make_app(is_late=is_late, **options)) as client:
        statuses = [client.get(path).status_code for path in ("/x/auth/login", "/auth/login", "/x/auth/login")]

    assert [200, 200, 429] == statuses


def test_a_handshake_that_is_rewritten_is_under_the_limit() -> None:
    """
    As with requests.
    """
    with TestClient(make_app()) as client:
        for path in ("/x/auth/socket", "/auth/socket"):
            with client.websocket_connect(path):
                pass
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/x/auth/socket"):
            raise AssertionError("the third handshake was let in")


@pytest.mark.parametrize("is_mounted", [False, True])
def test_the_place_of_the_application_changes_nothing(is_mounted: bool) -> None:
    """
    Below a prefix of the server's, or mounted in an application that knows nothing of the kit.
    """
    app = make_app()
    outside = TestClient(Starlette(routes=[Mount("/api", app)])) if is_mounted else TestClient(app, root_path="/api")
    with outside as client:
        statuses = [client.get("/api/auth/login").status_code for _ in range(3)]

    assert [200, 200, 429] == statuses
