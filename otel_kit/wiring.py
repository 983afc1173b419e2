"""
How the rings get into an application, and out again.

Owns the one seam with FastAPI: its `build_middleware_stack`, wrapped on the instance, and the
switch of its own telemetry. Knows nothing of what the rings do.

The stack is built at the first call of the application, so set-up may come before or after
routes, routers, mounts and middleware. A wrapper that contrib's instrumentation lays around
ours later on expects the plain stack from us; then the outer ring is put in place at the first
call, which is the server's lifespan. Taken out, contrib's puts back the builder that it found:
where that is not ours, ours is put in its place beforehand, or the rings would go with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider
from starlette.middleware import Middleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from otel_kit.asgi import AdoptingRing, InnerRing, OuterRing
from otel_kit.request_path import RECORD_KEY, RequestPath

__all__ = ["Wiring", "instrument_by_contrib", "is_instrumented_by_contrib", "uninstrument_by_contrib"]

CONTRIBS_ORIGINAL = "_original_build_middleware_stack"
"""Where contrib's instrumentation keeps the builder that it puts back when it is taken out."""

MakeOuter = Callable[[ASGIApp, RequestPath], OuterRing]


def is_instrumented_by_contrib(app: FastAPI) -> bool:
    """
    Whether `opentelemetry-instrumentation-fastapi` makes the server spans of this application.
    """
    # while it is taken out it rebuilds the stack with the first of these gone, and the second still set
    return hasattr(app, CONTRIBS_ORIGINAL) and bool(getattr(app, "_is_instrumented_by_opentelemetry", False))


def instrument_by_contrib(app: FastAPI, tracer_provider: TracerProvider, meter_provider: MeterProvider) -> None:
    """
    Have contrib's instrumentation make the server spans, without one for each ASGI message.
    """
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=tracer_provider, meter_provider=meter_provider, exclude_spans=["send", "receive"]
    )


def uninstrument_by_contrib(app: FastAPI) -> None:
    """
    Take contrib's instrumentation out again; the stack, which it builds at once, is built at the next call instead.
    """
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    FastAPIInstrumentor.uninstrument_app(app)
    app.middleware_stack = None


class Wiring:
    """
    The rings of one application.

    Args:
        make_path: Called when the stack is built, with every route and middleware in place.
        make_outer: The outer ring around a stack.
        middleware: The application's middleware, with what protects it in its place.
    """

    def __init__(
        self,
        app: FastAPI,
        make_path: Callable[[], RequestPath],
        make_outer: MakeOuter,
        middleware: Callable[[], list[Middleware]],
    ) -> None:
        self._app = app
        self._make_path = make_path
        self._make_outer = make_outer
        self._middleware = middleware
        self._build = app.build_middleware_stack
        self._was_own = "build_middleware_stack" in vars(app)
        self._contribs_original: Any = getattr(app, CONTRIBS_ORIGINAL, None)
        if self._contribs_original is not None:
            setattr(app, CONTRIBS_ORIGINAL, self._build_without_contrib)
        self.native = _switch_off_native(app)
        """Switches of FastAPI's own telemetry as they were; None where it has none."""
        self._active = True
        app.build_middleware_stack = self._build_with_rings  # type: ignore[method-assign]

    def undo(self) -> None:
        """
        Leave the application as it was; its stack is built anew at the next call.

        Where somebody else has wrapped the builder since, the wrapper of ours stays and does nothing.
        """
        self._active = False
        if getattr(self._app, CONTRIBS_ORIGINAL, None) == self._build_without_contrib:
            setattr(self._app, CONTRIBS_ORIGINAL, self._contribs_original)
        if vars(self._app).get("build_middleware_stack") == self._build_with_rings:
            if self._was_own:
                self._app.build_middleware_stack = self._build  # type: ignore[method-assign]
            else:
                del self._app.build_middleware_stack
        if self.native is not None:
            self._app._telemetry.update(self.native)  # type: ignore[typeddict-item]
        self._app.middleware_stack = None

    def _build_without_contrib(self) -> ASGIApp:
        """
        Called in place of the builder that contrib's instrumentation found, when it has been taken out.
        """
        self._build = self._contribs_original
        self._app.build_middleware_stack = self._build_with_rings  # type: ignore[method-assign]
        return self._build_with_rings()

    def _build_with_rings(self) -> ASGIApp:
        if not self._active:
            return self._build()
        path = self._make_path()
        before = self._app.user_middleware
        # by keyword: older FastAPI passes `app` by keyword, too
        outside = [Middleware(AdoptingRing, path=path)] if path.contrib else []
        self._app.user_middleware = [
            *outside,
            *self._middleware(),
            Middleware(InnerRing, path=path, inside=bool(before)),
        ]
        try:
            stack = self._build()
        finally:
            self._app.user_middleware = before
        wrapped_again = vars(self._app).get("build_middleware_stack") != self._build_with_rings
        if wrapped_again and isinstance(stack, ServerErrorMiddleware):
            stack.app = _LateRing(stack, self._app, path, self._make_outer)
            return stack
        return self._make_outer(stack, path)


class _LateRing:
    """
    Puts the outer ring around the finished stack at the first call, and serves that call within it.

    That one call is outside the ring already where its unhandled error would be answered, so it gets
    the answer within the ring; the middleware further out sees an answer begun and only passes the error on.
    """

    def __init__(
        self, stack: ServerErrorMiddleware, application: FastAPI, path: RequestPath, make_outer: MakeOuter
    ) -> None:
        self.app = stack.app
        self._answering = ServerErrorMiddleware(stack.app, handler=stack.handler, debug=stack.debug)
        self._application = application
        self._path = path
        self._make_outer = make_outer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stack = self._application.middleware_stack
        if stack is not None and not isinstance(stack, OuterRing):
            self._application.middleware_stack = self._make_outer(stack, self._path)
            await self._make_outer(self._answering, self._path)(scope, receive, send)
        elif RECORD_KEY in scope or scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        else:
            await self._make_outer(self._answering, self._path)(scope, receive, send)


def _switch_off_native(app: FastAPI) -> dict[str, Any] | None:
    """
    Turn FastAPI's own telemetry off for this application: it begins before any middleware can.

    Returns what was changed; None where FastAPI has no such switch (before 0.142).
    """
    config = getattr(app, "_telemetry", None)
    if not isinstance(config, dict):
        return None
    switches = {name: config[name] for name in ("tracing", "metrics", "logs", "auto_configure") if name in config}
    config.update(dict.fromkeys(switches, False))
    return switches
