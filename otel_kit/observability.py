"""
The handle of one application: what a user may ask of the kit once it is set up.

Owns the life of the kit in that application. What the process shares is in `runtime/`, how the
rings get in is in `wiring.py`, what protects the application is in `protection.py`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from fastapi import FastAPI
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp

from otel_kit.asgi import OuterRing
from otel_kit.assembly import build_request_path, own_paths
from otel_kit.errors import OtelKitError
from otel_kit.faults import fault
from otel_kit.health import Checks
from otel_kit.ledger import ledger
from otel_kit.lifespan import Lifespan
from otel_kit.listing import Listing
from otel_kit.nesting import Nesting
from otel_kit.propagation import CORRELATION_HEADER
from otel_kit.protection import Protection
from otel_kit.ratelimit import Limit
from otel_kit.report import build_report, log_report
from otel_kit.request_path import RequestPath
from otel_kit.routes import mounted
from otel_kit.runtime import Runtime
from otel_kit.settings import Settings
from otel_kit.wiring import Wiring, instrument_by_contrib, is_instrumented_by_contrib, uninstrument_by_contrib

if TYPE_CHECKING:
    from otel_kit.identity.dependencies import RequireApiKey, RequireTier
    from otel_kit.ratelimit.dependency import RateLimit

__all__ = ["HANDLE", "Observability"]

HANDLE = "_otel_kit"


class Observability:
    """
    The kit in one application.

    An async context manager too: leaving it flushes within the shutdown time.
    """

    def __init__(
        self, app: FastAPI, runtime: Runtime, listing: Listing, settings: Settings, protection: Protection
    ) -> None:
        self._app = app
        self._runtime = runtime
        self._protection = protection
        self._nesting = Nesting(listing.profile.name, protection.given)
        self._listing = listing
        self.profile = listing.profile
        self.settings = settings
        self.tracer_provider = runtime.telemetry.tracer_provider
        self.meter_provider = runtime.telemetry.meter_provider
        self.logger_provider = runtime.telemetry.logger_provider
        self._paths: list[RequestPath] = []
        self._reported = self._rests = False
        if settings.engine == "contrib":
            # the stable conventions, unless somebody has chosen; read once, by the first instrumentation that starts
            os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
        self._instrumented = settings.engine == "contrib" and not is_instrumented_by_contrib(app)
        if self._instrumented:
            instrument_by_contrib(app, self.tracer_provider, self.meter_provider)
        runtime.join(self)
        self._lifespan = Lifespan(self._open, self._ready, protection.stopping, protection.close, self._end)
        self._wiring = Wiring(app, self._make_path, self._make_outer, lambda: protection.middleware(app))
        ledger.on_refresh(self._refresh)

    async def flush(self, timeout: float = 5.0) -> bool:  # noqa: ASYNC109
        """
        Send and write everything that was accepted so far.

        Args:
            timeout: Seconds to wait at most.

        Returns:
            False when something is left: no collector answers, or the output takes nothing.
        """
        deadline = time.monotonic() + timeout
        return await anyio.to_thread.run_sync(self._runtime.flush_until, deadline)

    async def shutdown(self, timeout: float = 5.0) -> bool:  # noqa: ASYNC109
        """
        Flush, and end the kit's threads; what is left at the deadline is counted as dropped.

        Args:
            timeout: Seconds for everything together.

        Returns:
            False when something was dropped.
        """
        self._pause()
        return await anyio.to_thread.run_sync(self._runtime.close, timeout)

    def undo(self) -> None:
        """
        Take the kit out: the application answers as if it had never been there.

        With the last application that has a profile, its metrics go off the page of metrics; their values are kept
        for another set-up. OpenTelemetry's globals, which can be set only once, stay.
        """
        if getattr(self._app, HANDLE, None) is not self:
            return
        self._wiring.undo()
        self._rest()
        for path in self._paths:
            path.metrics.leave()
        delattr(self._app, HANDLE)
        if self._instrumented:
            uninstrument_by_contrib(self._app)
        self._runtime.leave(self)

    def report(self) -> dict[str, Any]:
        """
        What is on, where it goes, and what is off and why.
        """
        contrib = is_instrumented_by_contrib(self._app)
        application = {
            "profile": self.profile.name,
            "engine": "contrib" if contrib else "kit",
            "pages": sorted(own_paths(self._app, self.profile)),
            "correlation": CORRELATION_HEADER,
            **self._protection.report(),
            "off": self._what_is_off(contrib),
        }
        return build_report(self._runtime, self._nesting.shown(application))

    def _what_is_off(self, contrib: bool) -> dict[str, str]:
        """
        What somebody might expect to be on, and why it is not.
        """
        off = self._protection.what_is_off()
        if self._wiring.native:
            engine = "opentelemetry-instrumentation-fastapi" if contrib else "the kit"
            off["fastapi telemetry"] = f"{engine} makes the server spans"
        if self.profile.metrics_path not in own_paths(self._app, self.profile):
            off["metrics page"] = f"the application has a route {self.profile.metrics_path} of its own"
        if self._runtime.layout != self.profile.layout:
            off["log layout"] = "lines have the layout of the profile with which this process was set up first"
        return off

    async def __aenter__(self) -> Observability:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.flush(self.settings.shutdown_timeout_seconds)

    @property
    def checks(self) -> Checks:
        """
        The checks of health: `kit.checks.add(name, function)`, or `@kit.check(name)`.
        """
        return self._protection.checks

    @property
    def check(self) -> Checks:
        """
        Decorator that declares a check: `@kit.check("database", type="SQLite")`, `@kit.check("cache", critical=False)`.
        """
        return self._protection.checks

    def providers(self, providers: Mapping[str, bool | Callable[[], Any]]) -> None:
        """
        Declare AI providers, for health documents that tell which are configured.

        Args:
            providers: By name, like `{"openai": True, "anthropic": lambda: bool(key)}`. A function is plain or async,
                asked when a document is, at most once a second, and within a check's time; one that raises or hangs
                counts as not configured. Called again, it adds to what is declared; a name that is there is replaced.

        Raises:
            ConfigurationError: A name or value can't be used.
        """
        self._protection.providers.declare(providers)

    @cached_property
    def require_api_key(self) -> RequireApiKey:
        """
        A dependency, `Depends(kit.require_api_key)`, that lets any valid API key in and gives its `Identity`.
        """
        from otel_kit.identity.dependencies import RequireApiKey

        return RequireApiKey(self._protection.identities)

    def require_tier(self, *tiers: str) -> RequireTier:
        """
        A dependency, `Depends(kit.require_tier("paid"))`, that also wants one of these tiers.
        """
        from otel_kit.identity.dependencies import RequireTier

        return RequireTier(self._protection.identities, *tiers)

    def limit(
        self, rate: str | Limit, *, cost: int | Callable[[HTTPConnection], int] = 1, name: str | None = None
    ) -> RateLimit:
        """
        A dependency, `Depends(kit.limit("3/minute"))`, that limits its route beside the limits by path.

        Args:
            name: Routes whose limits have the same name count together; None: each route by itself.

        Raises:
            ConfigurationError: The limit can't be used.
        """
        from otel_kit.ratelimit.dependency import RateLimit

        return RateLimit(self._protection.limiter, rate, cost=cost, name=name)

    # -- the rings ----------------------------------------------------------------------------

    def _make_path(self) -> RequestPath:
        path = build_request_path(self._app, self._runtime, self.profile, self.settings, self._protection)
        path.found_inside = self._nesting.found
        self._paths = [path]
        self._protection.in_flight = lambda: len(path.metrics.live)
        return path

    def _make_outer(self, stack: ASGIApp, path: RequestPath) -> OuterRing:
        return OuterRing(self._protection.around(stack), path, self._serve, self._lifespan)

    # -- serving ------------------------------------------------------------------------------

    def _open(self) -> None:
        self._runtime.open()
        self._protection.opening()
        self._serve()

    async def _ready(self) -> None:
        await self._protection.start()
        # last: what was loaded for serving is there to stay as well
        self._runtime.settle()

    def _serve(self) -> None:
        self._runtime.serve()
        if self._rests:
            self._rise()
        try:
            self._protection.serve()
        except Exception as error:
            fault("saturation", error)
        for path in self._paths:
            path.serving = True
        self._nesting.serves()
        if not self._reported:
            self._reported = True
            try:
                report = self.report()
                log_report(report, report["findings"])
                for application, place in mounted(self._app):
                    if isinstance(inner := getattr(application, HANDLE, None), Observability):
                        inner._nesting.found(place, self.profile.name)
            except Exception as error:
                fault("report", error)

    def _end(self) -> bool:
        self._pause()
        return self._runtime.end()

    def _pause(self) -> None:
        """
        Have the next request, if there is one, begin to serve again.
        """
        for path in self._paths:
            path.serving = False

    def _rest(self) -> None:
        """
        Leave the process alone until the next request or lifespan: there may not have been a lifespan's end.
        """
        self._rests = True
        self._pause()
        ledger.off_refresh(self._refresh)
        self._listing.leave()
        self._protection.rest()

    def _rise(self) -> None:
        self._rests = False
        try:
            self._listing.join()
        except OtelKitError as error:  # another profile has been set up since
            fault("listing", error)
        ledger.on_refresh(self._refresh)

    def _refresh(self) -> None:
        for path in self._paths:
            path.metrics.refresh(path.route_of)
