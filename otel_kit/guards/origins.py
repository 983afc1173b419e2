"""
Which origins' browsers may read the answers.

Owns the policy; Starlette's middleware owns the protocol. Only what it leaves open is decided
here: patterns, that a refused origin gets no CORS header at all, that caches learn of `Vary` also
from answers without an origin, and which headers a preflight allows.

- An origin is exact, or `https://*.example.com`: the star stands for one label, as in a
  certificate. `null` (a sandboxed frame, a local file) is never an origin.
- Listed origins may send credentials. With `*`, which stands alone, nobody may.
- Any method of Starlette's list and any header may be used: a listed origin is trusted, and
  without credentials an answer is what everybody gets.
- Browsers don't apply CORS to websockets. A service whose websockets trust cookies has to look at
  the handshake's `Origin` itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_kit.refusals import Refusal
from otel_kit.security import security_event

__all__ = ["cors", "has_own_cors", "is_cors"]

ANY = "*"
EXPOSED = ("X-Correlation-ID", "Retry-After", "RateLimit", "RateLimit-Policy")
ALLOWED = (
    "Accept",
    "Accept-Language",
    "Authorization",
    "Content-Language",
    "Content-Type",
    "X-API-Key",
    "X-Correlation-ID",
    "baggage",
    "traceparent",
    "tracestate",
)
"""Request headers that every preflight allows; whatever else it asks for is allowed with them."""
MAX_AGE_SECONDS = 600
MAX_ORIGIN = 260
"""A scheme, the longest host name there is, and a port."""

_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_ASKED = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, \t-]{1,2048}")
_CLEAN_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]{0,31}://[a-z0-9._:\[\]-]{1,220}")
_ASKS_METHOD = b"access-control-request-method"
_ASKS_HEADERS = b"access-control-request-headers"
_VARY = (b"vary", b"origin")

_refusal = Refusal(400, "origin_refused", "This origin may not use the service.", headers=[_VARY])


def cors(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """
    The application, for browsers of these origins.

    Args:
        origins: As `CORS_ORIGINS` has them: exact, with a star for the first label, or `*` alone.
    """
    return Cors(app, origins)


def has_own_cors(application: Starlette) -> bool:
    """
    Whether the application has brought its own CORS middleware, which is left in charge then.
    """
    return any(map(is_cors, application.user_middleware))


def is_cors(middleware: Middleware) -> bool:
    """
    Whether this is Starlette's CORS middleware, or a kind of it.
    """
    kind: object = middleware.cls
    return isinstance(kind, type) and issubclass(kind, CORSMiddleware)


class Cors(CORSMiddleware):
    """
    Starlette's, asked only about origins that it will allow.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        patterns = [origin for origin in origins if ANY in origin and origin != ANY]
        super().__init__(
            app,
            allow_origins=[origin for origin in origins if origin not in patterns],
            allow_origin_regex="|".join(map(_regex, patterns)) or None,
            allow_methods=["*"],
            allow_headers=["*"],
            allow_credentials=ANY not in origins,
            expose_headers=EXPOSED,
            max_age=MAX_AGE_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        origin = _first(scope, b"origin")
        if origin is not None and self.is_allowed_origin(origin.decode("latin-1")):
            await super().__call__(scope, receive, send)
        elif origin is not None and scope["method"] == "OPTIONS" and _first(scope, _ASKS_METHOD) is not None:
            _report(origin)
            await _refusal(scope, receive, send)
        else:
            await self.app(scope, receive, send if self.allow_all_origins else _varying(send))

    def preflight_response(self, request_headers: Headers) -> Response:
        """
        Starlette's answer, which always names the usual headers, and repeats others only if they are clean.
        """
        raw = [pair for pair in request_headers.raw if pair[0] != _ASKS_HEADERS]
        response = super().preflight_response(request_headers=Headers(raw=raw))
        asked = request_headers.get("access-control-request-headers", "")
        names = asked.split(",") if _ASKED.fullmatch(asked) else ()
        usual = {name.lower() for name in ALLOWED}
        more = [name.strip() for name in names if name.strip() and name.strip().lower() not in usual]
        response.headers["Access-Control-Allow-Headers"] = ", ".join([*ALLOWED, *more])
        return response


def _regex(pattern: str) -> str:
    return re.escape(pattern).replace(re.escape(ANY), _LABEL, 1)


def _first(scope: Scope, wanted: bytes) -> bytes | None:
    for name, value in scope["headers"]:
        if name == wanted:
            return bytes(value)
    return None


def _varying(send: Send) -> Send:
    async def send_varying(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), _VARY]}
        await send(message)

    return send_varying


def _report(origin: bytes) -> None:
    text = origin[:MAX_ORIGIN].decode("latin-1")
    if _CLEAN_ORIGIN.fullmatch(text):
        security_event("origin_refused", origin=text)
    else:
        security_event("origin_refused")
