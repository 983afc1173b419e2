"""
Who may read the page.
"""

from __future__ import annotations

from typing import Any

import pytest

from otel_kit.exposition import access
from otel_kit.exposition.access import AccessRule


def admitted(client: Any, *headers: tuple[bytes, bytes], token: str | None = None, **more: Any) -> bool:
    """
    Whether a request of this peer with these headers is let in.
    """
    return AccessRule(token).admits({"client": client, "headers": list(headers), **more})


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.8.8.8", "::1", "10.2.3.4", "172.20.0.9", "192.168.1.7", "169.254.1.1", "fd00::5"],
)
def test_direct_local_peers_are_let_in(host: str) -> None:
    """
    Loopback and private peers read the page without a token.
    """
    assert admitted((host, 50000))


@pytest.mark.parametrize("host", ["testclient", "", "::ffff:10.0.0.1", "fe80::1%eth0"])
def test_odd_forms_of_local_peers_are_let_in(host: str) -> None:
    """
    A test client names itself and counts as loopback; IPv4 may come mapped into IPv6.
    """
    assert admitted((host, 50000))


@pytest.mark.parametrize(
    "host", ["8.8.8.8", "203.0.113.7", "2001:4860:4860::8888", "::ffff:8.8.8.8", "172.32.0.1", "unknown"]
)
def test_strangers_are_not(host: str) -> None:
    """
    A public peer, and one whose address can't be told, need a token.
    """
    assert not admitted((host, 50000))


def test_a_peer_without_an_address_is_let_in() -> None:
    """
    A Unix socket counts as loopback.
    """
    assert admitted(None)


@pytest.mark.parametrize(
    "name",
    [
        b"x-forwarded-for",
        b"X-Forwarded-Host",
        b"x-forwarded-proto",
        b"forwarded",
        b"x-real-ip",
        b"via",
        b"true-client-ip",
    ],
)
def test_a_forwarding_header_takes_the_privilege_away(name: bytes) -> None:
    """
    What a proxy on this machine passes on is not a local request, whatever address the header names.
    """
    assert not admitted(("127.0.0.1", 50000), (name, b"127.0.0.1"))


def test_the_sockets_own_peer_decides() -> None:
    """
    The peer that the outer ring found goes before the client that the server's proxy handling made.
    """
    assert not admitted(("127.0.0.1", 0), **{"otel_kit.peer": "203.0.113.7"})
    assert admitted(("203.0.113.7", 0), **{"otel_kit.peer": "127.0.0.1"})
    assert admitted(("203.0.113.7", 0), **{"otel_kit.peer": None})


@pytest.mark.parametrize("value", [b"Bearer s3cret", b"bearer s3cret", b"  Bearer   s3cret "])
def test_the_token_opens_the_page_to_anyone(value: bytes) -> None:
    """
    The right bearer token is enough, also through a proxy.
    """
    assert admitted(("8.8.8.8", 1), (b"Authorization", value), (b"x-forwarded-for", b"8.8.4.4"), token="s3cret")


@pytest.mark.parametrize(
    "value", [b"Bearer s3cre", b"Bearer s3crett", b"Bearer ", b"Bearer", b"Basic s3cret", b"s3cret", b"\xff"]
)
def test_a_wrong_token_opens_nothing(value: bytes) -> None:
    """
    Anything but the token after the word Bearer is refused.
    """
    assert not admitted(("8.8.8.8", 1), (b"authorization", value), token="s3cret")


@pytest.mark.parametrize("values", [(b"Bearer s3cret", b"Bearer x"), (b"Basic x", b"Bearer s3cret")])
def test_one_of_two_tokens_opens_nothing(values: tuple[bytes, bytes]) -> None:
    """
    Which of two headers a proxy in front has looked at can't be known.
    """
    assert not admitted(("8.8.8.8", 1), *((b"Authorization", value) for value in values), token="s3cret")


@pytest.mark.parametrize("token", ["s3cret", None])
@pytest.mark.parametrize(
    ("values", "reasons"),
    [
        ((), []),
        ((b"Bearer",), []),
        ((b"Basic x",), []),
        ((b"Bearer x",), ["not_accepted"]),
        ((b"Bearer s3cret", b"Bearer x"), ["ambiguous_credentials"]),
    ],
)
def test_a_token_that_was_sent_in_vain_is_told_of(
    monkeypatch: pytest.MonkeyPatch, token: str | None, values: tuple[bytes, ...], reasons: list[str]
) -> None:
    """
    Whether there is one to guess or not; who sends none has not guessed.
    """
    told: list[str] = []
    monkeypatch.setattr(access, "credential_failed", told.append)
    AccessRule(token).refusal({"headers": [(b"authorization", value) for value in values]})

    assert reasons == told


def test_an_empty_token_is_none() -> None:
    """
    An empty setting does not let empty credentials in.
    """
    assert not admitted(("8.8.8.8", 1), (b"authorization", b"Bearer "), token="")


def test_a_local_peer_needs_no_token_where_one_is_set() -> None:
    """
    The token is a further way in, not the only one.
    """
    assert admitted(("10.0.0.1", 1), token="s3cret")


def test_a_token_of_other_letters_works() -> None:
    """
    The token is compared as UTF-8 bytes.
    """
    assert admitted(("8.8.8.8", 1), (b"authorization", "Bearer grün".encode()), token="grün")
