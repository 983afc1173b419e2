"""
The rules on addresses.
"""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from otel_kit import peers
from otel_kit.peers import Peers, is_local, socket_peer

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (None, True),
        ("testclient", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("192.168.1.9", True),
        ("::ffff:10.1.1.1", True),
        ("fe80::1%eth0", True),
        ("8.8.8.8", False),
        ("2001:4860:4860::8888", False),
        ("::ffff:8.8.8.8", False),
    ],
)
def test_tells_local_peers_from_strangers(host: str | None, expected: bool) -> None:
    """
    Loopback, private and link-local addresses are local, and so is a peer without an address.
    """
    assert expected is is_local(host)


@pytest.mark.parametrize("last", ["0", "255", "256", "01", " 1", "1:80", "\u0663", "", "1.1"])
@pytest.mark.parametrize(
    "first", ["10.0.0", "127.0.0", "172.15.0", "172.31.0", "192.168.1", "192.169.1", "169.254.9", "8.8.8"]
)
def test_short_way_for_ipv4_agrees_with_the_standard_library(first: str, last: str) -> None:
    """
    Text that looks like an address is judged as the address it is, and is nobody's when it is none.
    """
    host = f"{first}.{last}"
    address = peers.parse_address(host)
    expected = address is None or any(address in network for network in peers.LOCAL_NETWORKS)

    assert expected is is_local(host)


def test_local_cache_is_bounded() -> None:
    """
    A stream of addresses does not grow the cache beyond its bound.
    """
    for number in range(3 * peers.MAX_CACHED):
        is_local(str(ipaddress.IPv4Address(0x08000000 + number)))

    assert peers.MAX_CACHED >= len(peers._local)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "forwarded", "expected"),
    [
        ("8.8.8.8", "1.2.3.4", "", "8.8.8.8"),
        ("10.0.0.1", "1.2.3.4", "", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "", "1.2.3.4"),
        ("10.0.0.1", "rubbish", "", "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6, rubbish, 10.0.0.2", "", "10.0.0.2"),
        ("10.0.0.1", "", 'for="[2001:db8::7]:4711";proto=https', "2001:db8::7"),
        ("10.0.0.1", "", "for=1.2.3.4, for=10.0.0.9", "1.2.3.4"),
        ("10.0.0.1", "1.2.3.4:8080", "", "1.2.3.4"),
        (None, "1.2.3.4", "", None),
    ],
)
def test_client_is_the_rightmost_untrusted_address(
    peer: str | None, forwarded_for: str, forwarded: str, expected: str | None
) -> None:
    """
    Forwarding headers count from listed proxies only, and are read from the right.
    """
    assert expected == Peers(PROXIES).client(peer, forwarded_for, forwarded)


@pytest.mark.parametrize(
    ("joined", "peer", "expected"),
    [
        ("private", "10.1.1.1", True),
        ("private", "8.8.8.8", False),
        ("private", "unknown", False),
        ("all", "8.8.8.8", True),
        ("none", "127.0.0.1", False),
        ((ipaddress.ip_network("8.8.8.0/24"),), "8.8.8.8", True),
        ((ipaddress.ip_network("8.8.8.0/24"),), "10.1.1.1", False),
        ((ipaddress.ip_network("8.8.8.0/24"),), "unknown", False),
    ],
)
def test_trust_rule(joined: Any, peer: str, expected: bool) -> None:
    """
    Whose trace is joined follows the setting; an unknown peer is joined only by `all`.
    """
    assert expected is Peers((), joined).trusts_trace_of(peer)


class Transport:
    """
    A server's transport, as far as it is asked.
    """

    def get_extra_info(self, name: str) -> Any:
        return ("203.0.113.5", 4711) if name == "peername" else None


class Cycle:
    """
    A server's request cycle, whose bound method is the `receive` of the application.
    """

    transport = Transport()

    async def receive(self) -> None:
        return None


def test_asks_the_transport_where_a_header_may_have_replaced_the_peer() -> None:
    """
    With X-Forwarded-For in the request the scope's client is not believed.
    """
    scope = {"client": ("1.2.3.4", 0)}

    assert socket_peer(scope, Cycle().receive, True) == "203.0.113.5"


def test_peer_is_unknown_where_nothing_can_tell() -> None:
    """
    A replaced address without a transport to ask is nobody's.
    """
    assert socket_peer({"client": ("1.2.3.4", 0)}, object(), True) == "unknown"


def test_peer_is_the_scopes_client_without_forwarding() -> None:
    """
    Without a forwarding header the server has replaced nothing.
    """
    assert socket_peer({"client": ("1.2.3.4", 99)}, object(), False) == "1.2.3.4"
