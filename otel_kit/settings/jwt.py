"""
The key of bearer tokens: what kind it is, where its content is, which algorithms go with it.

Owns the rule that a public key is never a shared secret. Checks no signature.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from otel_kit.settings.formats import split

__all__ = ["ALGORITHMS", "DEFAULT_ALGORITHMS", "JwtKeyKind", "jwt_key_kind", "parse_algorithms", "parse_jwt_key"]

JwtKeyKind = Literal["secret", "pem", "jwks"]

SHARED_SECRET_ALGORITHMS = ("HS256", "HS384", "HS512")
PUBLIC_KEY_ALGORITHMS = (
    *(f"{family}{size}" for family in ("RS", "PS", "ES") for size in (256, 384, 512)),
    "ES256K",
    "EdDSA",
)
ALGORITHMS = (*SHARED_SECRET_ALGORITHMS, *PUBLIC_KEY_ALGORITHMS)
DEFAULT_ALGORITHMS: dict[JwtKeyKind, tuple[str, ...]] = {
    "secret": ("HS256",),
    "pem": ("RS256", "ES256", "EdDSA"),
    "jwks": ("RS256", "ES256", "EdDSA"),
}

LARGEST_KEY_FILE_BYTES = 1024 * 1024


def parse_jwt_key(value: str) -> str:
    """
    The key's content: a shared secret as it is, or the text of a PEM or JWKS, inline or read from a file.
    """
    if value.startswith("-----BEGIN "):
        # one-line environments carry the line ends as backslash and n
        return _known_key(value.replace("\\n", "\n"))
    if value.startswith("{"):
        return _known_key(value)
    try:
        path = Path(value)
        is_file = path.is_file()
    except (OSError, ValueError):
        is_file = False
    if is_file:
        return _known_key(_read_key_file(path))
    # a path taken for a secret would be one that anybody can guess
    if value.startswith(("/", "./", "../", "~/")) or value.endswith((".pem", ".pub", ".crt", ".json", ".jwks")):
        raise ValueError("there is no such file; name a PEM or JWKS file, or give a secret that does not start with /")
    return value


def _read_key_file(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            content = file.read(LARGEST_KEY_FILE_BYTES + 1)
    except (OSError, UnicodeError):
        raise ValueError("the file can't be read; name a PEM or JWKS file") from None
    if len(content) > LARGEST_KEY_FILE_BYTES:
        raise ValueError("the file is larger than 1 MiB; name a PEM or JWKS file")
    return content.strip()


def _known_key(content: str) -> str:
    is_pem = content.startswith("-----BEGIN ")
    if " PRIVATE KEY-----" in content:
        raise ValueError("this is a private key, which stays with the issuer; give the public one")
    if jwt_key_kind(content) == "secret" or (is_pem and "-----END " not in content):
        raise ValueError("this is neither PEM nor a JWKS; a file holds a public key, a secret is given as it is")
    return content


def jwt_key_kind(content: str) -> JwtKeyKind:
    """
    What a key's content is. A public key is never taken for a shared secret.
    """
    if content.startswith("-----BEGIN "):
        return "pem"
    try:
        document = json.loads(content)
    except ValueError:
        return "secret"
    is_key_set = isinstance(document, dict) and isinstance(document.get("keys"), list) and bool(document["keys"])
    return "jwks" if is_key_set else "secret"


def parse_algorithms(value: object, kind: JwtKeyKind | None) -> tuple[str, ...]:
    """
    Algorithms that fit the kind of key; None as kind means there is no key yet, and any known one will do.
    """
    spellings = {name.lower(): name for name in ALGORITHMS}
    names = tuple(spellings.get(str(part).lower(), "") for part in split(value))
    if "" in names:
        raise ValueError(f"use some of {', '.join(ALGORITHMS)}")
    if kind is not None:
        fitting = SHARED_SECRET_ALGORITHMS if kind == "secret" else PUBLIC_KEY_ALGORITHMS
        if any(name not in fitting for name in names):
            owner = "a shared secret" if kind == "secret" else "a public key"
            raise ValueError(f"OTEL_KIT_JWT_KEY is {owner}; use {', '.join(fitting)}")
    return names
