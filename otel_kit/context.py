"""
The record of one request, and the correlation id of whatever runs at the moment.

Owns the context variable that every other module reads. Knows nothing of ASGI servers,
exporters or layouts: the rings fill a record, the exits read it, nothing is computed twice.
"""

from __future__ import annotations

import contextvars
import functools
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from opentelemetry import context as otel_context
from opentelemetry.trace import INVALID_SPAN, Span

__all__ = [
    "CLEAN_SPAN_KEYS",
    "CORRELATION_KEY",
    "SCOPE_NAME",
    "RequestRecord",
    "bound_correlation_id",
    "correlation_id",
    "current_record",
    "judge_ids_by",
    "keep_context",
    "local_path",
    "new_correlation_id",
    "quiet_context",
    "safe_correlation_id",
]

P = ParamSpec("P")
R = TypeVar("R")

SCOPE_NAME = "otel_kit"
"""Instrumentation scope of the kit's own spans."""

CORRELATION_KEY = "correlation_id"
"""Name of the id as span attribute, log field and baggage member."""

CLEAN_SPAN_KEYS = frozenset(
    {
        "client.address",
        "correlation_id",
        "error.type",
        "http.request.method",
        "http.request.method_original",
        "http.response.status_code",
        "http.route",
        "network.peer.address",
        "network.peer.port",
        "network.protocol.version",
        "otel_kit.client_disconnected",
        "server.address",
        "server.port",
        "url.path",
        "url.query",
        "url.scheme",
        "user_agent.original",
    }
)
"""Attributes that the rings set on the server span after the policy has seen them."""

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_ids = random.Random()
os.register_at_fork(after_in_child=_ids.seed)


class RequestRecord:
    """
    What is known of one request or connection, filled as it goes by.

    Text that came from the client (`path`, `query`, `user_agent`, `client`) has passed the
    redaction policy and is bounded. `failure` is the error as `logs.exceptions` has read it.
    `foreign_span` is true where somebody else ends the server span. `arriving` is true while
    another engine starts the server span; `quiet` requests have no span and no line unless they
    fail. `raised` is what the application let out, whatever a middleware made of it. `started_ns` is in
    epoch nanoseconds; `status_code` is None until a response starts; `route` is the full template,
    None where none matched or before the end; `own_route` is the template where the kit answers in
    the application's place; `local_path` is the path below the server's own prefix, as it came in;
    `owner` is the request path of the application that was asked;
    `identity` is whose request it is, None until somebody has asked; `response_size` is what the answer's
    `Content-Length` says, where the profile measures sizes.
    """

    __slots__ = (
        "arriving",
        "client",
        "correlation_id",
        "disconnected",
        "duration_seconds",
        "entry_path",
        "error",
        "failure",
        "finished",
        "foreign_span",
        "identity",
        "kind",
        "local_path",
        "method",
        "original_method",
        "own_route",
        "own_seconds",
        "owner",
        "path",
        "peer",
        "query",
        "quiet",
        "raised",
        "response_size",
        "root_path",
        "route",
        "scope",
        "server",
        "span",
        "span_id",
        "started",
        "started_ns",
        "status_code",
        "trace_flags",
        "trace_id",
        "trusted",
        "user_agent",
    )

    def __init__(self, scope: MutableMapping[str, Any], correlation_id: str) -> None:
        self.kind: str = scope["type"]
        self.scope = scope
        self.correlation_id = correlation_id
        self.started = time.perf_counter()
        self.started_ns = time.time_ns()
        self.method = "GET"
        self.original_method = ""
        self.entry_path: str = scope["path"]
        self.root_path: str = scope.get("root_path", "")
        self.local_path = local_path(scope)
        self.path = ""
        self.query = ""
        self.user_agent = ""
        self.peer: str | None = None
        self.client: str | None = None
        self.server: tuple[str, int | None] | None = None
        self.trusted = False
        self.span: Span = INVALID_SPAN
        self.trace_id: str | None = None
        self.span_id: str | None = None
        self.trace_flags = 0
        self.route: str | None = None
        self.own_route: str | None = None
        self.owner: object = None
        self.identity: Any = None
        self.status_code: int | None = None
        self.response_size = 0
        self.error: BaseException | None = None
        self.raised: BaseException | None = None
        self.failure: Any = None
        self.duration_seconds = 0.0
        self.own_seconds = 0.0
        self.disconnected = False
        self.finished = False
        self.arriving = False
        self.foreign_span = False
        self.quiet = False

    def route_by_now(self) -> str | None:
        """
        The full template as far as routing has come, while the request runs, and after it.
        """
        owner: Any = self.owner
        return self.route if self.finished or owner is None else owner.route_of(self)

    def let_go(self) -> None:
        """
        Drop what refers back to the record, so that it is freed at once and not by a later collection of garbage.
        """
        self.scope = {}
        self.error = self.raised = self.failure = None


def local_path(scope: Mapping[str, Any]) -> str:
    """
    The path below the server's own prefix.
    """
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(root) else path


current_record: contextvars.ContextVar[RequestRecord | None] = contextvars.ContextVar("otel_kit.record", default=None)
_bound_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("otel_kit.correlation_id", default=None)
_is_clean: Callable[[str], bool] = lambda text: True  # noqa: E731 - replaced by set-up


def judge_ids_by(is_clean: Callable[[str], bool]) -> None:
    """
    Have ids that come with messages judged: a token in an id's place would stand on every span and line.
    """
    global _is_clean
    _is_clean = is_clean


def correlation_id() -> str | None:
    """
    The id of the request, task or message at hand; None outside of all of them.
    """
    bound = _bound_id.get()
    if bound is not None:
        return bound
    record = current_record.get()
    return None if record is None else record.correlation_id


def new_correlation_id() -> str:
    """
    A fresh id in the form of a random UUID (RFC 9562, version 4).
    """
    digits = f"{_ids.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def safe_correlation_id(text: str) -> str | None:
    """
    `text` when it may be taken over as an id from outside (1 to 128 of `A-Za-z0-9._-`), else None.
    """
    return text if _SAFE_ID.fullmatch(text) else None


@contextmanager
def bound_correlation_id(value: str | None = None) -> Iterator[str]:
    """
    Run a task or handle a message under a correlation id.

    Args:
        value: The id that came with the message. None, or one with characters outside
            `A-Za-z0-9._-` or that is a secret, gives a new id.

    Yields:
        The id that holds inside the block, on each span, log line and outgoing call.
    """
    accepted = safe_correlation_id(value) if value is not None else None
    if accepted is None or not _is_clean(accepted):
        accepted = new_correlation_id()
    token = _bound_id.set(accepted)
    try:
        yield _bound_id.get() or ""
    finally:
        _bound_id.reset(token)


def quiet_context() -> contextvars.Context:
    """
    A context that belongs to no request, and in which instrumented libraries make no spans.

    For what the kit does by itself: a task that is started within a request would else bear its ids for good.
    """
    context = contextvars.Context()
    # the plain key is the one that instrumentations have understood from the first
    quiet = context.run(otel_context.set_value, "suppress_instrumentation", True)
    context.run(otel_context.attach, quiet)
    return context


def keep_context(function: Callable[P, R]) -> Callable[P, R]:
    """
    `function`, to be called elsewhere in the context of this moment.

    For `loop.run_in_executor`, thread pools and bare threads, which start with an empty
    context: `loop.run_in_executor(None, keep_context(work))`. Span, correlation id and baggage
    go along. Each call runs in a copy, so the same result may be called many times at once.
    """
    context = contextvars.copy_context()

    @functools.wraps(function)
    def in_context(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(function, *args, **kwargs)

    return in_context
