"""
Why nobody answered, in words.

Owns the reading of the exceptions that lie below the HTTP client's own.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

from otel_kit.cli.verify.verdict import clean

__all__ = ["causes", "reason_of"]


def reason_of(error: BaseException) -> str:
    """
    One line: what went wrong, and what to look at.
    """
    met = list(causes(error))
    for cause in met:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate can't be verified ({clean(cause.verify_message)}); SSL_CERT_FILE names another CA"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed ({clean(cause.reason or 'no reason given')}); is this an https address?"
        if isinstance(cause, socket.gaierror):
            return "its name can't be resolved"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused; is the service running there?"
    if isinstance(error, httpx.RemoteProtocolError):
        return "what answers does not speak HTTP, or hung up; is the scheme right?"
    deepest = met[-1]
    said = deepest.strerror if isinstance(deepest, OSError) and deepest.strerror else str(deepest)
    return clean(said or type(deepest).__name__)


def causes(error: BaseException) -> Iterator[BaseException]:
    """
    The exception, then those it came from; of a group of attempts each.
    """
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [*getattr(one, "exceptions", ()), *filter(None, (one.__cause__, one.__context__))]
