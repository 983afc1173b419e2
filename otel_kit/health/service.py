"""
The health of one application: where it is in its life, and the routes that tell.

Owns the phase, which route answers a path, and what follows from each new answer of a check: the metric, and a line
when it changes. Knows no profile; the access rule and the redaction policy come as functions.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from starlette.types import ASGIApp, Scope

from otel_kit.health.check import Check
from otel_kit.health.checks import Checks, ask
from otel_kit.health.draining import Draining
from otel_kit.health.page import Page
from otel_kit.health.refresh import Refresh
from otel_kit.health.running import let_go
from otel_kit.health_layout import CheckReport, HealthReport, HealthRoute, HealthRoutes, Phase
from otel_kit.ledger import Gauge

__all__ = ["Health"]

CLOSE_SECONDS = 0.5
"""For cancelled checks to end; one that takes no cancellation is left behind."""

MAX_TOLD = 500
"""Characters of an error's text."""

_logger = logging.getLogger("otel_kit.health")
_PARAMETER = re.compile(r"\{[^}]*\}")


class Health:
    """
    Answers, and keeps answering by itself while it serves.

    Args:
        degraded_status: HTTP status where the profile documents 200 and 503.
        gauge: Written with each answer of a check, by its name; None where the profile has no such metric.
        trusted: Whether the peer of a request may read why a check failed; None: nobody may.
        clean: Takes the secrets out of that text.
        interval_seconds: Between two runs of the checks while nobody asks.
        drain_seconds: How long readiness is refused before the server hears of SIGTERM.
    """

    def __init__(
        self,
        checks: Checks,
        routes: HealthRoutes,
        *,
        degraded_status: int = 503,
        gauge: Gauge | None = None,
        trusted: Callable[[Scope], bool] | None = None,
        clean: Callable[[str], str] = str,
        interval_seconds: float = 15.0,
        drain_seconds: float = 0.0,
    ) -> None:
        self.checks = checks
        self._degraded_status = degraded_status
        self._gauge = gauge
        self._trusted = trusted
        self._clean = clean
        self._phase: Phase | None = None
        self._since = time.monotonic()
        self._known: dict[str, bool] = {}
        self._refresh = Refresh(self._ask_all, interval_seconds)
        self._draining = Draining(drain_seconds, self.stopping)
        self._routes = routes
        self.give_way(())
        checks.listen(self._note)

    def give_way(self, taken: Iterable[str]) -> None:
        """
        Leave to the application what it serves by routes of its own.

        Args:
            taken: Their templates: those with the same text, or the same shape, are the application's. One without
                parameters is so too where it would pass for a check's name.
        """
        self._taken = frozenset(taken)
        shapes = frozenset(map(_shape, self._taken))
        self.left_alone = tuple(route.path for route in self._routes.routes if _shape(route.path) in shapes)
        """Routes of the profile that the application serves itself."""
        own = [route for route in self._routes.routes if route.path not in self.left_alone]
        self._pages = {route.path: (route.path, self._page(route, None)) for route in own if route.kind != "one"}
        self._by_stem = {_stem(route): route for route in own if route.kind == "one"}
        self._stems = tuple(self._by_stem)
        self._all_stems = tuple(_stem(route) for route in self._routes.routes if route.kind == "one")

    def _page(self, route: HealthRoute, name: str | None) -> ASGIApp:
        return Page(route, name, self._report, self._degraded_status)

    # -- routes -------------------------------------------------------------------------------

    def find(self, path: str) -> tuple[str, ASGIApp] | None:
        """
        Template and page for a path below the server's prefix; None where it is no health route of the kit's.
        """
        found = self._pages.get(path)
        if found is None and path.startswith(self._stems):
            stem, slash, name = path.rpartition("/")
            route = self._by_stem.get(stem + slash)
            if route is not None and name and path not in self._taken:
                return route.path, self._page(route, name)
        return found

    def concerns(self, path: str) -> bool:
        """
        Whether a path is asked for the service's health, also where the application answers itself.
        """
        return path in self.left_alone or path.startswith(self._all_stems) or self.find(path) is not None

    @property
    def templates(self) -> tuple[str, ...]:
        """
        The routes that are served here.
        """
        return (*self._pages, *(route.path for route in self._by_stem.values()))

    async def _report(self, route: HealthRoute, name: str | None, scope: Scope) -> HealthReport | None:
        self.serve()
        if route.kind == "one":
            check = self.checks.get(name or "")
            if check is None:
                return None
            answers = await ask([check])
        elif route.kind == "all" or (route.kind == "ready" and self.phase == "serving"):
            answers = await self._ask_all()
        else:
            answers = ()
        answers = tuple(replace(answer, error=error) for answer, error in self._errors(answers, scope))
        return HealthReport(self.phase, answers, datetime.now(timezone.utc), time.monotonic() - self._since)

    def _errors(self, answers: tuple[CheckReport, ...], scope: Scope) -> Iterator[tuple[CheckReport, str | None]]:
        """
        Each answer with what may be shown of its error.
        """
        trusted = any(answer.error for answer in answers) and self._trusted is not None and self._trusted(scope)
        for answer in answers:
            yield answer, self._told(answer.error) if trusted and answer.error else None

    def _told(self, error: str) -> str:
        # secrets go before the text is cut: half of one would not be known for what it is
        return self._clean(error)[:MAX_TOLD].encode("utf-8", "replace").decode()

    async def _ask_all(self) -> tuple[CheckReport, ...]:
        return await ask(self.checks)

    # -- life ---------------------------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        """
        Before anything has begun a service is starting.
        """
        return self._phase or "starting"

    def opening(self) -> None:
        """
        A lifespan begins; the application's start-up comes next.
        """
        self._phase = "starting"

    def serve(self) -> None:
        """
        A request has come. Where no lifespan has begun the server has none, so start-up is over.
        """
        if self._phase is None:
            self.start()

    def start(self) -> None:
        """
        Start-up is complete, on the loop that serves: ready, and the checks run from now on. Again changes nothing.
        """
        if self._phase == "draining":
            return
        self._phase = "serving"
        self._refresh.start()
        self._draining.hook()

    def stopping(self) -> None:
        """
        The service has been told to end; it goes on answering. May be called by a signal handler.
        """
        self._phase = "draining"

    async def close(self) -> None:
        """
        The end of serving. Another lifespan may follow.
        """
        self._draining.unhook()
        ending: list[asyncio.Task[Any]] = [*self._refresh.stop()]
        for check in self.checks:
            ending += check.stop()
        if ending:
            _, left = await asyncio.wait(ending, timeout=CLOSE_SECONDS)
            for task in left:
                let_go(task)
        self._phase = None

    def state(self) -> dict[str, Any]:
        """
        For the start-up block and whoever asks in Python: routes, checks and their last answers.
        """
        return {
            "phase": self.phase,
            "routes": list(self.templates),
            "checks": {check.name: _word(check) for check in self.checks},
        }

    def _note(self, answer: CheckReport) -> None:
        if self._gauge is not None:
            self._gauge.labels(answer.name).set(float(answer.healthy))
        before = self._known.get(answer.name, True)
        self._known[answer.name] = answer.healthy
        if before and not answer.healthy:
            fields = {"check": answer.name, "critical": answer.critical, "detail": self._told(answer.error or "")}
            _logger.warning("otel_kit.check_failed", extra=fields)
        elif answer.healthy and not before:
            _logger.info("otel_kit.check_recovered", extra={"check": answer.name})


def _word(check: Check) -> str:
    latest = check.latest
    if latest is None:
        return "not run yet"
    return "healthy" if latest.healthy else "unhealthy"


def _stem(route: HealthRoute) -> str:
    """
    What stands before the name of a check.
    """
    return route.path.rpartition("/")[0] + "/"


def _shape(template: str) -> str:
    """
    The template with its parameters nameless: `/health/{service}` and `/health/{name}` are the same route.
    """
    return _PARAMETER.sub("{}", template.rstrip("/") or "/")
