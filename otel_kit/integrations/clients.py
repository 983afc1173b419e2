"""
HTTP clients: outgoing calls carry `traceparent`, `X-Correlation-ID` and baggage.

Where OpenTelemetry's instrumentation of a client library is installed it is switched on, and
makes a client span as well. Where it is not, a small hook of the kit's adds the headers alone.
A library is never imported here: only those count that the application imports itself, before or later.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, MutableMapping
from importlib.util import find_spec
from typing import Any, NamedTuple

from opentelemetry import propagate

from otel_kit.faults import fault
from otel_kit.integrations.arrivals import Arrivals

__all__ = ["Clients"]

Undo = Callable[[], None]


class _Client(NamedTuple):
    """
    One client library: its instrumentation, and where a hook of ours would sit.
    """

    library: str
    instrumentation: str
    instrumentor: str
    classes: tuple[str, ...]
    method: str


def _headers(args: tuple[Any, ...], kwargs: dict[str, Any]) -> MutableMapping[str, Any]:
    """
    The headers of the request object that comes first after `self`.
    """
    request = args[1] if len(args) > 1 else kwargs["request"]
    headers: MutableMapping[str, Any] = request.headers
    return headers


_CLIENTS = (
    _Client(
        "httpx",
        "opentelemetry.instrumentation.httpx",
        "HTTPXClientInstrumentor",
        ("httpx.Client", "httpx.AsyncClient"),
        "send",
    ),
    _Client("httpx2", "", "", ("httpx2.Client", "httpx2.AsyncClient"), "send"),
    _Client(
        "requests",
        "opentelemetry.instrumentation.requests",
        "RequestsInstrumentor",
        ("requests.Session",),
        "send",
    ),
)


class Clients:
    """
    The client libraries of this process that the kit has joined.
    """

    def __init__(self) -> None:
        self.joined: dict[str, str] = {}
        """Library -> `instrumentation` or `headers`, for the report."""
        self._undo: list[Undo] = []
        self._tracer_provider: Any = None
        self._arrivals = Arrivals(self._join_arrived)

    def join(self, tracer_provider: Any) -> None:
        """
        Join every known library that is imported by now and not joined yet, and each other one when it is. Never
        raises.
        """
        self._tracer_provider = tracer_provider
        for client in _CLIENTS:
            if client.library not in self.joined and _is_loaded(client.library):
                self._join(client)
        self._arrivals.expect(client.library for client in _CLIENTS if client.library not in self.joined)

    def leave(self) -> None:
        """
        Take back what `join` did.
        """
        self._arrivals.expect(())
        while self._undo:
            self._undo.pop()()
        self.joined.clear()

    def _join_arrived(self, library: str) -> None:
        for client in _CLIENTS:
            if client.library == library and library not in self.joined:
                self._join(client)

    def _join(self, client: _Client) -> None:
        try:
            if client.instrumentation and _is_installed(client.instrumentation):
                self._instrument(client)
            else:
                self._hook(client)
        except Exception as error:
            fault("clients", error)

    def _instrument(self, client: _Client) -> None:
        made = getattr(importlib.import_module(client.instrumentation), client.instrumentor, None)
        if made is None:
            # it is what imports the library right now, for somebody else, and is not complete before
            self._hook(client)
            return
        instrumentor = made()
        self.joined[client.library] = "instrumentation"
        if not instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.instrument(tracer_provider=self._tracer_provider)
            self._undo.append(instrumentor.uninstrument)

    def _hook(self, client: _Client) -> None:
        for path in client.classes:
            module, _, name = path.rpartition(".")
            owner = getattr(sys.modules[module], name)
            original = getattr(owner, client.method)
            setattr(owner, client.method, _injecting(original))
            self._undo.append(functools.partial(setattr, owner, client.method, original))
        self.joined[client.library] = "headers"


def _injecting(original: Callable[..., Any]) -> Callable[..., Any]:
    """
    `original` with the context's headers added to the request first; works for coroutines, too.
    """

    @functools.wraps(original)
    def send_with_context(*args: Any, **kwargs: Any) -> Any:
        try:
            propagate.inject(_headers(args, kwargs))
        except Exception as error:
            fault("clients", error)
        return original(*args, **kwargs)

    return send_with_context


def _is_loaded(library: str) -> bool:
    """
    Whether it is imported, to its end: one that another thread is importing is joined when it arrives.
    """
    module = sys.modules.get(library)
    spec = getattr(module, "__spec__", None)
    return module is not None and getattr(spec, "_initializing", False) is not True


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
