"""
The comparison of API keys.
"""

from __future__ import annotations

import hashlib
import hmac

import pytest

from otel_kit.identity import Identity
from otel_kit.identity.keys import MAX_KEY_BYTES, ApiKeys
from otel_kit.settings import ApiKey


def configured(name: str, key: bytes, tier: str = "free") -> ApiKey:
    """
    A key as the settings hold it.
    """
    return ApiKey(name, tier, hashlib.sha256(key).hexdigest())


KEYS = ApiKeys([configured("alice", b"one"), configured("bob", b"two", "paid"), configured("bob", b"three", "paid")])


@pytest.mark.parametrize(
    ("key", "expected"),
    [(b"one", "alice"), (b"two", "bob"), (b"three", "bob")],
)
def test_finds_the_owner(key: bytes, expected: str) -> None:
    """
    A key identifies the name it is configured under; one name may have several keys.
    """
    found = KEYS.find(key)

    assert found is not None
    assert expected == found.value


def test_tells_kind_and_tier() -> None:
    """
    The identity is of kind `key` and has the tier of the key.
    """
    assert Identity("key", "bob", "paid") == KEYS.find(b"two")


@pytest.mark.parametrize(
    "key",
    [b"", b"One", b"one ", b"on", b"onee", b"\0one", b"one\0", b"alice", hashlib.sha256(b"one").hexdigest().encode()],
)
def test_nothing_else_is_a_key(key: bytes) -> None:
    """
    Near misses are nobody's, and so is the digest that the settings hold.
    """
    assert KEYS.find(key) is None


def test_a_long_text_is_no_key() -> None:
    """
    Above 512 bytes nothing is hashed, even where such a key were configured.
    """
    longest = b"k" * MAX_KEY_BYTES
    keys = ApiKeys([configured("fits", longest), configured("does not", longest + b"k")])

    assert Identity("key", "fits", "free") == keys.find(longest)
    assert keys.find(longest + b"k") is None


@pytest.mark.parametrize("key", [b"one", b"two", b"three", b"none of them"])
def test_compares_with_every_key(monkeypatch: pytest.MonkeyPatch, key: bytes) -> None:
    """
    Each look-up makes as many comparisons in constant time as there are keys, wherever the right one stands.
    """
    compared = []
    right = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((a, b)) or right(a, b))
    KEYS.find(key)

    assert 3 == len(compared)
    assert {hashlib.sha256(key).digest()} == {given for _, given in compared}


def test_keeps_no_key() -> None:
    """
    What is held in memory are digests.
    """
    assert b"two" not in repr(vars(KEYS)).encode()
