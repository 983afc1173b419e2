"""
The client's address as its identity.

Owns what counts as one client among addresses. Whose address is to be believed is the business of `peers`.
"""

from __future__ import annotations

import socket

from otel_kit.identity.model import Identity

__all__ = ["LOCAL", "Addresses"]

LOCAL = Identity("address", "local", None)
"""Of a peer without an address, a Unix socket for one."""

CLIENT_PREFIX_BYTES = 8
"""Of an IPv6 address, those that tell clients apart: one client has the other half to itself (RFC 6177, RFC 7421)."""

MAX_CACHED = 4096
MAX_TEXT = 64

_MAPPED = bytes(10) + b"\xff\xff"


class Addresses:
    """
    Identities by address, with a bounded memory for those seen lately.
    """

    def __init__(self) -> None:
        self._known: dict[str, Identity] = {}

    def identity(self, client: str | None) -> Identity:
        """
        The identity of the client at this address.

        An IPv4 address that comes mapped into IPv6 is the IPv4 address. Text that is no address
        (the name of a test client) stands for itself, cut at 64 characters.
        """
        if client is None:
            return LOCAL
        known = self._known.get(client)
        if known is None:
            known = Identity("address", _client_of(client[:MAX_TEXT]), None)
            if len(self._known) >= MAX_CACHED:
                self._known.clear()
            if len(client) <= MAX_TEXT:
                self._known[client] = known
        return known


def _client_of(text: str) -> str:
    if ":" not in text:
        return text
    try:
        # a tenth of what `ipaddress` takes, which counts where each request comes from another address
        packed = socket.inet_pton(socket.AF_INET6, text.partition("%")[0])
    except (OSError, ValueError):
        return text
    if packed.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, packed[len(_MAPPED) :])
    network = packed[:CLIENT_PREFIX_BYTES].ljust(len(packed), b"\0")
    return f"{socket.inet_ntop(socket.AF_INET6, network)}/{8 * CLIENT_PREFIX_BYTES}"
