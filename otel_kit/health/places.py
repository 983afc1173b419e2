"""
Which health route answers a path, and which paths are the application's own.

Owns the look-up, and how the kit gives way. Knows nothing of checks or documents: what is found answers by a function
that is handed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Scope

from otel_kit.health.page import Answerer, Page
from otel_kit.health_layout import HealthRoute, HealthRoutes, shape_of
from otel_kit.refusals import Refusal

if TYPE_CHECKING:
    from otel_kit.health.trpc import Trpc

__all__ = ["Places"]


class Places:
    """
    The paths of a profile's health routes in one application.
    """

    def __init__(self, routes: HealthRoutes, answer: Answerer) -> None:
        self._routes = routes.routes
        self._answer = answer
        self._named_stems = tuple(_stem(route) for route in self._routes if route.kind == "one")
        self.give_way(())

    def give_way(self, taken: Iterable[str], mounts: Iterable[str] = ()) -> None:
        """
        Leave to the application what it serves by routes of its own.

        Args:
            taken: Their templates: those with the same text, or the same shape, are the application's. One without
                parameters is so too where it would pass for a check's name or a procedure's.
            mounts: Where it has mounted others. With such a place, or a template with a parameter, below the prefix of
                procedures the application has procedures of its own: there the kit answers for its single ones alone.
        """
        self._taken = frozenset(taken)
        shapes = frozenset(map(shape_of, self._taken))
        self.left_alone = tuple(route.path for route in self._routes if shape_of(route.path) in shapes)
        """Routes of the profile that the application serves itself."""
        own = [route for route in self._routes if route.path not in self.left_alone]
        pages = [route for route in own if route.kind != "one" and route.form == "json"]
        self._pages: dict[str, tuple[str | None, ASGIApp]] = {
            route.path: (route.path, Page(route, None, self._answer)) for route in pages
        }
        self._named = {_stem(route): route for route in own if route.kind == "one"}
        self._give_procedures(own, frozenset(mounts))
        self._stems = (*self._named, *self._procedures)

    def _give_procedures(self, own: Iterable[HealthRoute], mounts: frozenset[str]) -> None:
        by_prefix: dict[str, dict[str, HealthRoute]] = {}
        for route in own:
            if route.form == "trpc":
                prefix, _, name = route.path.rpartition("/")
                by_prefix.setdefault(prefix, {})[name] = route
        self._procedures: dict[str, Trpc] = {}
        if not by_prefix:
            return
        # imported here: few profiles have procedures
        from otel_kit.health.trpc import Trpc

        for prefix, routes in by_prefix.items():
            trpc = Trpc(prefix, {name: partial(self._say, route) for name, route in routes.items()})
            for route in routes.values():
                found = trpc.find(route.path)
                if found is not None:
                    self._pages[route.path] = found
            if not self._is_shared(prefix, mounts):
                self._procedures[f"{prefix}/"] = trpc

    def _is_shared(self, prefix: str, mounts: frozenset[str]) -> bool:
        """
        Whether the application has procedures of its own there, or may have.
        """
        stem = f"{prefix}/"
        mounted = any(stem.startswith(f"{mount}/") or mount.startswith(stem) for mount in mounts if mount)
        return not prefix or mounted or any(path.startswith(stem) and "{" in path for path in self._taken)

    async def _say(self, route: HealthRoute, scope: Scope) -> tuple[int, Any]:
        answered = await self._answer(route, None, scope)
        return (answered.status, answered.message) if isinstance(answered, Refusal) else answered

    def find(self, path: str) -> tuple[str | None, ASGIApp] | None:
        """
        Template and page for a path below the server's prefix; None where it is no health route of the kit's.

        The template is None for a procedure that nobody has: its page says so.
        """
        found = self._pages.get(path)
        if found is None and path.startswith(self._stems) and path not in self._taken:
            found = self._find_below(path)
        return found

    def _find_below(self, path: str) -> tuple[str | None, ASGIApp] | None:
        stem, slash, name = path.rpartition("/")
        route = self._named.get(stem + slash)
        if route is not None and name:
            return route.path, Page(route, name, self._answer)
        return next((trpc.find(path) for stem, trpc in self._procedures.items() if path.startswith(stem)), None)

    def hidden(self, names: Iterable[str]) -> list[str]:
        """
        Pages of single checks that the application serves itself.
        """
        pages = (stem + name for name in names for stem in self._stems)
        return [page for page in pages if page in self._taken]

    def concerns(self, path: str) -> bool:
        """
        Whether a path is asked for the service's health, also where the application answers itself.
        """
        return path in self.left_alone or path.startswith(self._named_stems) or self.find(path) is not None

    @property
    def templates(self) -> tuple[str, ...]:
        """
        The routes that are served here.
        """
        return tuple(dict.fromkeys(self._served()))

    def _served(self) -> Iterator[str]:
        yield from self._pages
        yield from (route.path for route in self._named.values())
        for trpc in self._procedures.values():
            yield from trpc.templates


def _stem(route: HealthRoute) -> str:
    """
    What stands before the name of a check.
    """
    return route.path.rpartition("/")[0] + "/"
