"""
The health of one application: where it is in its life, and the routes that tell.

Owns the phase, and what a route says. Knows no profile; the access rule and the redaction policy come as functions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from starlette.types import Scope

from otel_kit.health.checks import Checks, ask
from otel_kit.health.draining import Draining
from otel_kit.health.gauges import CheckGauge, StatusGauge
from otel_kit.health.notices import Notices
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


class Health:
    """
    Answers, and keeps answering by itself while it serves.

    Args:
        degraded_status: HTTP status where the profile leaves it to the setting.
        providers: What documents may tell of providers; None: there are none.
        facts: The service and where it runs; called for each answer.
        metrics: What routes of kind `metrics` show.
        gauge: Written with each answer of a check, by its name; None where the profile has no such metric.
        status_gauge: Written with each answer of the first route of kind `all`, and with each refresh, by its word
            for the whole service; None as above.
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
        refusal: Callable[[Scope], tuple[int, str, str]] = lambda scope: (403, "forbidden", "Not for this peer."),
        clean: Callable[[str], str] = str,
        interval_seconds: float = 15.0,
        drain_seconds: float = 0.0,
    ) -> None:
        self.checks = checks
        self.providers = Providers() if providers is None else providers
        self._degraded_status = degraded_status
        self._facts = facts
        self._metrics = metrics
        self._trusted = trusted
        self._refusal = refusal
        self._clean = clean
        self._phase: Phase | None = None
        self._since = time.monotonic()
        self._gauge = CheckGauge(gauge)
        self._status = StatusGauge(status_gauge, routes, degraded_status)
        self._notices = Notices(self._gauge, self._told)
        self._refresh = Refresh(self._look, interval_seconds, self._is_unsure)
        self._draining = Draining(drain_seconds, self.stopping)
        self._places = Places(routes, self._answer)
        # not by a method of its own: every request asks
        self.find = self._places.find
        self._routes = routes
        checks.listen(self._notices.note)
        self.providers.listen(self._notices.note_provider)

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
            return self._refused(scope)
        if route.kind == "one" and self.checks.get(name or "") is None:
            return UNKNOWN_SERVICE
        made = await self._report(route, name, scope)
        report = replace(made, state=route.state_of(made))
        if route is self._status.route:
            self._status.show(report.state)
        status = route.statuses[report.state]
        return self._degraded_status if status == "by setting" else status, route.document(report)

    async def _report(self, route: HealthRoute, name: str | None, scope: Scope | None) -> HealthReport:
        """
        Args:
            scope: Of the request; None: nobody has asked.
        """
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
            return await ask(self.checks)
        if route.kind == "ready":  # the answer is known; what the checks last said goes with it
            return tuple(check.latest for check in self.checks if check.latest is not None)
        return ()

    def _refused(self, scope: Scope) -> Refusal:
        status, error, message = self._refusal(scope)
        challenge = [(b"www-authenticate", b"Bearer")] if status == 401 else []
        return Refusal(status, error, message, headers=[*challenge, NO_STORE])

    def _trusts(self, scope: Scope | None) -> bool:
        return scope is not None and self._trusted is not None and self._trusted(scope)

    def _errors(
        self, answers: tuple[CheckReport, ...], scope: Scope | None
    ) -> Iterator[tuple[CheckReport, str | None]]:
        """
        Each answer with what may be shown of its error.
        """
        trusted = any(answer.error for answer in answers) and self._trusts(scope)
        for answer in answers:
            yield answer, self._told(answer.error) if trusted and answer.error else None

    def _told(self, error: str) -> str:
        # secrets go before the text is cut: half of one would not be known for what it is
        return self._clean(error)[:MAX_TOLD].encode("utf-8", "replace").decode()

    async def _look(self) -> None:
        route = self._status.route
        if route is None:
            await ask(self.checks)
            return
        # made as for the route itself, so that metric and document can't differ
        report = await self._report(route, None, None)
        if not self._notices.resting:
            self._status.show(route.state_of(report))

    def _is_unsure(self) -> bool:
        return any(check.is_unsure for check in self.checks)

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
        if self._phase is None or (self._notices.resting and self._phase == "serving"):
            self.start()

    def start(self) -> None:
        """
        Start-up is complete, on the loop that serves: ready, and the checks run from now on. Again changes nothing.
        """
        if self._phase == "draining":
            return
        self._phase = "serving"
        self._notices.resting = False
        self._refresh.start()
        self._draining.hook()

    def stopping(self) -> None:
        """
        The service has been told to end; it goes on answering. May be called by a signal handler.
        """
        self._phase = "draining"

    def rest(self) -> None:
        """
        Wait for no signal, ask no check and stand for none in the metrics, until the next start. For any thread.
        """
        self._draining.unhook()
        self._notices.resting = True
        self._refresh.cancel()
        self._gauge.leave()
        self._status.leave()

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
            "checks": [{"name": check.name, "state": check.word} for check in self.checks],
            **({"providers": self.providers.state()} if self.providers else {}),
        }

    def what_is_off(self) -> dict[str, str]:
        """
        What the documented routes would tell and can't, and why.
        """
        own = "the application has a route of its own there"
        off = {f"health route {path}": own for path in self._places.left_alone}
        for path in self._places.hidden(check.name for check in self.checks):
            off[f"health route {path}"] = own
        for route in self._routes.routes:
            if route.path in self._places.left_alone:
                continue
            missing = [name for name in route.tells_of if self.checks.get(name) is None]
            if missing:
                # the names stand in the text: as keys they could be taken for those of secrets
                off[f"part of {route.path}"] = f"no check is called {' or '.join(missing)}: it can't tell of them"
            if route.asks_providers and not self.providers:
                off["providers"] = f"none is declared by kit.providers(...), and {route.path} says so"
        return off
