"""
The way to the service: straight there, or by a proxy that the environment names.

Owns who was connected to, as the HTTP client tells it, and the words for a proxy that leads nowhere. Which
variables name a proxy is urllib's rule, which the client follows.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping

import httpx

from otel_kit.cli.verify.reasons import causes
from otel_kit.cli.verify.verdict import clean

__all__ = ["Way"]

CONNECTS = "connection.connect_tcp.started"
PORTS = {"http": 80, "https": 443}

Place = tuple[str, int]


class Way:
    """
    Remembers where the last connection of a client was to lead.

    Args:
        base_url: Of the service.
    """

    def __init__(self, base_url: str) -> None:
        url = httpx.URL(base_url)
        self._scheme = url.scheme
        self._service = _place(url)
        self._reached = self._service

    async def note(self, event: str, details: Mapping[str, object]) -> None:
        """
        Take what the client tells: its extension `trace`.
        """
        if event == CONNECTS:
            self._reached = (_text(details["host"]), int(str(details["port"])))

    @property
    def told(self) -> str:
        """
        The proxy, to be put behind a sentence; empty without one.
        """
        return f", by {self._proxy}" if self._reached != self._service else ""

    def reason(self, error: BaseException) -> str | None:
        """
        Why the proxy leads nowhere, and what to do; None where none is in between, or it is not to blame.
        """
        if self._reached == self._service or not isinstance(error, httpx.ConnectError | httpx.ProxyError):
            return None
        met = list(causes(error))
        if any(isinstance(one, ssl.SSLError) for one in met):
            # TLS is the service's, through the proxy
            return None
        if any(isinstance(one, ConnectionRefusedError) for one in met):
            why = "refuses the connection"
        else:
            why = f"{'does not lead there' if isinstance(error, httpx.ProxyError) else 'fails'} ({clean(str(error))})"
        return f"{self._proxy} {why}; correct it, or name {self._service[0]} in NO_PROXY"

    @property
    def _proxy(self) -> str:
        host, port = self._reached
        named = _variable(self._scheme, self._reached)
        return f"the proxy {clean(host)}:{port}{f' of {named}' if named else ''}"


def _variable(scheme: str, proxy: Place) -> str | None:
    """
    Which variable names it, in the order in which they count.
    """
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
    return next((name for name in names if _is_at(os.environ.get(name, "").strip(), proxy)), None)


def _is_at(written: str, proxy: Place) -> bool:
    try:
        return bool(written) and _place(httpx.URL(written if "://" in written else f"http://{written}")) == proxy
    except httpx.InvalidURL:
        return False


def _place(url: httpx.URL) -> Place:
    return url.host, url.port or PORTS.get(url.scheme, 1080)


def _text(value: object) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
