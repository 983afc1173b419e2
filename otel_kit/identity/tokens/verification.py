"""
From a bearer token to the subject it was issued for.

Owns what a token must satisfy, and a bounded memory of verified ones. Which key is asked is the
business of `signing_keys`.

A token is taken when its signature fits a configured key under a configured algorithm, it has not
expired, is valid already, and names a subject. `aud` and `iss` are not compared: the key alone
says who may issue for this service. Nothing is fetched: `jku`, `x5u`, `jwk` and `x5c` in a token's
header are ignored, and a `crit` header is refused, whatever it names.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jwt

from otel_kit.identity.model import Identity, Reason
from otel_kit.identity.tokens.signing_keys import read_keys

__all__ = ["LEEWAY_SECONDS", "MAX_REMEMBERED", "MAX_TOKEN_BYTES", "REMEMBERED_SECONDS", "Tokens"]

MAX_TOKEN_BYTES = 8192
MAX_SUBJECT = 255
"""As OpenID Connect Core 1.0, section 2, bounds it."""

LEEWAY_SECONDS = 5
"""How far the issuer's clock may be ahead, for `nbf` and `iat`. `exp` has none."""

REMEMBERED_SECONDS = 60.0
MAX_REMEMBERED = 1024

_TIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Remembered(NamedTuple):
    """
    A verified token's identity, until when it holds (monotonic) and until when the token does (epoch).
    """

    identity: Identity
    until: float
    expires: float


class Tokens:
    """
    Verifies tokens by the configured key.

    Args:
        content: The key: a shared secret, a PEM or a JWKS.
        algorithms: Accepted algorithms; empty means those that go with the kind of key.

    Raises:
        ConfigurationError: No algorithm fits the key, or the key can't be used.
    """

    def __init__(self, content: str, algorithms: Sequence[str]) -> None:
        self._keys = read_keys(content, algorithms)
        self._remembered: dict[bytes, Remembered] = {}

    def verify(self, token: bytes) -> Identity | Reason:
        """
        The identity that the token proves, or why it proves none.

        A verified token is remembered for a minute at most, so that its signature is not paid for
        on each request. Failures are not remembered.
        """
        if len(token) > MAX_TOKEN_BYTES:
            return "token_too_long"
        digest = hashlib.sha256(token).digest()
        known = self._remembered.get(digest)
        if known is not None and time.monotonic() < known.until and time.time() < known.expires:
            return known.identity
        checked = self._check(token)
        if not isinstance(checked, Remembered):
            return checked
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[digest] = checked
        return checked.identity

    def _check(self, token: bytes) -> Remembered | Reason:
        try:
            header = jwt.get_unverified_header(token)
            algorithm = header.get("alg")
            if "crit" in header:
                return "malformed_token"
            key = self._keys.find(algorithm, header.get("kid"))
            if isinstance(key, str):
                return key
            claims = jwt.decode(token, key.key, [key.algorithm], options=_OPTIONS, leeway=LEEWAY_SECONDS)
        except jwt.ExpiredSignatureError:
            return "token_expired"
        except jwt.ImmatureSignatureError:
            return "token_not_yet_valid"
        except jwt.InvalidSignatureError:
            return "bad_signature"
        except (jwt.PyJWTError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
            return "malformed_token"
        return _identity(claims)


_OPTIONS: Any = {"verify_aud": False, "verify_iss": False, "verify_jti": False, "verify_sub": False}
"""`sub` is checked here, more strictly; the others are nobody's to check."""


def _identity(claims: dict[str, Any]) -> Remembered | Reason:
    """
    What verified claims say.
    """
    subject, tier = claims.get("sub"), claims.get("tier")
    # isprintable: no control characters, and no halves of characters that could not be encoded later on
    if not isinstance(subject, str) or not 0 < len(subject.strip()) <= len(subject) <= MAX_SUBJECT:
        return "no_subject"
    if not subject.isprintable():
        return "no_subject"
    expires = float("inf") if claims.get("exp") is None else int(claims["exp"])
    if expires <= time.time():
        return "token_expired"
    known_tier = tier if isinstance(tier, str) and _TIER.fullmatch(tier) else None
    return Remembered(Identity("jwt", subject, known_tier), time.monotonic() + REMEMBERED_SECONDS, expires)
