"""
Bearer tokens, honest and forged, against keys of every kind.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
import time
import warnings
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from otel_kit.errors import ConfigurationError
from otel_kit.identity import Identity
from otel_kit.identity.tokens import Tokens, verification
from tests.identity.issuer import (
    LIFE_SECONDS,
    SECRET,
    claims,
    ec_key,
    ed_key,
    forged,
    jwk,
    jwks,
    part,
    pem,
    rsa_key,
    token,
)

ALICE = Identity("jwt", "alice", "paid")
BY_SECRET = Tokens(SECRET, [])
HS256 = {"alg": "HS256", "typ": "JWT"}


# -- honest tokens --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "algorithm"), [(rsa_key(), "RS256"), (ec_key(), "ES256"), (ed_key(), "EdDSA")], ids=["rsa", "ec", "ed25519"]
)
def test_verifies_by_a_public_key(key: Any, algorithm: str) -> None:
    """
    A PEM of each kind verifies the tokens that its private half has signed.
    """
    assert ALICE == Tokens(pem(key), []).verify(token(key, algorithm))


def test_verifies_by_a_secret() -> None:
    """
    A shared secret verifies HS256 tokens by default.
    """
    assert ALICE == BY_SECRET.verify(token())


def test_a_token_need_not_expire() -> None:
    """
    `exp` is honoured where it is, and not required.
    """
    assert ALICE == BY_SECRET.verify(token(exp=None))


def test_audience_and_issuer_are_not_compared() -> None:
    """
    Who may issue for this service is said by the key alone.
    """
    assert ALICE == BY_SECRET.verify(token(aud="another service", iss="whoever"))


def test_the_issuers_clock_may_be_a_little_ahead() -> None:
    """
    `nbf` and `iat` have a leeway of five seconds.
    """
    soon = int(time.time()) + 3

    assert ALICE == BY_SECRET.verify(token(nbf=soon, iat=soon))


@pytest.mark.parametrize("tier", [7, ["paid"], "", "a b", "-x", "x" * 65, "tier\n", None, True, {"a": 1}])
def test_a_tier_that_is_none_is_no_tier(tier: Any) -> None:
    """
    The subject holds, a tier that no rule could name does not.
    """
    assert Identity("jwt", "alice", None) == BY_SECRET.verify(token(tier=tier))


# -- attacks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("tokens", [BY_SECRET, Tokens(pem(rsa_key()), [])], ids=["secret", "pem"])
def test_unsigned_tokens_are_nobodys(tokens: Tokens, name: str) -> None:
    """
    No spelling of the algorithm `none` passes.
    """
    assert "algorithm_not_accepted" == tokens.verify(forged({"alg": name}, claims(), signature=b""))


def test_a_public_key_is_no_secret() -> None:
    """
    A token that takes the published key for an HMAC secret is refused by its algorithm.
    """
    content = pem(rsa_key())
    tokens = Tokens(content, [])

    for secret in (content, content.strip(), content.replace("\n", "")):
        assert "algorithm_not_accepted" == tokens.verify(forged(HS256, claims(), secret.encode()))


def test_a_key_set_is_no_secret_either() -> None:
    """
    Nor does the text of a published key set sign anything.
    """
    content = jwks(jwk(rsa_key(), kid="a"))

    assert "algorithm_not_accepted" == Tokens(content, []).verify(forged(HS256, claims(), content.encode()))


@pytest.mark.parametrize(
    ("tokens", "foreign"),
    [
        (BY_SECRET, token("another secret of thirty-two bytes!!")),
        (Tokens(pem(rsa_key()), []), token(rsa_key("second"), "RS256")),
    ],
    ids=["secret", "rsa"],
)
def test_another_key_does_not_sign_for_ours(tokens: Tokens, foreign: bytes) -> None:
    """
    A signature by somebody else's key is a bad signature.
    """
    assert "bad_signature" == tokens.verify(foreign)


def test_changed_claims_break_the_signature() -> None:
    """
    A payload put in after signing is not believed.
    """
    header, _, signature = token().split(b".")
    other = part(json.dumps(claims(sub="root")).encode())

    assert "bad_signature" == BY_SECRET.verify(b".".join((header, other, signature)))


@pytest.mark.parametrize("signature", [b"", b"\0" * 64, b"\0" * 63, b"x", b"\xff" * 64, b"\0" * 6000])
def test_odd_signatures_of_elliptic_curves(signature: bytes) -> None:
    """
    Zeros in place of a signature, or one of a wrong length, verify nothing.
    """
    assert "bad_signature" == Tokens(pem(ec_key()), []).verify(forged({"alg": "ES256"}, claims(), signature=signature))


def test_a_key_in_the_token_is_not_used() -> None:
    """
    `jwk`, `jku`, `x5u` and `x5c` in a header neither choose the key nor fetch anything.
    """
    mine = rsa_key("second")
    header = {"jwk": jwk(mine), "jku": "http://127.0.0.1:9/keys", "x5u": "http://127.0.0.1:9/x", "x5c": ["MII"]}
    before = socket.socket.connect

    def no_connection(*_: object) -> None:
        raise AssertionError("something was fetched")

    socket.socket.connect = no_connection  # type: ignore[assignment, method-assign]
    try:
        assert "bad_signature" == Tokens(pem(rsa_key()), []).verify(token(mine, "RS256", header))
    finally:
        socket.socket.connect = before  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "critical", [["exp"], ["b64"], [], None, "b64", [1], ["http://example.com/extension"]], ids=json.dumps
)
def test_critical_extensions_are_refused(critical: Any) -> None:
    """
    A header with `crit` asks for something that is not done here (RFC 7515, section 4.1.11).
    """
    header = {**HS256, "crit": critical, "b64": True, "http://example.com/extension": 1}

    assert "malformed_token" == BY_SECRET.verify(forged(header, claims(), SECRET.encode()))


@pytest.mark.parametrize("algorithm", [None, 256, ["HS256"], {"HS256": 1}, "hs256", "HS384", "RS256", "HS256 "])
def test_only_configured_algorithms_count(algorithm: Any) -> None:
    """
    The token's header does not choose: what was not configured, and what is no name, is refused.
    """
    assert "algorithm_not_accepted" == BY_SECRET.verify(forged({"alg": algorithm}, claims(), SECRET.encode()))


def test_a_fitting_algorithm_must_be_configured_too() -> None:
    """
    PS256 goes with an RSA key, and counts only where it is listed.
    """
    signed = token(rsa_key(), "PS256")

    assert "algorithm_not_accepted" == Tokens(pem(rsa_key()), []).verify(signed)
    assert ALICE == Tokens(pem(rsa_key()), ["PS256"]).verify(signed)


@pytest.mark.parametrize("seconds", [1, 60, 10**9])
def test_expired_tokens_are_nobodys(seconds: int) -> None:
    """
    `exp` has no leeway.
    """
    assert "token_expired" == BY_SECRET.verify(token(exp=int(time.time()) - seconds))


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_tokens_of_the_future_are_nobodys(claim: str) -> None:
    """
    What is valid in a minute is not valid now.
    """
    assert "token_not_yet_valid" == BY_SECRET.verify(token(**{claim: int(time.time()) + 60}))


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["soon", [1], {}, float("inf"), float("nan"), "9" * 5000], ids=str)
def test_times_that_are_none_are_malformed(claim: str, value: Any) -> None:
    """
    A time that is no number makes the token malformed, and not eternal.
    """
    assert "malformed_token" == BY_SECRET.verify(forged(HS256, claims(**{claim: value}), SECRET.encode()))


@pytest.mark.parametrize(
    "subject",
    [None, "", " ", 7, True, ["alice"], {"id": 1}, "x" * 256, "a\nb", "a\0", "\ud800", "\u202ealice", "\u2028"],
    ids=ascii,
)
def test_a_token_needs_a_subject(subject: Any) -> None:
    """
    No subject, one that is no text, too long or can't be printed: the token identifies nobody.
    """
    assert "no_subject" == BY_SECRET.verify(token(sub=subject) if subject is None else _signed({"sub": subject}))


@pytest.mark.parametrize(
    "payload", [b"", b"null", b"[]", b'"alice"', b"7", b"{", b"\xff\xfe", b'{"sub":' + b"[" * 3000, b"[" * 5000]
)
def test_claims_that_are_none(payload: bytes) -> None:
    """
    A signed payload that is no JSON object is malformed, however deep it nests.
    """
    assert "malformed_token" == BY_SECRET.verify(forged(HS256, payload, SECRET.encode()))


@pytest.mark.parametrize("header", [b"", b"null", b"[]", b"{", b"\xff", b"[" * 5000, b'{"alg":' * 800])
def test_headers_that_are_none(header: bytes) -> None:
    """
    A header that is no JSON object is malformed, however deep it nests.
    """
    assert "malformed_token" == BY_SECRET.verify(forged(header, claims(), SECRET.encode()))


@pytest.mark.parametrize(
    "text", [b"x", b".", b"..", b"...", b"a.b", b"a.b.c.d.e", b"\xff.\xff.\xff", b"." * 8000, b" ", b"\0"]
)
def test_texts_that_are_no_token(text: bytes) -> None:
    """
    Anything else is malformed.
    """
    assert "malformed_token" == BY_SECRET.verify(text)


def test_oversized_tokens_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A token above 8 KB is refused before anything of it is decoded, a correct signature or not.
    """
    monkeypatch.setattr(jwt, "get_unverified_header", _never)

    assert "token_too_long" == BY_SECRET.verify(token(note="x" * 9000))


@given(
    st.binary(max_size=300)
    | st.lists(st.binary(max_size=80), min_size=3, max_size=3).map(lambda x: b".".join(map(part, x)))
)
def test_rubbish_is_never_somebody(text: bytes) -> None:
    """
    Whatever bytes come, there is a reason and neither an identity nor an exception.
    """
    assert not isinstance(BY_SECRET.verify(text), Identity)


# -- key sets -------------------------------------------------------------------------------------

SET = Tokens(jwks(jwk(rsa_key(), kid="a"), jwk(rsa_key("second"), kid="b"), jwk(ec_key(), kid="c")), [])


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [(rsa_key(), "RS256", "a"), (rsa_key("second"), "RS256", "b"), (ec_key(), "ES256", "c")],
)
def test_the_key_id_chooses_in_a_set(key: Any, algorithm: str, kid: str) -> None:
    """
    Each key of a set verifies the tokens that name it.
    """
    assert ALICE == SET.verify(token(key, algorithm, {"kid": kid}))


@pytest.mark.parametrize(
    ("kid", "expected"),
    [
        ("b", "bad_signature"),
        ("c", "unknown_signing_key"),
        ("z", "unknown_signing_key"),
        ("", "unknown_signing_key"),
        ("../../a", "unknown_signing_key"),
    ],
)
def test_no_other_key_is_tried(kid: str, expected: str) -> None:
    """
    A token that names another key, one of another kind or none that there is, is nobody's.
    """
    assert expected == SET.verify(token(rsa_key(), "RS256", {"kid": kid}))


@pytest.mark.parametrize("kid", [7, ["a"], {"a": 1}, None])
def test_a_key_id_is_a_text(kid: Any) -> None:
    """
    A key id of another type is malformed.
    """
    assert "malformed_token" == SET.verify(forged({"alg": "RS256", "kid": kid}, claims(), signature=b"x" * 256))


def test_a_token_without_key_id_needs_a_single_key() -> None:
    """
    Where two keys would do, none is tried; where one would, it is.
    """
    assert "unknown_signing_key" == SET.verify(token(rsa_key(), "RS256"))
    assert ALICE == SET.verify(token(ec_key(), "ES256"))


def test_a_single_key_serves_whatever_id_is_named() -> None:
    """
    Beside a PEM there is no id to compare with.
    """
    assert ALICE == Tokens(pem(rsa_key()), []).verify(token(rsa_key(), "RS256", {"kid": "whatever"}))


def test_a_keys_own_algorithm_holds() -> None:
    """
    A key of the set that says PS256 verifies nothing else.
    """
    tokens = Tokens(jwks(jwk(rsa_key(), kid="a", alg="PS256")), ["RS256", "PS256"])

    assert ALICE == tokens.verify(token(rsa_key(), "PS256", {"kid": "a"}))
    assert "algorithm_not_accepted" == tokens.verify(token(rsa_key(), "RS256", {"kid": "a"}))


def test_members_that_are_not_understood_are_passed_over() -> None:
    """
    Unknown kinds, keys for encryption and shared secrets in a set are left out, the rest serves.
    """
    odd = [7, {}, {"kty": "XYZ"}, {"kty": "oct", "k": "c2VjcmV0", "kid": "s"}, {"kty": "RSA", "n": 1}]
    content = json.dumps({"keys": [*odd, jwk(rsa_key("second"), kid="e", use="enc"), jwk(rsa_key(), kid="a")]})
    tokens = Tokens(content, [])

    assert ALICE == tokens.verify(token(rsa_key(), "RS256", {"kid": "a"}))
    assert "unknown_signing_key" == tokens.verify(token(rsa_key("second"), "RS256", {"kid": "e"}))


# -- memory ---------------------------------------------------------------------------------------


def test_a_signature_is_paid_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A verified token is known for a while.
    """
    tokens, signed = Tokens(SECRET, []), token()
    tokens.verify(signed)
    monkeypatch.setattr(jwt, "decode", _never)

    assert ALICE == tokens.verify(signed)


@pytest.mark.parametrize(("clock", "later"), [("monotonic", 61.0), ("time", LIFE_SECONDS + 1.0)])
def test_memory_ends_with_the_minute_and_with_the_token(
    monkeypatch: pytest.MonkeyPatch, clock: str, later: float
) -> None:
    """
    After a minute, or when it has expired, a token is verified anew.
    """
    tokens, signed, calls = Tokens(SECRET, []), token(), []
    tokens.verify(signed)
    set_later(monkeypatch, clock, later)
    monkeypatch.setattr(jwt, "decode", lambda *_, **__: calls.append(1) or claims(exp=0))
    tokens.verify(signed)

    assert [1] == calls


def test_an_expired_token_is_not_remembered_as_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The moment a remembered token expires it is nobody's.
    """
    tokens, signed = Tokens(SECRET, []), token(exp=int(time.time()) + 30)
    tokens.verify(signed)
    set_later(monkeypatch, "time", 31)

    assert "token_expired" == tokens.verify(signed)


def set_later(monkeypatch: pytest.MonkeyPatch, clock: str, seconds: float) -> None:
    """
    Put one of the module's clocks forward; other threads go on by the real one.
    """
    now = getattr(time, clock)
    later = SimpleNamespace(**{**vars(time), clock: lambda: now() + seconds})
    monkeypatch.setattr(verification, "time", later)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    More tokens than there is room for do not grow it, and failures take no room at all.
    """
    monkeypatch.setattr(verification, "MAX_REMEMBERED", 8)
    tokens = Tokens(SECRET, [])
    for number in range(20):
        tokens.verify(token(sub=f"user {number}"))
        tokens.verify(b"rubbish %d" % number)

    assert 0 < len(tokens._remembered) <= 8


# -- keys that can't be used ----------------------------------------------------------------------


def _spki(key: Any) -> str:
    return "".join(pem(key).splitlines()[1:-1])


def _openssh(key: Any) -> str:
    public: bytes = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return public.decode()


@pytest.mark.parametrize(
    ("content", "algorithms"),
    [
        (pem(rsa_key()), ["HS256"]),
        (pem(rsa_key()), ["ES256"]),
        (SECRET, ["RS256"]),
        (jwks(jwk(rsa_key(), kid="a")), ["HS256"]),
        (jwks({"kty": "oct", "k": "c2VjcmV0"}), []),
        (jwks({**jwk(rsa_key()), "d": "AQAB"}), []),
        (jwks(jwk(rsa_key(), kid="a"), jwk(rsa_key("second"), kid="a")), []),
        (pem(rsa_key("weak", 1024)), []),
        ("-----BEGIN PUBLIC KEY-----\nrubbish\n-----END PUBLIC KEY-----", []),
        (_spki(rsa_key()), []),
        (_spki(ec_key()), []),
        (_spki(ed_key()), []),
        (_openssh(rsa_key()), []),
        (_openssh(ed_key()), []),
    ],
    # the keys are made anew each time: they are no names for tests
    ids=[f"key {number}" for number in range(14)],
)
def test_unusable_keys_stop_the_start(content: str, algorithms: list[str]) -> None:
    """
    A key without fitting algorithm, a weak one, a private one, a public one in a secret's place: one line, masked.
    """
    with pytest.raises(ConfigurationError, match="OTEL_KIT_JWT_KEY='") as raised:
        Tokens(content, algorithms)

    assert content[:40] not in str(raised.value)


@pytest.mark.parametrize("content", [pem(rsa_key("weak", 1024)), jwks(jwk(rsa_key("weak", 1024)))], ids=["pem", "jwks"])
def test_a_weak_key_is_called_one(content: str) -> None:
    """
    The remedy for a short RSA key is a longer one.
    """
    with pytest.raises(ConfigurationError, match="2048 bits"):
        Tokens(content, [])


@pytest.mark.parametrize("secret", ['{"kty": "oct", "k": "c2VjcmV0"}', "\udcff\udcfe" * 20], ids=["jwk", "bytes"])
def test_odd_secrets_have_an_answer(secret: str) -> None:
    """
    A single JWK is no secret; bytes that are no text are one.
    """
    if secret.startswith("{"):
        with pytest.raises(ConfigurationError, match="not a secret"):
            Tokens(secret, [])
    else:
        raw = secret.encode(errors="surrogateescape")
        assert ALICE == Tokens(secret, []).verify(forged(HS256, claims(), raw))


def test_a_short_secret_is_said_once_and_works(caplog: pytest.LogCaptureFixture) -> None:
    """
    A short secret verifies the tokens made with it; the warning comes at set-up, and not at each request.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signed = token("short")
    with caplog.at_level(logging.WARNING, "otel_kit"):
        tokens = Tokens("short", ["HS256", "HS384", "HS512"])

    assert ["otel_kit.short_jwt_secret"] == [record.message for record in caplog.records]
    assert ALICE == tokens.verify(signed)


def test_missing_library_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without PyJWT a key in the settings stops the start and says what to install.
    """
    from pydantic import SecretStr

    from otel_kit.identity import Identities

    for name in [name for name in sys.modules if name == "jwt" or name.startswith("otel_kit.identity.tokens")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jwt", None)

    with pytest.raises(ConfigurationError, match=r"pip install otel-kit\[jwt\]"):
        Identities([], SecretStr(SECRET), [])


def _signed(payload: dict[str, Any]) -> bytes:
    return forged(HS256, payload, SECRET.encode())


def _never(*_: object, **__: object) -> None:
    raise AssertionError("this was not to be called")
