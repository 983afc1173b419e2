"""
The health of one application: where it is in its life, and the routes that tell.

Owns the phase, what a route says, and what follows from each new answer of a check: the metric, and a line
when it changes. Knows no profile; the access rule and the redaction policy come as functions.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from starlette.types import Scope

from otel_kit.health.check import Check
from otel_kit.health.checks import Checks, ask
from otel_kit.health.draining import Draining
from otel_kit.health.overall import Overall
from otel_kit.health.page import NO_STORE
from otel_kit.health.places import Places
from otel_kit.health.providers import Providers
from otel_kit.health.refresh import Refresh
from otel_kit.health.running import let_go
from otel_kit.health_layout import CheckReport, Facts, HealthReport, HealthRoute, HealthRoutes, Phase
from otel_kit.ledger import Gauge
from otel_kit.refusals import Refusal

__all__ = ["Health"]

CLOSE_SECONDS = 0.5
"""For cancelled checks to end; one that takes no cancellation is left behind."""

MAX_TOLD = 500
"""Characters of an error's text."""

UNKNOWN_SERVICE = Refusal(404, "not_found", "No check of this name is declared.", headers=[NO_STORE])

_logger = logging.getLogger("otel_kit.health")


class Health:
    """
    Answers, and keeps answering by itself while it serves.

    Args:
        degraded_status: HTTP status where the profile leaves it to the setting.
        providers: What documents may tell of providers; None: there are none.
        facts: The service and where it runs; called for each answer.
        metrics: What routes of kind `metrics` show.
        gauge: Written with each answer of a check, by its name; None where the profile has no such metric.
        status_gauge: Written with each refresh, by the word for the whole service; None as above.
        trusted: Whether the peer of a request may read metrics, and why a check failed; None: nobody may.
        refusal: Status, name and sentence for who may not read metrics.
        clean: Takes the secrets out of a text.
        interval_seconds: Between two runs of the checks while nobody asks.
        drain_seconds: How long readiness is refused before the server hears of SIGTERM.
    """

    def __init__(
        self,
        checks: Checks,
        routes: HealthRoutes,
        *,
        degraded_status: int = 503,
        providers: Providers | None = None,
        facts: Callable[[], Facts] = Facts,
        metrics: Callable[[], Mapping[str, Any]] = dict,
        gauge: Gauge | None = None,
        status_gauge: Gauge | None = None,
        trusted: Callable[[Scope], bool] | None = None,
        refusal: Callable[[], tuple[int, str, str]] = lambda: (403, "forbidden", "Not for this peer."),
        clean: Callable[[str], str] = str,
        interval_seconds: float = 15.0,
        drain_seconds: float = 0.0,
    ) -> None:
        self.checks = checks
        self.providers = Providers() if providers is None else providers
        self._degraded_status = degraded_status
        self._facts = facts
        self._metrics = metrics
        self._gauge = gauge
        self._trusted = trusted
        self._refusal = refusal
        self._clean = clean
        self._phase: Phase | None = None
        self._since = time.monotonic()
        self._known: dict[str, bool] = {}
        self._silent: set[str] = set()
        self._overall = Overall(status_gauge, routes)
        self._refresh = Refresh(self._look, interval_seconds)
        self._draining = Draining(drain_seconds, self.stopping)
        self._places = Places(routes, self._answer)
        # not by a method of its own: every request asks
        self.find = self._places.find
        self._routes = routes
        checks.listen(self._note)
        self.providers.listen(self._note_provider)

    # -- routes -------------------------------------------------------------------------------

    def give_way(self, taken: Iterable[str], mounts: Iterable[str] = ()) -> None:
        """
        Leave to the application what it serves by routes of its own: see `Places.give_way`.
        """
        self._places.give_way(taken, mounts)

    def concerns(self, path: str) -> bool:
        """
        Whether a path is asked for the service's health, also where the application answers itself.
        """
        return self._places.concerns(path)

    async def _answer(self, route: HealthRoute, name: str | None, scope: Scope) -> tuple[int, Any] | Refusal:
        """
        HTTP status and document.
        """
        self.serve()
        if route.kind == "metrics" and not self._trusts(scope):
            return self._refused()
        if route.kind == "one" and self.checks.get(name or "") is None:
            return UNKNOWN_SERVICE
        made = await self._report(route, name, scope)
        report = replace(made, state=route.state_of(made))
        if route.kind == "all":
            self._overall.show(report)
        status = route.statuses[report.state]
        return self._degraded_status if status == "by setting" else status, route.document(report)

    async def _report(self, route: HealthRoute, name: str | None, scope: Scope) -> HealthReport:
        providers: dict[str, bool] = {}
        if route.asks_providers:
            answers, providers = await asyncio.gather(self._ask(route, name), self.providers.ask())
        else:
            answers = await self._ask(route, name)
        return HealthReport(
            self.phase,
            tuple(replace(answer, error=error) for answer, error in self._errors(answers, scope)),
            datetime.now(timezone.utc),
            time.monotonic() - self._since,
            providers=providers,
            facts=self._facts(),
            metrics=self._metrics() if route.kind == "metrics" else {},
        )

    async def _ask(self, route: HealthRoute, name: str | None) -> tuple[CheckReport, ...]:
        if route.kind == "one":
            return await ask([check for check in self.checks if check.name == name])
        if route.kind == "all" or (route.kind == "ready" and self.phase == "serving"):
            return await self._ask_all()
        if route.kind == "ready":  # the answer is known; what the checks last said goes with it
            return tuple(check.latest for check in self.checks if check.latest is not None)
        return ()

    def _refused(self) -> Refusal:
        status, error, message = self._refusal()
        challenge = [(b"www-authenticate", b"Bearer")] if status == 401 else []
        return Refusal(status, error, message, headers=[*challenge, NO_STORE])

    def _trusts(self, scope: Scope) -> bool:
        return self._trusted is not None and self._trusted(scope)

    def _errors(self, answers: tuple[CheckReport, ...], scope: Scope) -> Iterator[tuple[CheckReport, str | None]]:
        """
        Each answer with what may be shown of its error.
        """
        trusted = any(answer.error for answer in answers) and self._trusts(scope)
        for answer in answers:
            yield answer, self._told(answer.error) if trusted and answer.error else None

    def _told(self, error: str) -> str:
        # secrets go before the text is cut: half of one would not be known for what it is
        return self._clean(error)[:MAX_TOLD].encode("utf-8", "replace").decode()

    async def _ask_all(self) -> tuple[CheckReport, ...]:
        return await ask(self.checks)

    async def _look(self) -> None:
        answers = await self._ask_all()
        providers = await self.providers.ask() if self._overall.asks_providers else {}
        now, uptime = datetime.now(timezone.utc), time.monotonic() - self._since
        self._overall.show(HealthReport(self.phase, answers, now, uptime, providers=providers))

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

    def rest(self) -> None:
        """
        Wait for no signal until the next start.
        """
        self._draining.unhook()

    async def close(self) -> None:
        """
        The end of serving. Another lifespan may follow.
        """
        self._draining.unhook()
        ending: list[asyncio.Task[Any]] = [*self._refresh.stop()]
        for check in (*self.checks, *self.providers):
            ending += check.stop()
        if ending:
            _, left = await asyncio.wait(ending, timeout=CLOSE_SECONDS)
            for task in left:
                let_go(task)
        self._phase = None

    # -- what is said of it -------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """
        For the start-up block and whoever asks in Python: routes, checks and providers with their last answers.
        """
        return {
            "phase": self.phase,
            "routes": list(self._places.templates),
            # no mapping: a check called "auth" would be taken for a secret under that name
            "checks": [{"name": check.name, "state": _word(check)} for check in self.checks],
            **({"providers": self.providers.state()} if self.providers else {}),
        }

    def what_is_off(self) -> dict[str, str]:
        """
        What the documented routes would tell and can't, and why.
        """
        own = "the application has a route of its own there"
        off = {f"health route {path}": own for path in self._places.left_alone}
        for route in self._routes.routes:
            if route.path in self._places.left_alone:
                continue
            for name in route.tells_of:
                if self.checks.get(name) is None:
                    off[f"check {name}"] = f"no check of this name is declared: {route.path} can't tell of it"
            if route.asks_providers and not self.providers:
                off["providers"] = f"none is declared by kit.providers(...), and {route.path} says so"
        return off

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

    def _note_provider(self, answer: CheckReport) -> None:
        if answer.error is None:
            self._silent.discard(answer.name)
        elif answer.name not in self._silent:
            self._silent.add(answer.name)
            fields = {"provider": answer.name, "detail": self._told(answer.error)}
            _logger.warning("otel_kit.provider_not_known", extra=fields)


def _word(check: Check) -> str:
    latest = check.latest
    if latest is None:
        return "not run yet"
    return "healthy" if latest.healthy else "unhealthy"
