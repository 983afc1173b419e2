"""
Who is at the other end of a connection, and what of theirs may be believed.

Owns the two rules on addresses: whose forwarding headers count, and whose trace context is
joined. Caches are bounded and hold addresses only; everything from a client is checked first.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Literal

__all__ = ["Peers", "is_local", "socket_peer"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Joined = Literal["private", "all", "none"] | tuple[Network, ...]

UNKNOWN = "unknown"
LOOPBACK = ipaddress.IPv4Address("127.0.0.1")

MAX_CACHED = 4096
MAX_ADDRESS = 64
MAX_HOPS = 32
MAX_ELEMENT = 512

_PAIR = re.compile(r'([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^;]*)')

# `is_private` of the standard library also takes in addresses reserved for documentation and benchmarks.
LOCAL_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)

_local: dict[str, bool] = {}
"""Of peers whose address is not a plain IPv4 one: those are judged faster than remembered, however many come."""


def parse_address(text: str) -> Address | None:
    """
    The address in `text` (also `[v6]:port`, `v4:port`, quoted), an IPv4 one also where it comes mapped into IPv6.
    """
    text = text.strip().strip('"')
    if len(text) > MAX_ADDRESS:
        return None
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def is_local(host: str | None) -> bool:
    """
    Whether a peer is on this machine or in a private network.

    A peer without an address (a Unix socket, a test client's name) counts as loopback.
    """
    if host is None:
        return True
    known = _local.get(host)
    if known is None:
        try:
            # strict, and a twentieth of what `ipaddress` takes, which counts where each request has another peer
            return _is_local_ipv4(*socket.inet_pton(socket.AF_INET, host))
        except (OSError, ValueError):
            address = parse_address(host)
            known = address is None or _is_within(address, LOCAL_NETWORKS)
        if len(_local) >= MAX_CACHED:
            _local.clear()
        if len(host) <= MAX_ADDRESS:
            _local[host] = known
    return known


def _is_local_ipv4(first: int, second: int, *_: int) -> bool:
    return (
        first in (10, 127)
        or (first == 172 and 16 <= second <= 31)
        or (first == 192 and second == 168)
        or (first == 169 and second == 254)
    )


def socket_peer(scope: Mapping[str, Any], receive: object, forwarded_for: str | None) -> str | None:
    """
    The address of the socket's other end, before the server's own proxy handling.

    uvicorn's ProxyHeadersMiddleware trusts loopback by default and overwrites `scope["client"]`
    with what the header says. The request's transport still knows; where it can't be asked, and the
    address may be the header's, the peer is unknown: `"unknown"`.

    Args:
        forwarded_for: The `X-Forwarded-For` header; None when absent: then nothing was replaced.
    """
    client = scope.get("client")
    if forwarded_for is None:
        return client[0] if client else None
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        # a socket has a port; newer servers also take that from the header
        if not client or not client[1] or _names(forwarded_for, *client):
            return UNKNOWN
        return str(client[0])
    peer = transport.get_extra_info("peername")
    return peer[0] if isinstance(peer, tuple) else None


def _names(forwarded_for: str, host: str, port: int) -> bool:
    """
    Whether some hop of the header is this address with this port, read as uvicorn reads it.
    """
    if host not in forwarded_for:
        return False
    for hop in map(str.strip, forwarded_for.split(",")):
        name, _, number = hop[1:].partition("]:") if hop.startswith("[") else hop.rpartition(":")
        try:
            if name == host and int(number) == port:
                return True
        except ValueError:
            continue
    return False


class Peers:
    """
    The address rules of one application.

    Args:
        proxies: Networks whose `X-Forwarded-For` and `Forwarded` count.
        joined: Whose trace context is joined: those of private and loopback peers, all, none, or those in the networks.
    """

    def __init__(self, proxies: Iterable[Network] = (), joined: Joined = "private") -> None:
        self._proxies = tuple(proxies)
        self._joined = joined
        self._cache: MutableMapping[tuple[str, bool], bool] = {}

    def trusts_trace_of(self, peer: str | None, client: str | None) -> bool:
        """
        Whether the trace of this peer is joined, rather than linked.

        Args:
            client: For whom the peer speaks, where it is a listed proxy; else the peer itself. A proxy hands on
                what a stranger sent, so by `private` both have to be local; networks name the peer alone.
        """
        if self._joined == "private":
            return peer != UNKNOWN and is_local(peer) and (client == peer or is_local(client))
        if isinstance(self._joined, str):
            return self._joined == "all"
        return self._within(peer or "127.0.0.1", self._joined, False)

    def is_proxy(self, peer: str | None) -> bool:
        """
        Whether the forwarding headers of this peer count.
        """
        return bool(self._proxies) and self._within(peer or "127.0.0.1", self._proxies, True)

    def client(self, peer: str | None, forwarded_for: str, forwarded: str) -> str | None:
        """
        The address of the client: the rightmost one that is not a listed proxy's own.

        Args:
            forwarded_for: The `X-Forwarded-For` header, several joined by commas; empty when absent.
            forwarded: The `Forwarded` header (RFC 7239) likewise. Used when the other is absent.
        """
        if not self.is_proxy(peer):
            return peer
        hops = reversed(_last_parts(forwarded_for)) if forwarded_for else _for_parameters(forwarded)
        client = peer
        for hop in hops:
            address = parse_address(hop)
            if address is None:
                break
            client = str(address)
            if not _is_within(address, self._proxies):
                break
        return client

    def _within(self, host: str, networks: tuple[Network, ...], proxies: bool) -> bool:
        known = self._cache.get((host, proxies))
        if known is None:
            address = parse_address(host)
            if address is None:
                address = None if host == UNKNOWN else LOOPBACK
            known = address is not None and _is_within(address, networks)
            if len(self._cache) >= MAX_CACHED:
                self._cache.clear()
            if len(host) <= MAX_ADDRESS:
                self._cache[(host, proxies)] = known
        return known


def _is_within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def _last_parts(header: str) -> list[str]:
    """
    The last parts between commas, at a cost that does not grow with the others.
    """
    return header.rsplit(",", MAX_HOPS)[-MAX_HOPS:]


def _for_parameters(forwarded: str) -> Iterator[str]:
    """
    The `for=` parameters of a Forwarded header, right to left; empty for a hop that does not tell.

    Read from the right also where quotes are concerned: what the listed proxies wrote is well-formed,
    what a client wrote to the left of it need not be.
    """
    element = ""
    for part in reversed(_last_parts(forwarded)):
        element = f"{part},{element}" if element else part.strip()
        if not element or (element.count('"') - element.count('\\"')) % 2:
            continue  # nothing, or the comma stood inside of quotes
        found = (value for name, value in _PAIR.findall(element[:MAX_ELEMENT]) if name.lower() == "for")
        yield next(found, "")
        element = ""
