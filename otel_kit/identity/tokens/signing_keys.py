"""
The keys by which tokens are verified, read once at set-up.

Owns the rule that each key is used under algorithms of its own kind only, and that a public key is
never a shared secret, in whatever form it comes. Checks no token.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import jwt
from jwt.algorithms import Algorithm, has_crypto

from otel_kit.environment import MASK
from otel_kit.errors import ConfigurationError
from otel_kit.identity.model import Reason
from otel_kit.settings.jwt import DEFAULT_ALGORITHMS, SHARED_SECRET_ALGORITHMS, jwt_key_kind

__all__ = ["Key", "Keys", "read_keys"]

VARIABLE = "OTEL_KIT_JWT_KEY"

_logger = logging.getLogger("otel_kit")


class Key(NamedTuple):
    """
    A key with the one algorithm under which it is used here.
    """

    algorithm: str
    key: Any
    kid: str | None


class Keys:
    """
    Verification keys, by algorithm and by the id that a token names.

    Args:
        named: Whether a token's `kid` chooses among them; a single key serves whatever the token names.
    """

    def __init__(self, keys: Sequence[Key], *, named: bool) -> None:
        self._keys = tuple(keys)
        self._named = named
        self._algorithms = frozenset(key.algorithm for key in keys)

    def find(self, algorithm: object, kid: object) -> Key | Reason:
        """
        The key for a token, or why there is none.

        A token without `kid` has a key only where a single one goes with its algorithm: to try
        several would let a client choose how often a signature is computed.
        """
        if not isinstance(algorithm, str) or algorithm not in self._algorithms:
            return "algorithm_not_accepted"
        fitting = [key for key in self._keys if key.algorithm == algorithm]
        if self._named and kid is not None:
            fitting = [key for key in fitting if key.kid == kid]
        return fitting[0] if len(fitting) == 1 else "unknown_signing_key"


def read_keys(content: str, algorithms: Sequence[str]) -> Keys:
    """
    The keys in a setting.

    Raises:
        ConfigurationError: As `Tokens` says.
    """
    kind = jwt_key_kind(content)
    names = tuple(algorithms) or DEFAULT_ALGORITHMS[kind]
    if any((name in SHARED_SECRET_ALGORITHMS) is not (kind == "secret") for name in names):
        raise _unusable("OTEL_KIT_JWT_ALGORITHMS does not go with it: a public key is never a shared secret")
    if kind != "secret" and not has_crypto:
        raise _unusable("public keys need the cryptography package: pip install otel-kit[jwt]")
    known = jwt.PyJWS(list(names))
    chosen = {name: known.get_algorithm_by_name(name) for name in names}
    if kind == "secret":
        secret = _secret(content, chosen.values())
        found = [Key(name, secret, None) for name in chosen]
    elif kind == "pem":
        found = [Key(name, key, None) for name, algorithm in chosen.items() for key in _from_pem(content, algorithm)]
    else:
        found = list(_from_jwks(json.loads(content)["keys"], chosen))
    if not found:
        raise _unusable(f"it holds no public key for {', '.join(names)}")
    places = [(key.algorithm, key.kid) for key in found if key.kid is not None]
    if len(set(places)) < len(places):
        raise _unusable("give each key of the set an id (kid) of its own")
    return Keys(found, named=kind == "jwks")


def _secret(content: str, algorithms: Collection[Algorithm]) -> bytes:
    """
    The shared secret, said to be short where it is, refused where it is a public key in disguise.

    HMAC fills short keys up with zeros itself (RFC 2104, section 2), so the signatures are the
    same, and PyJWT does not warn at each verification.
    """
    secret = content.encode(errors="surrogateescape")
    disguised = any(sign in encoded for encoded in (secret, _decoded(secret)) for sign in _SIGNS_OF_PUBLIC_KEYS)
    try:
        for algorithm in algorithms:
            algorithm.prepare_key(secret)
    except jwt.InvalidKeyError:
        disguised = True
    if disguised:
        raise _unusable("this is a public key, not a secret; put it between BEGIN PUBLIC KEY and END PUBLIC KEY lines")
    if all(algorithm.check_key_length(secret) is None for algorithm in algorithms):
        return secret
    remedy = "make it 64 random bytes: whoever has a token can try out short secrets"
    _logger.warning("otel_kit.short_jwt_secret", extra={"variable": VARIABLE, "remedy": remedy})
    return secret.ljust(64, b"\0")


def _decoded(secret: bytes) -> bytes:
    try:
        return base64.b64decode(secret, validate=True)
    except ValueError:
        return b""


_SIGNS_OF_PUBLIC_KEYS = (
    b"ssh-rsa ",
    b"ssh-ed25519 ",
    b"ecdsa-sha2-",
    b"-----BEGIN ",
    bytes.fromhex("06092a864886f70d010101"),
    bytes.fromhex("06072a8648ce3d0201"),
    bytes.fromhex("06032b6570"),
)
"""How OpenSSH and PEM write public keys, and what RSA, elliptic-curve and Ed25519 ones are called inside (RFC 5280)."""


def _from_pem(content: str, algorithm: Algorithm) -> list[Any]:
    try:
        key = algorithm.prepare_key(content)
    except (jwt.PyJWTError, TypeError, ValueError):  # a key of another kind than the algorithm's
        return []
    return [_strong(key, algorithm)]


def _from_jwks(keys: Sequence[object], algorithms: dict[str, Algorithm]) -> Iterator[Key]:
    """
    The keys of a set that can be used. What is not understood is passed over (RFC 7517, section 5).
    """
    for given in keys:
        if not isinstance(given, dict) or given.get("use", "sig") != "sig" or given.get("kty") == "oct":
            continue
        if "d" in given:
            raise _unusable("it holds a private key, which stays with the issuer; give the public ones")
        kid = given.get("kid")
        for name, algorithm in algorithms.items():
            if given.get("alg", name) != name or not (kid is None or isinstance(kid, str)):
                continue
            try:
                key = algorithm.prepare_key(algorithm.from_jwk(given))
            except (jwt.PyJWTError, LookupError, TypeError, ValueError):
                continue
            yield Key(name, _strong(key, algorithm), kid)


def _strong(key: Any, algorithm: Algorithm) -> Any:
    if algorithm.check_key_length(key) is not None:
        raise _unusable("an RSA key must have 2048 bits or more")
    return key


def _unusable(remedy: str) -> ConfigurationError:
    return ConfigurationError(VARIABLE, MASK, remedy)
