"""
`setup_observability`: the one line, and the handle that it gives.

Owns the order of set-up for one application. What the process shares is in `runtime.py`, how
the rings get in is in `wiring.py`, what they do is in `asgi.py`.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from opentelemetry import trace
from starlette.types import ASGIApp

from otel_kit._version import __version__
from otel_kit.arrival import Arrivals
from otel_kit.asgi import OuterRing
from otel_kit.captured_headers import CapturedHeaders
from otel_kit.context import SCOPE_NAME
from otel_kit.errors import SetupError
from otel_kit.exposition.endpoint import MetricsEndpoint
from otel_kit.faults import fault
from otel_kit.ledger import ledger
from otel_kit.lifespan import Lifespan
from otel_kit.peers import Peers
from otel_kit.profiles import Profile, load_profile
from otel_kit.propagation import CORRELATION_HEADER, uses_w3c_only
from otel_kit.report import build_report, log_report
from otel_kit.request_metrics import RequestMetrics
from otel_kit.request_path import RequestPath
from otel_kit.routes import RouteTable, literal_paths
from otel_kit.runtime import Runtime, shared_runtime
from otel_kit.server_span import ServerSpans
from otel_kit.settings import Settings
from otel_kit.wiring import Wiring, instrument_by_contrib, is_instrumented_by_contrib, uninstrument_by_contrib

__all__ = ["Observability", "setup_observability"]

HANDLE = "_otel_kit"


def setup_observability(
    app: FastAPI,
    *,
    profile: str | Profile | None = None,
    settings: Settings | None = None,
    service_name: str | None = None,
    redact: object = None,
) -> Observability:
    """
    Make the application observable: traces, metrics, logs and one correlation id.

    May come before or after routes, routers, mounts and middleware. A second call for the same
    application gives the same handle and changes nothing.

    Args:
        profile: Names of one documented system; None takes `OTEL_KIT_PROFILE`, by default goblin.
        settings: None reads the environment and `.env`. Providers and logs belong to the process:
            for them the settings of its first set-up hold, the rest is each application's own.
        service_name: None takes `OTEL_SERVICE_NAME`, else the project's or module's name.
        redact: Further keys and patterns for the redaction policy: a list of key names and
            compiled patterns. The policy is the process's, so they come with its first set-up.

    Raises:
        ConfigurationError: A setting can't be used. One line: variable, value, remedy.
        SetupError: The application is serving already, so its middleware can't change any more; or
            `redact` comes with a later set-up.
    """
    handle = getattr(app, HANDLE, None)
    if isinstance(handle, Observability):
        return handle
    if not isinstance(app, FastAPI):
        raise SetupError(f"setup_observability wants a FastAPI application, not {type(app).__name__}")
    if app.middleware_stack is not None:
        raise SetupError(
            "setup_observability comes too late: the application is serving; call it where the app is made"
        )
    settings = settings or Settings()
    chosen = load_profile(profile if profile is not None else settings.profile)
    module = sys._getframe(1).f_globals.get("__name__")
    for metric in chosen.metrics:
        ledger.register(metric)
    runtime, first = shared_runtime(settings, chosen.layout, service_name, redact, module)
    if redact is not None and not first:
        raise SetupError("redact comes too late: the policy is the process's; give it with the first set-up")
    handle = Observability(app, runtime, chosen, settings)
    setattr(app, HANDLE, handle)
    if first:
        runtime.telemetry.install_last_net(runtime.close)
    return handle


class Observability:
    """
    The kit in one application.

    An async context manager too: leaving it flushes within the shutdown time.
    """

    def __init__(self, app: FastAPI, runtime: Runtime, profile: Profile, settings: Settings) -> None:
        self._app = app
        self._runtime = runtime
        self.profile = profile
        self.settings = settings
        self.tracer_provider = runtime.telemetry.tracer_provider
        self.meter_provider = runtime.telemetry.meter_provider
        self.logger_provider = runtime.telemetry.logger_provider
        self._paths: list[RequestPath] = []
        self._reported = False
        if settings.engine == "contrib":
            # the stable conventions, unless somebody has chosen; read once, by the first instrumentation that starts
            os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
        runtime.join(self)
        if self.settings.engine == "contrib" and not is_instrumented_by_contrib(app):
            instrument_by_contrib(app, self.tracer_provider, self.meter_provider)
            self._instrumented = True
        else:
            self._instrumented = False
        self._lifespan = Lifespan(self._open, runtime.settle, self._end)
        self._wiring = Wiring(app, self._make_path, self._make_outer)
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

        OpenTelemetry's globals, which can be set only once, stay.
        """
        if getattr(self._app, HANDLE, None) is not self:
            return
        self._wiring.undo()
        ledger.off_refresh(self._refresh)
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
        own = self._own_paths()
        return build_report(
            self._runtime,
            {
                "profile": self.profile.name,
                "engine": "contrib" if contrib else "kit",
                "pages": sorted(own),
                "correlation": CORRELATION_HEADER,
                "off": self._what_is_off(contrib),
            },
        )

    def _what_is_off(self, contrib: bool) -> dict[str, str]:
        """
        What somebody might expect to be on, and why it is not.
        """
        later = "not part of this version"
        off = {"rate limits": later, "health routes": later, "request limits": later, "cors": later}
        if self._wiring.native:
            engine = "opentelemetry-instrumentation-fastapi" if contrib else "the kit"
            off["fastapi telemetry"] = f"{engine} makes the server spans"
        if self.profile.metrics_path not in self._own_paths():
            off["metrics page"] = f"the application has a route {self.profile.metrics_path} of its own"
        return off

    async def __aenter__(self) -> Observability:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.flush(self.settings.shutdown_timeout_seconds)

    # -- the parts of one application ---------------------------------------------------------

    def _make_path(self) -> RequestPath:
        runtime, settings = self._runtime, self.settings
        contrib = is_instrumented_by_contrib(self._app)
        spans = self._spans() if runtime.telemetry.traces_on and not contrib else None
        pages: dict[str, ASGIApp] = {}
        if self.profile.metrics_path in self._own_paths():
            token = settings.metrics_token
            secret = None if token is None else token.get_secret_value()
            pages[self.profile.metrics_path] = MetricsEndpoint(ledger, runtime.instruments, token=secret)
        path = RequestPath(
            arrivals=Arrivals(
                runtime.policy,
                Peers(settings.trusted_proxies, settings.trust_traceparent),
                other_propagators=not uses_w3c_only(runtime.otel.propagators),
            ),
            spans=spans,
            metrics=RequestMetrics(self.profile),
            routes=RouteTable(self._app),
            log=runtime.logs.request_log(runtime.service_name),
            own=pages,
            quiet=self.profile.quiet_rule(),
            contrib=contrib,
        )
        self._paths = [path]
        return path

    def _make_outer(self, stack: ASGIApp, path: RequestPath) -> OuterRing:
        return OuterRing(stack, path, self._serve, self._lifespan)

    def _own_paths(self) -> frozenset[str]:
        """
        The kit's pages, less those that the application serves by a route of its own.
        """
        return frozenset({self.profile.metrics_path}) - literal_paths(self._app)

    def _spans(self) -> ServerSpans:
        """
        Spans on the provider that the application was given by hand, else on the process's.
        """
        from otel_kit.telemetry.server_tracer import ServerTracer

        native = getattr(self._app, "_telemetry", None)
        own = native.get("tracer_provider") if isinstance(native, dict) else None
        provider: trace.TracerProvider = own or self.tracer_provider
        captured, policy = self._runtime.otel.instrumentation, self._runtime.policy
        return ServerSpans(
            ServerTracer(provider.get_tracer(SCOPE_NAME, __version__)),
            CapturedHeaders("request", captured.captured_request_headers, captured.sanitized_headers, policy),
            CapturedHeaders("response", captured.captured_response_headers, captured.sanitized_headers, policy),
        )

    # -- serving ------------------------------------------------------------------------------

    def _open(self) -> None:
        self._runtime.open()
        self._serve()

    def _serve(self) -> None:
        self._runtime.serve()
        for path in self._paths:
            path.serving = True
        if not self._reported:
            self._reported = True
            try:
                report = self.report()
                log_report(report, report["findings"])
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

    def _refresh(self) -> None:
        for path in self._paths:
            path.metrics.refresh(path.route_of)
