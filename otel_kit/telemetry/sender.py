"""
OTLP over HTTP, and what an answer means.

Owns the request, and the judgement of status, body and Retry-After. A redirect is no success,
an answer is read only as far as it can matter, and nothing of a header or body is ever logged.
"""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from otel_kit._version import __version__
from otel_kit.environment.model import Signal
from otel_kit.faults import fault
from otel_kit.redaction.mark import MARK_HEADER, MARK_VALUE
from otel_kit.telemetry.answers import rejected_items
from otel_kit.telemetry.connections import basic_authorization, open_pool
from otel_kit.telemetry.outcome import Outcome, Prepared

__all__ = ["OtlpHttpSender"]

LONGEST_CONNECT_SECONDS = 5.0
SHORTEST_SECONDS = 0.001
LARGEST_ANSWER_BYTES = 64 * 1024
RETRYABLE = frozenset({429, 502, 503, 504})

_COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    # level 6 takes a third of the time of gzip's default for two per cent more bytes
    "gzip": lambda body: gzip.compress(body, 6),
    "deflate": zlib.compress,
}


class OtlpHttpSender:
    """
    Posts encoded batches of one signal.

    Args:
        signal: Endpoint, headers, TLS files, compression.
        encode: Bytes of a batch, and how many of its items are not in them. Empty bytes are not sent.
    """

    def __init__(
        self,
        signal: Signal,
        encode: Callable[[Sequence[Any]], tuple[bytes, int]],
        content_type: str = "application/x-protobuf",
    ) -> None:
        self.host = host_of(signal.endpoint)
        self.endpoint_is_default = signal.endpoint_is_default
        self._signal = signal
        self._encode = encode
        self._compress = _COMPRESSORS.get(signal.compression)
        self._headers = {
            "User-Agent": f"otel-kit/{__version__} OTel-OTLP-Exporter-Python",
            # a Collector that asks for a token believes it, and does not search the data again
            MARK_HEADER: MARK_VALUE,
            **signal.headers,
            "Content-Type": content_type,
        }
        if self._compress is not None:
            self._headers["Content-Encoding"] = signal.compression
        login = basic_authorization(urlsplit(signal.endpoint))
        if login is not None and "authorization" not in map(str.lower, signal.headers):
            self._headers["Authorization"] = login
        self._pool: PoolManager | None = None

    def prepare(self, items: Sequence[Any]) -> Prepared:
        """
        The encoded and compressed body.
        """
        body, lost = self._encode(items)
        if not body:
            return Prepared(None, lost)
        return Prepared(body if self._compress is None else self._compress(body), lost)

    def send(self, payload: bytes, timeout_seconds: float) -> Outcome:
        """
        One request; one more at once when a kept connection turns out to be closed.
        """
        deadline = time.monotonic() + timeout_seconds
        outcome = self._post(payload, timeout_seconds)
        if outcome.kind == "connection lost" and time.monotonic() < deadline:
            outcome = self._post(payload, deadline - time.monotonic())
        return outcome

    def reset(self) -> None:
        """
        Let the next request start with connections of its own.
        """
        # not closed: another thread, or the parent process, may be reading from it
        self._pool = None

    def _post(self, payload: bytes, timeout_seconds: float) -> Outcome:
        deadline = time.monotonic() + timeout_seconds
        try:
            pool = self._pool
            if pool is None:
                pool = self._pool = open_pool(self._signal)
            with pool.urlopen(
                "POST",
                self._signal.endpoint,
                body=payload,
                headers=self._headers,
                timeout=patience(timeout_seconds),
                retries=False,
                redirect=False,
                preload_content=False,
            ) as response:
                return judge(response.status, response.headers.get("Retry-After"), read_answer(response, deadline))
        except HTTPError as error:
            return judge_error(error)
        except OSError as error:  # a certificate file that is gone
            fault("export", error)
            return Outcome("later", type(error).__qualname__, answered=False)
        except (ValueError, ImportError) as error:  # a header that can't be written, a proxy of an unknown kind
            fault("export", error)
            return Outcome("drop", type(error).__qualname__, answered=False)


def patience(timeout_seconds: float) -> Timeout:
    """
    What one request may take.
    """
    total = max(timeout_seconds, SHORTEST_SECONDS)
    return Timeout(total=total, connect=min(total, LONGEST_CONNECT_SECONDS))


def host_of(endpoint: str) -> str:
    """
    Scheme, host and port of a URL, without credentials, path and query.
    """
    try:
        parts = urlsplit(endpoint)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    except ValueError:
        return "an endpoint that is no URL"


def read_answer(response: BaseHTTPResponse, deadline: float) -> bytes:
    """
    The body up to a bound in bytes and time; an endless one is left where it is.

    A broken one counts as empty: whether the items were taken is the status's to say.
    """
    body = b""
    try:
        while len(body) < LARGEST_ANSWER_BYTES and time.monotonic() < deadline:
            piece = response.read1(LARGEST_ANSWER_BYTES - len(body), decode_content=True)
            if not piece:
                break
            body += piece
    except (HTTPError, OSError):
        return b""
    return body


def judge(status: int, retry_after: str | None, body: bytes) -> Outcome:
    """
    What an answer means.

    Source: OpenTelemetry protocol, "OTLP/HTTP response" (only 429, 502, 503 and 504 are retried).
    """
    if 200 <= status < 300:
        rejected = rejected_items(body)
        return Outcome("delivered", "partial success" if rejected else "", rejected=rejected)
    kind = f"HTTP {status}"
    if status in RETRYABLE:
        return Outcome("later", kind, retry_after_seconds=parse_retry_after(retry_after))
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Outcome("split", kind, "too_large")
    if 300 <= status < 400:
        return Outcome("drop", kind, "redirected")
    return Outcome("drop", kind, "server_error" if status >= 500 else "rejected")


def judge_error(error: HTTPError) -> Outcome:
    """
    What it means that there was no answer.
    """
    # a refused connection is a kind of connect time-out to urllib3, so it is asked for first
    if isinstance(error, (NewConnectionError, ProxyError)):
        return Outcome("unreachable", "connection refused", answered=False)
    if isinstance(error, ConnectTimeoutError):
        return Outcome("later", "connect timeout", answered=False)
    if isinstance(error, ReadTimeoutError) or any(isinstance(cause, TimeoutError) for cause in error.args):
        return Outcome("later", "timeout", answered=False)
    if isinstance(error, SSLError):
        return Outcome("later", "TLS", answered=False)
    if isinstance(error, ProtocolError):
        return Outcome("later", "connection lost", answered=False)
    fault("export", error)
    return Outcome("drop", type(error).__qualname__, "failed", answered=False)


def parse_retry_after(text: str | None) -> float | None:
    """
    Seconds to wait; None where the header is missing or can't be read.

    Source: RFC 9110, section 10.2.3 (seconds, or a date).
    """
    if not text:
        return None
    if text.strip().isdecimal():
        return float(min(int(text.strip()[:9]), 10**9))
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return None
