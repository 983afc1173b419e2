"""
Who may read `/metrics`.

Owns one rule: a bearer token opens it to anyone; without one, only a direct peer on this machine
or in a private network is let in. A request that came through a proxy is the proxy's client's,
whatever address it names, so a forwarding header takes the second way in away.

Who is not let in and has sent a bearer token has sent it in vain: that is a security event, as with any
other credential. Without one nobody has guessed, and who is let in anyhow learns nothing from a guess.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from otel_kit.peers import is_local
from otel_kit.security import credential_failed

__all__ = ["PEER_KEY", "AccessRule"]

PEER_KEY = "otel_kit.peer"
"""Where the outer ring leaves the socket's own peer: a host, or None for one without an address."""

UNKNOWN_PEER = "unknown"

FORWARDING_HEADERS = frozenset(
    {
        b"forwarded",
        b"via",
        b"x-real-ip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-original-forwarded-for",
        b"true-client-ip",
        b"cf-connecting-ip",
        b"fastly-client-ip",
    }
)
FORWARDING_PREFIX = b"x-forwarded-"

Headers = Iterable[tuple[bytes, bytes]]


class AccessRule:
    """
    The rule of one application.

    Args:
        token: The bearer token that opens the page to anyone; None or empty for none.
    """

    def __init__(self, token: str | None = None) -> None:
        self._token = token.encode() if token else None

    def admits(self, scope: Mapping[str, Any]) -> bool:
        """
        Whether this request may read the page.
        """
        headers = scope.get("headers") or ()
        return self._has_token(headers) or self._is_direct_and_local(scope, headers)

    def refusal(self, scope: Mapping[str, Any]) -> tuple[int, str, str]:
        """
        Status, error name and the sentence that says why, for who is not admitted. Tells of a token sent in vain.
        """
        sent = _authorizations(scope.get("headers") or ())
        if len(sent) > 1:
            credential_failed("ambiguous_credentials")
        elif sent and _bearer(sent[0]):
            credential_failed("not_accepted")
        if self._token is not None:
            return 401, "unauthorized", "Send the metrics token as 'Authorization: Bearer …'."
        return (
            403,
            "forbidden",
            "Only direct peers on this machine or in a private network may read this page. "
            "Set OTEL_KIT_METRICS_TOKEN to open it to bearers of a token.",
        )

    def _has_token(self, headers: Headers) -> bool:
        if self._token is None:
            return False
        sent = _authorizations(headers)
        # of two nobody knows which one a proxy in front has looked at, so neither counts;
        # compare_digest: the time it takes must not tell how much of a guess was right
        return len(sent) == 1 and hmac.compare_digest(_bearer(sent[0]), self._token)

    def _is_direct_and_local(self, scope: Mapping[str, Any], headers: Headers) -> bool:
        if any(_is_forwarding(name.lower()) for name, _ in headers):
            return False
        if PEER_KEY in scope:
            peer = scope[PEER_KEY]
        else:
            client = scope.get("client")
            peer = client[0] if client else None
        return peer != UNKNOWN_PEER and is_local(peer or None)


def _authorizations(headers: Headers) -> list[bytes]:
    return [value for name, value in headers if name.lower() == b"authorization"]


def _bearer(authorization: bytes) -> bytes:
    """
    What stands behind `Bearer`; empty for every other scheme.
    """
    scheme, _, credentials = authorization.strip().partition(b" ")
    return credentials.strip() if scheme.lower() == b"bearer" else b""


def _is_forwarding(name: bytes) -> bool:
    return name in FORWARDING_HEADERS or name.startswith(FORWARDING_PREFIX)
