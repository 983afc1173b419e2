"""
The request path of one application, put together from the runtime, its settings and its routes.

Owns what each part is given. It is called when the application's stack is built, so routes and
middleware are all in place.
"""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI
from opentelemetry import trace
from starlette.types import ASGIApp

from otel_kit._version import __version__
from otel_kit.arrival import Arrivals
from otel_kit.captured_headers import CapturedHeaders
from otel_kit.context import SCOPE_NAME
from otel_kit.exposition.endpoint import MetricsEndpoint
from otel_kit.ledger import ledger
from otel_kit.peers import Peers
from otel_kit.profiles import Profile
from otel_kit.propagation import uses_w3c_only
from otel_kit.protection import Protection
from otel_kit.request_metrics import RequestMetrics
from otel_kit.request_path import RequestPath
from otel_kit.routes import RouteTable, literal_paths
from otel_kit.runtime import Runtime
from otel_kit.server_span import ServerSpans
from otel_kit.settings import Settings
from otel_kit.wiring import is_instrumented_by_contrib

__all__ = ["build_request_path", "own_paths"]


def build_request_path(
    app: FastAPI, runtime: Runtime, profile: Profile, settings: Settings, protection: Protection
) -> RequestPath:
    """
    What the rings of this application share.
    """
    contrib = is_instrumented_by_contrib(app)
    return RequestPath(
        arrivals=Arrivals(
            runtime.policy,
            Peers(settings.trusted_proxies, settings.trust_traceparent),
            other_propagators=not uses_w3c_only(runtime.otel.propagators),
        ),
        spans=_spans(app, runtime) if runtime.telemetry.traces_on else None,
        metrics=RequestMetrics(profile),
        routes=RouteTable(app),
        log=runtime.logs.request_log(runtime.service_name),
        own=_pages(app, runtime, profile, settings),
        quiet=profile.quiet_rule(),
        limiter=protection.limiter,
        health=protection.health,
        literals=literal_paths(app),
        profile=profile.name,
        contrib=contrib,
    )


def own_paths(app: FastAPI, profile: Profile) -> frozenset[str]:
    """
    The kit's pages outside of the application, less those that it serves by a route of its own.
    """
    return frozenset({profile.metrics_path}) - literal_paths(app)


def _pages(app: FastAPI, runtime: Runtime, profile: Profile, settings: Settings) -> dict[str, ASGIApp]:
    if profile.metrics_path not in own_paths(app, profile):
        return {}
    token = settings.metrics_token
    secret = None if token is None else token.get_secret_value()
    page = MetricsEndpoint(ledger, runtime.instruments, token=secret, has_traces=partial(_has_traces, app, runtime))
    return {profile.metrics_path: page}


def _has_traces(app: FastAPI, runtime: Runtime) -> bool:
    """
    Whether a trace of this application may be anywhere: False only where its spans come from the process's one
    provider, and that hands them to nobody.
    """
    from otel_kit.telemetry.clean_providers import CleanTracerProvider

    provider = _tracer_provider(app, runtime)
    if not isinstance(provider, CleanTracerProvider) or provider is not trace.get_tracer_provider():
        return True
    return provider.has_exits or is_instrumented_by_contrib(app)


def _spans(app: FastAPI, runtime: Runtime) -> ServerSpans:
    from otel_kit.telemetry.server_tracer import ServerTracer

    provider = _tracer_provider(app, runtime)
    captured, policy = runtime.otel.instrumentation, runtime.policy
    return ServerSpans(
        ServerTracer(provider.get_tracer(SCOPE_NAME, __version__)),
        CapturedHeaders("request", captured.captured_request_headers, captured.sanitized_headers, policy),
        CapturedHeaders("response", captured.captured_response_headers, captured.sanitized_headers, policy),
    )


def _tracer_provider(app: FastAPI, runtime: Runtime) -> trace.TracerProvider:
    """
    The one that the application was given by hand, else the process's.
    """
    native = getattr(app, "_telemetry", None)
    own = native.get("tracer_provider") if isinstance(native, dict) else None
    return own or runtime.telemetry.tracer_provider
