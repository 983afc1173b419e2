"""
An issuer of tokens with keys of its own, and a forger of what no honest issuer would write.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

SECRET = "correct horse battery staple, and two more"
LIFE_SECONDS = 86_400
"""Of a token. Some are signed when their module is imported, and used at the end of a long run."""


@functools.cache
def rsa_key(name: str = "first", bits: int = 2048) -> rsa.RSAPrivateKey:
    """
    A private key, the same for the same name.
    """
    return rsa.generate_private_key(65537, bits)


@functools.cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    """
    A private key on P-256.
    """
    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def ed_key() -> ed25519.Ed25519PrivateKey:
    """
    A private Ed25519 key.
    """
    return ed25519.Ed25519PrivateKey.generate()


def pem(key: Any) -> str:
    """
    The public half, as a PEM.
    """
    public: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return public.decode()


def jwk(key: Any, **members: Any) -> dict[str, Any]:
    """
    The public half, as a member of a key set.
    """
    kind: Any = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}.get(
        next((base for base in (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey) if isinstance(key, base)), object),
        OKPAlgorithm,
    )
    return {**kind.to_jwk(key.public_key(), as_dict=True), **members}


def jwks(*members: dict[str, Any]) -> str:
    """
    A key set.
    """
    return json.dumps({"keys": list(members)})


def claims(**changes: Any) -> dict[str, Any]:
    """
    What an honest token says; None takes a claim out.
    """
    usual = {"sub": "alice", "tier": "paid", "exp": int(time.time()) + LIFE_SECONDS}
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def token(key: Any = SECRET, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """
    A token as PyJWT writes it.
    """
    return jwt.encode(claims(**changes), key, algorithm, headers=headers).encode()


def forged(header: Any, payload: Any, secret: bytes = b"", signature: bytes | None = None) -> bytes:
    """
    A token with exactly this header and payload, signed by HMAC-SHA256 with the secret unless a signature is given.
    """
    signed = b".".join(
        part(text if isinstance(text, bytes) else json.dumps(text).encode()) for text in (header, payload)
    )
    if signature is None:
        signature = hmac.new(secret, signed, hashlib.sha256).digest()
    return signed + b"." + part(signature)


def part(text: bytes) -> bytes:
    """
    One of the three parts of a token.
    """
    return base64.urlsafe_b64encode(text).rstrip(b"=")
