"""
OTLP over HTTP, and what an answer means.

Owns the only use of `requests`, and the judgement of status, body and Retry-After. A redirect is
no success, an answer is read only as far as it can matter, and nothing of a header or body
is ever logged.
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

import requests
from requests.adapters import HTTPAdapter

from otel_kit._version import __version__
from otel_kit.environment.model import Signal
from otel_kit.faults import fault
from otel_kit.telemetry.answers import rejected_items
from otel_kit.telemetry.outcome import Outcome, Prepared

__all__ = ["OtlpHttpSender"]

LONGEST_CONNECT_SECONDS = 5.0
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
            **signal.headers,
            "Content-Type": content_type,
        }
        if self._compress is not None:
            self._headers["Content-Encoding"] = signal.compression
        self._session: requests.Session | None = None

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
        self._session = None

    def _post(self, payload: bytes, timeout_seconds: float) -> Outcome:
        try:
            response = self._open_session().post(
                self._signal.endpoint,
                data=payload,
                headers=self._headers,
                timeout=(min(timeout_seconds, LONGEST_CONNECT_SECONDS), timeout_seconds),
                allow_redirects=False,
                stream=True,
            )
            with response:
                return judge(response.status_code, response.headers.get("Retry-After"), read_answer(response))
        except requests.RequestException as error:
            return judge_error(error)
        except (OSError, ValueError) as error:  # a certificate file that is gone, a header that can't be written
            fault("export", error)
            return Outcome("later", type(error).__qualname__, answered=False)

    def _open_session(self) -> requests.Session:
        session = self._session
        if session is None:
            session = requests.Session()
            adapter = HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=0)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            session.verify = self._signal.certificate or True
            certificate, key = self._signal.client_certificate, self._signal.client_key
            if certificate is not None:
                session.cert = certificate if key is None else (certificate, key)
            self._session = session
        return session


def host_of(endpoint: str) -> str:
    """
    Scheme, host and port of a URL, without credentials, path and query.
    """
    try:
        parts = urlsplit(endpoint)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    except ValueError:
        return "an endpoint that is no URL"


def read_answer(response: requests.Response) -> bytes:
    """
    The body up to a bound; an endless one is left where it is.
    """
    return bytes(response.raw.read(LARGEST_ANSWER_BYTES, decode_content=True) or b"")


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


def judge_error(error: requests.RequestException) -> Outcome:
    """
    What it means that there was no answer.
    """
    if isinstance(error, requests.ConnectTimeout):
        return Outcome("later", "connect timeout", answered=False)
    if isinstance(error, requests.Timeout):
        return Outcome("later", "timeout", answered=False)
    if isinstance(error, requests.exceptions.SSLError):
        return Outcome("later", "TLS", answered=False)
    if isinstance(error, requests.ConnectionError):
        text = repr(error)
        if "NewConnectionError" in text or "NameResolutionError" in text or "ProxyError" in text:
            return Outcome("unreachable", "connection refused", answered=False)
        return Outcome("later", "connection lost", answered=False)
    if isinstance(error, (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)):
        return Outcome("later", "broken answer")
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
