"""
The client's address as its identity.

Owns what counts as one client among addresses. Whose address is to be believed is the business of `peers`.
Nothing is remembered: to read an address costs less than to keep those of many clients.
"""

from __future__ import annotations

import socket

from otel_kit.identity.model import Identity

__all__ = ["LOCAL", "MAX_ADDRESS", "client_of", "identity_of"]

LOCAL = Identity("address", "local", None)
"""Of a peer without an address, a Unix socket for one."""

CLIENT_PREFIX_BYTES = 8
"""Of an IPv6 address, those that tell clients apart: one client has the other half to itself (RFC 6177, RFC 7421)."""

MAX_ADDRESS = 64

_MAPPED = bytes(10) + b"\xff\xff"


def identity_of(client: str | None) -> Identity:
    """
    The identity of the client at this address.
    """
    return LOCAL if client is None else Identity("address", client_of(client), None)


def client_of(client: str | None) -> str:
    """
    The address of the client, IPv6 by its network.

    An IPv4 address that comes mapped into IPv6 is the IPv4 address. Text that is no address
    (the name of a test client) stands for itself, cut at 64 characters, so text of that length without a colon
    is itself.
    """
    if client is None:
        return LOCAL.value
    text = client[:MAX_ADDRESS]
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
