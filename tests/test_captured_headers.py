"""
Which headers are captured, and what is left of them.
"""

from __future__ import annotations

import pytest

from otel_kit.captured_headers import MAX_NAMES, MAX_VALUE, MAX_VALUES, CapturedHeaders
from otel_kit.redaction import Policy

Pairs = list[tuple[bytes, bytes]]


def captured(headers: Pairs, *names: str, masked: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """
    The attributes for these headers of a request.
    """
    found = CapturedHeaders("request", names or (".*",), masked, Policy()).attributes(headers)
    return {name: list(values) for name, values in found.items()}


def test_values_are_lists_by_name_in_lower_case() -> None:
    """
    A header that comes twice is one attribute with two values.
    """
    pairs = [(b"X-Shop", b"a"), (b"accept", b"*/*"), (b"x-shop", b"b")]

    assert {"http.request.header.x-shop": ["a", "b"], "http.request.header.accept": ["*/*"]} == captured(pairs)


def test_only_whole_names_match_in_any_case() -> None:
    """
    A pattern is for the whole name.
    """
    pairs = [(b"x-shop", b"a"), (b"x-shop-2", b"b"), (b"accept", b"c")]

    assert {"http.request.header.x-shop": ["a"]} == captured(pairs, "X-SHOP")


@pytest.mark.parametrize("name", [b"authorization", b"cookie", b"x-api-key", b"proxy-authorization", b"x-auth-token"])
def test_credentials_are_masked_by_name(name: bytes) -> None:
    """
    Whatever stands in a header for credentials, the mask leaves.
    """
    assert [["REDACTED"]] == list(captured([(name, b"anything")]).values())


def test_secrets_are_masked_by_shape() -> None:
    """
    The rest of a value stays.
    """
    pairs = [(b"referer", b"https://shop/?token=abcdef&page=2")]

    assert [["https://shop/?token=REDACTED&page=2"]] == list(captured(pairs).values())


def test_the_operators_own_names_are_masked() -> None:
    """
    `…_SANITIZE_FIELDS` masks further headers.
    """
    assert [["REDACTED"]] == list(captured([(b"x-tenant", b"acme")], masked=("tenant",)).values())


def test_everything_is_bounded() -> None:
    """
    Names, values of one name and their lengths have limits.
    """
    many = captured([(b"x-%d" % number, b"a") for number in range(1000)])
    repeated = captured([(b"x-a", b"v" * 5000)] * 100)

    assert MAX_NAMES == len(many)
    assert [MAX_VALUES] == [len(values) for values in repeated.values()]
    assert {MAX_VALUE} == {len(value) for values in repeated.values() for value in values}
    assert {} == captured([(b"x" * 5000, b"a")])


def test_nothing_is_captured_unless_asked_for() -> None:
    """
    Without patterns it is false.
    """
    assert not CapturedHeaders("response", (), (), Policy())
