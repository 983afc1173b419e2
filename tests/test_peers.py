"""
The rules on addresses.
"""

from __future__ import annotations

import ipaddress
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_kit import peers
from otel_kit.arrival import _read
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
    A stream of addresses does not grow the cache beyond its bound, and plain IPv4 ones are not kept at all.
    """
    for number in range(3 * peers.MAX_CACHED):
        is_local(f"2001:db8::{number:x}")
        is_local(str(ipaddress.IPv4Address(0x08000000 + number)))

    assert peers.MAX_CACHED >= len(peers._local)
    assert all(":" in host for host in peers._local)


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
    ("forwarded", "expected"),
    [
        ("", "10.0.0.1"),
        (";;,,==", "10.0.0.1"),
        ("for", "10.0.0.1"),
        ("for=", "10.0.0.1"),
        ("for=unknown", "10.0.0.1"),
        ("for=_hidden", "10.0.0.1"),
        ('for="1.2.3.4', "10.0.0.1"),
        ("FOR=1.2.3.4;PROTO=http", "1.2.3.4"),
        ("by=10.0.0.1; for=1.2.3.4", "1.2.3.4"),
        ("for=1.2.3.4, ", "1.2.3.4"),
        ("for=6.6.6.6, by=10.0.0.2;proto=https", "10.0.0.1"),
        ('for=1.2.3.4;host="evil, for=6.6.6.6"', "1.2.3.4"),
        ('host="evil;for=6.6.6.6";for=1.2.3.4', "1.2.3.4"),
        ('host="evil\\", for=6.6.6.6";for=1.2.3.4', "1.2.3.4"),
        ('for="6.6.6.6, for=1.2.3.4', "1.2.3.4"),
        (f"for=1.2.3.4;host={'x' * 10_000}", "1.2.3.4"),
        (f"host={'x' * 10_000};for=1.2.3.4", "10.0.0.1"),
    ],
)
def test_forwarded_is_read_as_the_proxy_wrote_it(forwarded: str, expected: str) -> None:
    """
    What a client put into the header, or into a host name in it, does not become its address.
    """
    assert expected == Peers(PROXIES).client("10.0.0.1", "", forwarded)


@pytest.mark.parametrize("headers", [("6.6.6.6, {}", ""), ("", "for=6.6.6.6, {}")], ids=["list", "rfc7239"])
@pytest.mark.parametrize("hop", ["10.0.0.2", "rubbish", "", '"', "for=10.0.0.2", 'for="'])
def test_ten_thousand_hops_are_no_way_around(headers: tuple[str, str], hop: str) -> None:
    """
    At most 32 hops are followed, so nobody reaches an address by any number of proxies before it.
    """
    forwarded_for, forwarded = (header.format(", ".join([hop] * 10_000)) for header in headers)

    assert Peers(PROXIES).client("10.0.0.1", forwarded_for, forwarded) in ("10.0.0.1", "10.0.0.2")


def test_cost_does_not_grow_with_hops(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No more than 32 hops are looked at, however many there are.
    """
    looked_at = []
    monkeypatch.setattr(peers, "parse_address", lambda text: looked_at.append(text) or ipaddress.ip_address("10.0.0.2"))
    Peers(PROXIES).client("10.0.0.1", ", ".join(["10.0.0.2"] * 10_000), "")

    assert peers.MAX_HOPS == sum(text != "10.0.0.1" and text.startswith(" ") for text in looked_at)


@given(st.text(alphabet='for=;,:"\\[]. 0123456789abf%_-', max_size=200))
def test_no_header_is_an_error(text: str) -> None:
    """
    Whatever a client sends, there is an address or none.
    """
    for forwarded_for, forwarded in ((text, ""), ("", text)):
        found = Peers(PROXIES).client("10.0.0.1", forwarded_for, forwarded)

        assert str(peers.parse_address(str(found))) == found


def test_a_header_that_comes_fifty_thousand_times_is_joined_once() -> None:
    """
    Repeated headers cost as much as their bytes, not as much as their bytes by their number.
    """
    pairs = [(b"x-forwarded-for", b"6.6.6.6")] * 50_000
    before = time.process_time()
    joined = _read(pairs)[b"x-forwarded-for"]

    assert 50_000 * 8 - 1 == len(joined)
    assert 0.5 > time.process_time() - before


@pytest.mark.parametrize(
    ("joined", "peer", "client", "expected"),
    [
        ("private", "10.1.1.1", "10.1.1.1", True),
        ("private", "10.1.1.1", "192.168.7.7", True),
        ("private", "10.1.1.1", "8.8.8.8", False),
        ("private", None, None, True),
        ("private", None, "8.8.8.8", False),
        ("private", "8.8.8.8", "8.8.8.8", False),
        ("private", "8.8.8.8", "10.1.1.1", False),
        ("private", "unknown", "unknown", False),
        ("all", "8.8.8.8", "8.8.8.8", True),
        ("none", "127.0.0.1", "127.0.0.1", False),
        ((ipaddress.ip_network("8.8.8.0/24"),), "8.8.8.8", "8.8.8.8", True),
        ((ipaddress.ip_network("8.8.8.0/24"),), "8.8.8.8", "1.2.3.4", True),
        ((ipaddress.ip_network("8.8.8.0/24"),), "10.1.1.1", "8.8.8.8", False),
        ((ipaddress.ip_network("8.8.8.0/24"),), "unknown", "unknown", False),
    ],
)
def test_trust_rule(joined: Any, peer: str | None, client: str | None, expected: bool) -> None:
    """
    Whose trace is joined follows the setting: by `private` that of a local peer which speaks for nobody from elsewhere.
    """
    assert expected is Peers((), joined).trusts_trace_of(peer, client)


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

    assert socket_peer(scope, Cycle().receive, "1.2.3.4") == "203.0.113.5"


def test_peer_is_unknown_where_nothing_can_tell() -> None:
    """
    A replaced address without a transport to ask is nobody's.
    """
    assert socket_peer({"client": ("1.2.3.4", 0)}, object(), "1.2.3.4") == "unknown"


def test_peer_is_the_scopes_client_without_forwarding() -> None:
    """
    Without a forwarding header the server has replaced nothing.
    """
    assert socket_peer({"client": ("1.2.3.4", 99)}, object(), None) == "1.2.3.4"


@pytest.mark.parametrize(
    ("header", "client"),
    [
        ("1.2.3.4:99", ("1.2.3.4", 99)),
        ("9.9.9.9,  1.2.3.4:099 ,127.0.0.1", ("1.2.3.4", 99)),
        ("[2001:db8::1]:99", ("2001:db8::1", 99)),
        ("[[x]:99", ("[x", 99)),
        ("x:+9_9", ("x", 99)),
    ],
)
def test_a_port_from_the_header_makes_no_peer(header: str, client: tuple[str, int]) -> None:
    """
    A newer uvicorn replaces the port as well: what the header may have said is not believed.
    """
    assert "unknown" == socket_peer({"client": client}, object(), header)


@pytest.mark.parametrize("header", ["1.2.3.4", "1.2.3.4:98, 11.2.3.4:99", "1.2.3.4:", "[1.2.3.4]99", "garbage", ""])
def test_a_server_that_replaces_nothing_is_believed(header: str) -> None:
    """
    An address with a port that the header does not name is the socket's.
    """
    assert "1.2.3.4" == socket_peer({"client": ("1.2.3.4", 99)}, object(), header)
