"""
What a request brings along, bounded and cleaned: one pass over its headers fills the record.

Everything here came from a client and is hostile until it has passed: bytes are read as
latin-1, lengths are cut, text goes through the redaction policy before anybody else sees it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, MutableMapping
from typing import Any

from opentelemetry import propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import default_getter
from opentelemetry.trace import SpanContext, get_current_span

from otel_kit.context import RequestRecord, new_correlation_id, safe_correlation_id
from otel_kit.peers import Peers, is_local, socket_peer
from otel_kit.propagation import KitPropagator, bounded, remote_span_context
from otel_kit.redaction import Policy

__all__ = ["Arrivals"]

Headers = dict[bytes, bytes]
Server = tuple[str, int | None]

MAX_PATH = 1024
MAX_REPEATED = 256
MAX_QUERY = 1024
MAX_USER_AGENT = 256
MAX_METHOD = 32
MAX_HOST = 260
MAX_CACHED = 1024

_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
_PORT = re.compile(r"[0-9]{0,5}")
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

_KNOWN_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})
_READ = frozenset(
    {
        b"x-correlation-id",
        b"traceparent",
        b"tracestate",
        b"baggage",
        b"user-agent",
        b"host",
        b"x-forwarded-for",
        b"forwarded",
    }
)
_logger = logging.getLogger("otel_kit")
_baggage_propagator = W3CBaggagePropagator()


class Arrivals:
    """
    Makes the record of a request from its scope.

    Args:
        other_propagators: True when propagators besides the W3C's are configured: they read the headers then.
    """

    def __init__(self, policy: Policy, peers: Peers, *, other_propagators: bool) -> None:
        self._policy = policy
        self._peers = peers
        self._other_propagators = other_propagators
        self._hosts: dict[bytes, Server | None] = {}
        self._said_unlisted = False

    def record(self, scope: MutableMapping[str, Any], receive: object) -> tuple[RequestRecord, Headers]:
        """
        A record with everything that is known before the application runs.
        """
        headers = _read(scope["headers"])
        record = RequestRecord(scope, self._identity(headers))
        method = scope.get("method", "GET")
        if method in _KNOWN_METHODS:
            record.method = method
        else:
            record.method, record.original_method = "_OTHER", self._unknown_method(method)
        path = scope["path"]
        # a service is asked for a few paths most of the time, and a look-up costs less than a look
        record.path = self._policy.cached(path) if len(path) <= MAX_REPEATED else self._policy.text(path, MAX_PATH)
        query = scope["query_string"]
        if query:
            record.query = self._policy.query(query.decode("latin-1"), MAX_QUERY)
        agent = headers.get(b"user-agent")
        if agent is not None:
            record.user_agent = self._user_agent(agent.decode("latin-1"))
        forwarded_for, forwarded = headers.get(b"x-forwarded-for"), headers.get(b"forwarded")
        record.peer = socket_peer(scope, receive, None if forwarded_for is None else _text(forwarded_for))
        if forwarded_for is None and forwarded is None:
            record.client = record.peer
        else:
            record.client = self._peers.client(record.peer, _text(forwarded_for), _text(forwarded))
            self._say_unlisted_proxy(record.peer)
        record.server = self._server(scope, headers.get(b"host"))
        if self._other_propagators or b"traceparent" in headers or b"baggage" in headers:
            # asked only where there is something to trust the peer with
            record.trusted = self._peers.trusts_trace_of(record.peer, record.client)
        return record, headers

    def parent(self, record: RequestRecord, headers: Headers) -> tuple[SpanContext | None, Context]:
        """
        The caller's span, when the request names one, and a context with the caller's baggage.

        Baggage is taken from trusted peers only. Whether the span is joined or linked is the
        caller's affair: see `RequestRecord.trusted`.
        """
        if self._other_propagators:
            return self._by_propagators(headers, record.trusted)
        context = Context()
        traceparent = headers.get(b"traceparent")
        if record.trusted and b"baggage" in headers:
            context = _baggage(headers, context)
        if traceparent is None:
            return None, context
        return remote_span_context(_text(traceparent), _text(headers.get(b"tracestate"))), context

    def stranger(self, record: RequestRecord) -> SpanContext | None:
        """
        The caller's span where it is to be linked, for an engine that has begun without it.
        """
        return None if record.trusted else self.parent(record, _read(record.scope["headers"]))[0]

    def _say_unlisted_proxy(self, peer: str | None) -> None:
        """
        Say once that a proxy seems to stand in front whose headers don't count.
        """
        if self._said_unlisted or self._peers.is_proxy(peer) or not is_local(peer):
            return
        self._said_unlisted = True
        remedy = "list the proxy in OTEL_KIT_TRUSTED_PROXIES if it is one"
        _logger.warning("otel_kit.unlisted_proxy", extra={"peer": peer, "remedy": remedy})

    def _identity(self, headers: Headers) -> str:
        given = headers.get(b"x-correlation-id")
        if given is not None and len(given) <= 128:
            identity = safe_correlation_id(given.decode("latin-1"))
            # a token in the id's place would stand on every span and line of the request
            if identity is not None and self._policy.text(identity) == identity:
                return identity
        return new_correlation_id()

    def _user_agent(self, agent: str) -> str:
        if len(agent) <= MAX_USER_AGENT:
            return self._policy.cached(agent)
        return self._policy.text(agent, MAX_USER_AGENT)

    def _unknown_method(self, method: str) -> str:
        return re.sub(r"[^A-Za-z0-9_-]", "_", self._policy.text(method, MAX_METHOD))

    def _server(self, scope: MutableMapping[str, Any], host: bytes | None) -> Server | None:
        """
        Name and port by which the client called this server: from `Host`, else the socket's own.
        """
        if host is not None and len(host) <= MAX_HOST:
            if host in self._hosts:
                found = self._hosts[host]
            else:
                found = self._parse_host(host, scope.get("scheme", "http"))
                # only what is clean is kept, so that no secret stays in memory
                if found is None or found[0].encode() in host:
                    if len(self._hosts) >= MAX_CACHED:
                        self._hosts.clear()
                    self._hosts[host] = found
            if found is not None:
                return found
        server = scope.get("server")
        return (str(server[0]), server[1]) if server else None

    def _parse_host(self, host: bytes, scheme: str) -> Server | None:
        text = host.decode("latin-1").strip()
        name, colon, port = text.rpartition(":")
        if not colon or text.endswith("]"):
            name, port = text, ""
        if not _HOST.fullmatch(name) or not _PORT.fullmatch(port):
            return None
        return self._policy.text(name.strip("[]")), int(port) if port else _DEFAULT_PORTS.get(scheme)

    def _by_propagators(self, headers: Headers, trusted: bool) -> tuple[SpanContext | None, Context]:
        carrier = bounded({name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()})
        inner = propagate.get_global_textmap()
        source = inner.inner if isinstance(inner, KitPropagator) else inner
        context = source.extract(carrier, Context(), default_getter)
        remote = get_current_span(context).get_span_context()
        return (remote if remote.is_valid else None), (context if trusted else Context())


def _read(headers: Iterable[tuple[bytes, bytes]], names: frozenset[bytes] = _READ) -> Headers:
    """
    The headers that matter. One that comes twice is joined by a comma where it is a list, else it is refused.
    """
    found: Headers = {}
    repeated: dict[bytes, list[bytes]] | None = None
    for name, value in headers:
        if name in names:
            if name in found:
                repeated = {} if repeated is None else repeated
                repeated.setdefault(name, [found[name]]).append(value)
            else:
                found[name] = value
    if repeated is not None:
        # joined at the end: one by one, fifty thousand of them would hold the event loop for more than a second
        found.update((name, b",".join(values)) for name, values in repeated.items())
    return found


def _text(value: bytes | None) -> str:
    return value.decode("latin-1") if value else ""


def _baggage(headers: Headers, context: Context) -> Context:
    carrier = bounded({"baggage": _text(headers[b"baggage"])})
    return _baggage_propagator.extract(carrier, context, default_getter)
