"""
The order of identities, and how credentials are read from headers.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from otel_kit import faults
from otel_kit.context import RequestRecord, current_record
from otel_kit.identity import Identities, Identity
from otel_kit.security import credentials
from tests.asgi_client import http_scope
from tests.identity.issuer import SECRET, token
from tests.identity.test_keys import configured

ALICE = Identity("key", "alice", "free")
BOB = Identity("key", "bob", "paid")
CAROL = Identity("jwt", "carol", "paid")
THERE = Identity("address", "203.0.113.7", None)

KEYS = [configured("alice", b"alice's key"), configured("alice", b"her other"), configured("bob", b"bob's key", "paid")]
BOTH = Identities(KEYS, SecretStr(SECRET), [])
ONLY_KEYS = Identities(KEYS, None, [])
ONLY_TOKENS = Identities([], SecretStr(SECRET), [])
NEITHER = Identities([], None, [])

Headers = list[tuple[bytes, bytes]]


def by_key(key: bytes) -> Headers:
    """
    The header for a key.
    """
    return [(b"host", b"example.com"), (b"x-api-key", key)]


def by_bearer(credentials: bytes) -> Headers:
    """
    The header for a bearer.
    """
    return [(b"accept", b"*/*"), (b"authorization", b"Bearer " + credentials)]


SIGNED = token(sub="carol")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """
    The reasons of the failures that were told.
    """
    reasons: list[str] = []
    monkeypatch.setattr(credentials, "security_event", lambda name, **fields: reasons.append(fields["reason"]))
    return reasons


@pytest.fixture
def in_a_request() -> Iterator[RequestRecord]:
    """
    What runs belongs to one request.
    """
    record = RequestRecord(http_scope(), "550e8400-e29b-41d4-a716-446655440000")
    mark = current_record.set(record)
    yield record
    current_record.reset(mark)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], THERE),
        (by_key(b"alice's key"), ALICE),
        (by_key(b" alice's key\t"), ALICE),
        (by_bearer(b"bob's key"), BOB),
        ([(b"authorization", b"bEARER   bob's key ")], BOB),
        (by_bearer(SIGNED), CAROL),
        (by_key(b"alice's key") + by_bearer(SIGNED), ALICE),
        (by_key(b"alice's key") + by_bearer(b"her other"), ALICE),
        (by_key(b"alice's key") + by_bearer(b"the application's own"), ALICE),
        (by_key(b"nobody's") + by_bearer(b"bob's key"), BOB),
        (by_key(b"nobody's") + by_bearer(SIGNED), CAROL),
        (by_key(SIGNED), THERE),
        ([(b"authorization", b"Basic Ym9iOmtleQ==")], THERE),
        ([(b"authorization", b"bob's key")], THERE),
        ([(b"authorization", b"Bearer")], THERE),
        (by_key(b""), THERE),
    ],
)
def test_order(headers: Headers, expected: Identity) -> None:
    """
    A valid key comes before a verified token, a token before the address; what is not valid is passed over.
    """
    assert expected == BOTH.of(headers, "203.0.113.7")


@pytest.mark.parametrize(
    "headers",
    [
        by_key(b"alice's key") + by_key(b"bob's key"),
        by_key(b"alice's key") + by_key(b"alice's key"),
        by_key(b"nobody's") + by_key(b"alice's key"),
        by_key(b"") + by_key(b"alice's key"),
        by_bearer(b"bob's key") + by_bearer(SIGNED),
        [*by_bearer(SIGNED), (b"authorization", b"Basic x")],
        by_key(b"alice's key") + by_bearer(b"bob's key"),
        by_key(b"alice's key") + by_bearer(SIGNED) + by_bearer(SIGNED),
        by_key(b"alice's key, bob's key"),
    ],
)
def test_repeated_and_conflicting_headers_identify_nobody(headers: Headers) -> None:
    """
    A header that comes twice, and two keys of different owners, fall back to the address.
    """
    assert THERE == BOTH.of(headers, "203.0.113.7")


def test_without_settings_nothing_is_believed() -> None:
    """
    Where neither keys nor a JWT key are configured every client is an address.
    """
    assert THERE == NEITHER.of(by_key(b"alice's key") + by_bearer(SIGNED), "203.0.113.7")
    assert NEITHER.credential(by_bearer(SIGNED)) is None


def test_a_token_is_no_key() -> None:
    """
    With a JWT key alone, keys are nobody's; with keys alone, tokens are.
    """
    assert THERE == ONLY_TOKENS.of(by_key(b"alice's key"), "203.0.113.7")
    assert THERE == ONLY_KEYS.of(by_bearer(SIGNED), "203.0.113.7")


@pytest.mark.parametrize(
    ("judge", "headers", "expected"),
    [
        (BOTH, [], []),
        (BOTH, by_key(b"alice's key"), []),
        (BOTH, by_bearer(SIGNED), []),
        (BOTH, by_key(b"nobody's"), ["unknown_key"]),
        (BOTH, by_key(b"x" * 513), ["key_too_long"]),
        (BOTH, by_key(b"nobody's") + by_bearer(b"rubbish"), ["unknown_key"]),
        (BOTH, by_key(b"nobody's") + by_bearer(SIGNED), ["unknown_key"]),
        (BOTH, by_key(b"a") + by_key(b"a"), ["ambiguous_credentials"]),
        (BOTH, by_bearer(b"rubbish"), ["malformed_token"]),
        (BOTH, by_bearer(b"x" * 9000), ["token_too_long"]),
        (BOTH, by_bearer(token("a secret of somebody else's, long")), ["bad_signature"]),
        (BOTH, [(b"authorization", b"Basic x")], []),
        (ONLY_KEYS, by_bearer(b"the application's own"), []),
        (ONLY_TOKENS, by_key(b"the application's own"), []),
        (NEITHER, by_key(b"a") + by_bearer(b"b"), []),
    ],
)
def test_failures_are_told(told: list[str], judge: Identities, headers: Headers, expected: list[str]) -> None:
    """
    A credential that fails is told of with its reason; one that may be the application's own is not.
    """
    judge.of(headers, None)

    assert expected == told


@pytest.mark.parametrize("judge", [ONLY_KEYS, ONLY_TOKENS, NEITHER])
def test_where_one_is_required_everything_in_vain_is_told(told: list[str], judge: Identities) -> None:
    """
    What might be the application's own elsewhere has failed where a key is required.
    """
    headers = by_bearer(b"a.b.c") if judge is ONLY_KEYS else by_key(b"alice's key")

    assert judge.credential(headers, required=True) is None
    assert ["not_accepted"] == told


@pytest.mark.usefixtures("in_a_request")
def test_a_request_is_told_of_once(told: list[str]) -> None:
    """
    The limiter and a dependency may both ask: one request, one event.
    """
    BOTH.of(by_key(b"nobody's"), None)
    BOTH.of(by_key(b"nobody's"), None)
    BOTH.credential(by_key(b"nobody's"), required=True)

    assert ["unknown_key"] == told


@pytest.mark.parametrize(("required", "reasons"), [(False, []), (True, ["not_accepted"])])
def test_the_token_for_metrics_is_no_identity_and_has_not_failed(
    told: list[str], required: bool, reasons: list[str]
) -> None:
    """
    It opens another door, so a verifier of tokens finds no fault with it; where a key is required it is none.
    """
    judge = Identities(KEYS, SecretStr(SECRET), [], SecretStr("s3cret"))

    assert judge.credential(by_bearer(b"s3cret"), required=required) is None
    assert reasons == told


def test_a_guess_at_the_token_for_metrics_has_failed(told: list[str]) -> None:
    """
    What is not quite the token is judged as any other.
    """
    Identities(KEYS, SecretStr(SECRET), [], SecretStr("s3cret")).of(by_bearer(b"s3cre"), None)

    assert ["malformed_token"] == told


def test_a_fault_of_ours_is_nobodys_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Should a part of the kit fail, the client is its address, and the fault is counted.
    """

    def fail(*_: object) -> None:
        raise ValueError

    before = faults.counts().get("identity", 0)
    judge = Identities(KEYS, None, [])
    monkeypatch.setattr(judge, "_judge", fail)

    assert THERE == judge.of(by_key(b"alice's key"), "203.0.113.7")
    assert before + 1 == faults.counts()["identity"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"x-api-key", b"authorization", b"cookie"]),
            st.binary(max_size=80) | st.binary(max_size=80).map(lambda text: b"Bearer " + text) | st.just(b"x" * 9000),
        ),
        max_size=5,
    )
)
def test_no_headers_are_too_odd(headers: Headers) -> None:
    """
    Whatever stands in the headers, a client without a credential is its address, and nothing is raised.
    """
    before = faults.counts().get("identity", 0)

    assert THERE == BOTH.of(headers, "203.0.113.7")
    assert before == faults.counts().get("identity", 0)
