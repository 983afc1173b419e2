"""
What counts as one client among addresses.
"""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_kit.identity import Identity
from otel_kit.identity.addresses import MAX_ADDRESS, identity_of


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (None, "local"),
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::FFFF:cb00:7107", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0db8:0001:0002::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("testclient", "testclient"),
        ("unknown", "unknown"),
        ("not:an:address", "not:an:address"),
        ("x" * 1000, "x" * MAX_ADDRESS),
    ],
)
def test_identity_of_an_address(client: str | None, expected: str) -> None:
    """
    IPv4 by address, IPv6 by its /64, mapped addresses as IPv4, anything else as it stands and bounded.
    """
    assert Identity("address", expected, None) == identity_of(client)


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_a_client_can_not_leave_its_network(address: ipaddress.IPv6Address, host: int) -> None:
    """
    Every address in one /64 is the same client.
    """
    other = ipaddress.IPv6Address((int(address) >> 64 << 64) | host)
    if address.ipv4_mapped or other.ipv4_mapped:
        return

    assert identity_of(str(address)) == identity_of(str(other))


@given(st.text(max_size=200))
def test_any_text_has_an_identity(client: str) -> None:
    """
    Whatever a server hands over as address is bounded and no error.
    """
    assert MAX_ADDRESS >= len(identity_of(client).value)
