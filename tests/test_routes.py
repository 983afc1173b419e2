"""
The table of route templates.
"""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from otel_kit.routes import RouteTable, literal_paths, templates

from .asgi_client import call


class Recording:
    """
    Application that asks the table for the template once the routed application has answered.
    """

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.table = RouteTable(app)
        self.seen: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, root = scope["path"], scope.get("root_path", "")
        scope = dict(scope)
        await self.app(scope, receive, send)
        self.seen = self.table.template(scope, path, root)


def nested_app(tmp_path: Any) -> FastAPI:
    """
    Every kind of place in which a route can stand.
    """
    app, inner, outer, sub = FastAPI(), APIRouter(), APIRouter(), FastAPI()

    @inner.get("/x/{item}")
    def read(item: str) -> dict[str, str]:
        return {"item": item}

    @sub.get("/things/{thing}")
    def thing(thing: str) -> dict[str, str]:
        return {"thing": thing}

    async def plain(request: Request) -> PlainTextResponse:
        return PlainTextResponse("plain")

    @inner.get("/files/{where:path}/{number:int}")
    def file(where: str, number: int) -> dict[str, str]:
        return {where: str(number)}

    outer.include_router(inner, prefix="/inner")
    app.include_router(outer, prefix="/api/outer")
    app.include_router(inner, prefix="/second")
    app.mount("/sub", sub)
    app.mount("/tenants/{tenant}", sub)
    app.add_route("/plain/{name}", plain, methods=["GET"])
    app.mount("/static", StaticFiles(directory=str(tmp_path)))
    app.router.routes.append(Mount("/starlette", routes=[Route("/deep/{n}", plain)]))
    return app


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/api/outer/inner/x/3", "/api/outer/inner/x/{item}"),
        ("/second/x/3", "/second/x/{item}"),
        ("/second/files/a/b/4", "/second/files/{where:path}/{number:int}"),
        ("/api/outer/inner/files/a/4", "/api/outer/inner/files/{where:path}/{number:int}"),
        ("/sub/things/9", "/sub/things/{thing}"),
        ("/tenants/acme/things/9", "/tenants/{tenant}/things/{thing}"),
        ("/plain/joe", "/plain/{name}"),
        ("/static/file.txt", "/static"),
        ("/starlette/deep/4", "/starlette/deep/{n}"),
        ("/docs", "/docs"),
        ("/openapi.json", "/openapi.json"),
        ("/nowhere/at/all", None),
        ("/sub/nowhere", None),
        ("/plain/joe/", None),
    ],
)
async def test_names_the_full_template(tmp_path: Any, path: str, template: str | None) -> None:
    """
    A template has the prefixes of included routers and mounts; where nothing is found there is none.
    """
    (tmp_path / "file.txt").write_text("text")
    app = Recording(nested_app(tmp_path))

    await call(app, path=path)

    assert template == app.seen


async def test_finds_a_route_that_was_added_late() -> None:
    """
    A route added after the table was built is found at its first request.
    """
    app = Recording(FastAPI())
    await call(app, path="/none")

    @app.app.get("/late/{n}")
    def late(n: int) -> int:
        return n

    await call(app, path="/late/1")

    assert app.seen == "/late/{n}"


async def test_leaves_out_the_servers_root_path(tmp_path: Any) -> None:
    """
    The server's own prefix is not part of a template.
    """
    app = Recording(nested_app(tmp_path))

    await call(app, path="/prefix/second/x/3", root_path="/prefix")

    assert app.seen == "/second/x/{item}"


async def test_a_405_has_its_route() -> None:
    """
    A wrong method on a known path is counted under the template.
    """
    app = Recording(FastAPI())

    @app.app.get("/only/{n}")
    def only(n: int) -> int:
        return n

    await call(app, method="POST", path="/only/1")

    assert app.seen == "/only/{n}"


def test_literal_paths_leave_out_parameters(tmp_path: Any) -> None:
    """
    Only paths without a parameter are literal.
    """
    found = literal_paths(nested_app(tmp_path))

    assert "/docs" in found
    assert not [path for path in found if "{" in path]


def test_what_takes_the_rest_is_not_the_applications_own(tmp_path: Any) -> None:
    """
    Templates are those of mounts as well, but of none at `/` and of no host.
    """
    rest = FastAPI(openapi_url=None)
    rest.add_api_route("/of-the-rest", lambda: "rest")
    app = nested_app(tmp_path)
    app.router.routes.append(Host("one.example.com", rest))
    app.mount("/", rest)

    assert "/of-the-rest" in literal_paths(app)
    assert "/of-the-rest" not in templates(app)
    assert "/sub/things/{thing}" in templates(app)
