"""
The full template of the route that served a request.

Owns one table per application: route object or endpoint -> templates with every prefix of
included routers and mounts. Knows nothing of metrics or spans.

Since FastAPI 0.137 `scope["route"].path` lacks the prefix of an included router, plain
Starlette routes leave no `route` in the scope at all, and a mount's `root_path` holds what
the client sent instead of the template: so neither can be used as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import fastapi.routing
from starlette.routing import BaseRoute, Host, Mount, compile_path

# FastAPI before 0.137 has no such function: there included routes are copies with their full path
iter_route_contexts: Any = getattr(fastapi.routing, "iter_route_contexts", None)

__all__ = ["RouteTable", "literal_paths", "mounted", "mounts", "templates"]

MAX_DEPTH = 16
MAX_UNKNOWN = 1024


class Template(NamedTuple):
    """
    One place where a route or endpoint is reachable.
    """

    owner: object
    """Keeps the object alive, so that its `id` is not given to another."""
    path: str
    pattern: re.Pattern[str]


class RouteTable:
    """
    Templates of one application, found by the identity of what served the request.

    Routes that are added while the application serves are found at their first request.
    """

    def __init__(self, application: Any) -> None:
        self._application = application
        self._templates: dict[int, list[Template]] = {}
        self._unknown: dict[int, object] = {}

    def template(self, scope: Mapping[str, Any], path: str, root_path: str) -> str | None:
        """
        The full template, or None when no route was found for the request.

        Args:
            scope: The scope that the router has filled.
            path: The path as the request came in, before any mount.
            root_path: The server's own prefix, which is not part of a template.
        """
        route = scope.get("route")
        if isinstance(route, Mount | Host):
            # Starlette 1.10 names the mount too, before anything inside of it is found
            route = None
        served_by = scope.get("endpoint") if route is None else route
        if served_by is None:
            return None
        candidates = self._candidates(served_by)
        if not candidates:
            return self._fallback(route)
        if len(candidates) == 1:
            return candidates[0].path
        local = path[len(root_path) :] if root_path and path.startswith(root_path) else path
        for candidate in candidates:
            if candidate.pattern.match(local):
                return candidate.path
        return candidates[0].path

    def _candidates(self, served_by: object) -> list[Template]:
        key = id(served_by)
        found = self._templates.get(key)
        if found is not None:
            return found
        if key in self._unknown:
            return []
        self.rebuild()
        found = self._templates.get(key)
        if found is None:
            if len(self._unknown) >= MAX_UNKNOWN:
                self._unknown.clear()
            self._unknown[key] = served_by
            return []
        return found

    def rebuild(self) -> None:
        """
        Read the application's routes again.
        """
        templates: dict[int, list[Template]] = {}
        for owner, path in _walk(self._application.routes, "", 0):
            places = templates.setdefault(id(owner), [])
            if all(place.path != path for place in places):
                places.append(Template(owner, path, compile_path(path)[0]))
        self._templates = templates

    def _fallback(self, route: object) -> str | None:
        """
        For a route that stands in no table of ours: its own path, when it has one.
        """
        path = getattr(route, "path", None) or getattr(route, "path_format", None)
        return path if isinstance(path, str) and path else None


def literal_paths(application: Any) -> frozenset[str]:
    """
    Paths that the application serves by a route of its own without parameters.
    """
    return frozenset(path for _, path in _walk(application.routes, "", 0) if "{" not in path)


def templates(application: Any) -> frozenset[str]:
    """
    Full templates of everything that the application serves by routes, those of mounted applications too.

    What is mounted at `/`, or for a host, is not the application's own: it takes what nobody else does.
    """
    routes = [route for route in application.routes if not _takes_the_rest(route)]
    return frozenset(path for _, path in _walk(routes, "", 0))


def mounts(application: Any) -> frozenset[str]:
    """
    Where the application has mounted others, itself and not by way of them; a mount at `/` is the empty text.
    """
    return frozenset(path for route, path in _with_prefixes(application.routes) if isinstance(route, Mount))


def mounted(application: Any) -> Iterator[tuple[object, str]]:
    """
    All applications that are mounted below this one, however deep, each with where.
    """
    return _mounted(application.routes, "", 0)


def _mounted(routes: Sequence[BaseRoute], prefix: str, depth: int) -> Iterator[tuple[object, str]]:
    if depth > MAX_DEPTH:
        return
    for route, path in _with_prefixes(routes):
        if isinstance(route, Mount | Host):
            place = prefix + (path if isinstance(route, Mount) else "")
            # what a mount with middleware of its own calls is not the application
            yield getattr(route, "_base_app", route.app), place or "/"
            yield from _mounted(route.routes or (), place, depth + 1)


def _takes_the_rest(route: BaseRoute) -> bool:
    return isinstance(route, Host) or (isinstance(route, Mount) and not route.path)


def _walk(routes: Sequence[BaseRoute], prefix: str, depth: int) -> Iterator[tuple[object, str]]:
    """
    Each route and endpoint below `routes`, with its full template.
    """
    if depth > MAX_DEPTH:
        return
    for route, path in _with_prefixes(routes):
        if isinstance(route, Mount | Host):
            yield from _inside(route, prefix + (path if isinstance(route, Mount) else ""), depth)
            continue
        full = prefix + path
        yield route, full
        endpoint = getattr(route, "endpoint", None)
        if endpoint is not None:
            yield endpoint, full


def _inside(mount: Mount | Host, prefix: str, depth: int) -> Iterator[tuple[object, str]]:
    children = mount.routes
    if children:
        yield from _walk(children, prefix, depth + 1)
    else:
        # an application without routes, such as StaticFiles: the mount is all there is to say
        yield mount.app, prefix or "/"


def _with_prefixes(routes: Sequence[BaseRoute]) -> Iterable[tuple[BaseRoute, str]]:
    if iter_route_contexts is None:
        return [(route, _path_of(route)) for route in routes]
    return [(context.original_route, _path_of(context)) for context in iter_route_contexts(routes)]


def _path_of(route: Any) -> str:
    """
    The path of a route or route context; of a mount without the `/{path}` that Starlette appends.
    """
    if isinstance(getattr(route, "original_route", route), Mount):
        return str(route.path)
    # as it is written, converters and all, which is what every instrumentation of FastAPI shows
    path = getattr(route, "path", None) or getattr(route, "path_format", None)
    return path if isinstance(path, str) else ""
