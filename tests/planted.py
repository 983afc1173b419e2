"""
What is planted, in which forms, and how what came out is searched.

A piece of eight characters counts as found, in the text as it stands and in its simplest
spelling: percent, backslashes and full width undone. All secrets are made up.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator

from tests.redaction.samples import PASSWORD, SECRETS

__all__ = [
    "BENIGN",
    "FORMS",
    "PIECE",
    "PLANTED",
    "QUERY_KEYS",
    "QUERY_PASSWORD",
    "RULES",
    "found_in",
    "header_safe",
    "texts_of",
]

PIECE = 8
"""Characters of a secret that must not stand together."""

SESSION = "k7Qz-p31vR_t0mX"
EMPLOYEE = "ACME-550199"
LOYALTY = "elm-street-44x"

_KINDS = (
    *("bearer", "basic", "jwt", "aws key id", "aws secret", "github", "stripe", "slack", "google", "private key"),
    *("database url", "card", "card with blanks", "social security number", "iban", "e-mail", "phone"),
)

PLANTED: dict[str, tuple[str, str]] = {
    **{kind: SECRETS[kind] for kind in _KINDS},
    # its host is nobody's secret, and stays in a URL
    "e-mail": (SECRETS["e-mail"][0], "alice.smith@"),
    "cookie": (f"session={SESSION}; theme=dark", SESSION),
    "password": (f"password={PASSWORD}", PASSWORD),
}
"""The nineteen kinds: the text that is planted, and the part of it that must not come out."""

RULES: dict[str, tuple[str, str]] = {
    "user's pattern": (EMPLOYEE, EMPLOYEE),
    "user's key": (f"loyalty_number={LOYALTY}", LOYALTY),
}
"""What only the application's own `redact=` knows."""

REDACT: list[str | re.Pattern[str]] = ["loyalty_number", re.compile(r"ACME-[0-9]{6}")]

QUERY_PASSWORD = "tr0ub4dor-and-3"
QUERY_KEYS = (
    *("token", "access_token", "api_key", "code", "password", "sig", "Signature", "AWSAccessKeyId"),
    *("X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "X-Goog-Signature"),
)
"""Names of query parameters whose values are secret whatever they look like."""

BENIGN = (
    "order-9876500321",
    "123e4567-e89b-12d3-a456-426614174000",
    "2025-11-21T11:45:40.123Z",
    "10.20.30.40:8080",
    "v2.0.0-rc.1",
    "token_count=812",
    "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.0.0",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
)
"""Ordinary values that must arrive as they are."""

FORMS: dict[str, Callable[[str], str]] = {
    "alone": lambda secret: secret,
    "in a sentence": lambda secret: f"user said {secret} and left",
    "percent-encoded": lambda secret: "/items/" + urllib.parse.quote(secret, safe=""),
    "JSON": lambda secret: json.dumps({"text": secret, "n": 1}),
    "repr": lambda secret: repr({"text": secret}),
}


def texts_of(kind: str) -> list[str]:
    """
    The secret of a kind in every form.
    """
    secret = {**PLANTED, **RULES}[kind][0]
    return [form(secret) for form in FORMS.values()]


def header_safe(text: str) -> str:
    """
    `text` as a header can carry it.
    """
    return text.replace("\n", "\\n")


def found_in(output: bytes, needles: Iterable[str]) -> list[str]:
    """
    Needles of which a piece stands in `output`, each with what stands around it.
    """
    spellings = list(_spellings(output.decode("utf-8", "replace")))
    return [place for needle in needles if (place := _place_of(needle, spellings))]


def _spellings(text: str) -> Iterator[str]:
    for _ in range(4):
        yield text
        simpler = urllib.parse.unquote(
            text.replace("\\n", "\n").replace('\\"', '"').replace("\\/", "/"), errors="replace"
        )
        if simpler == text:
            return
        text = simpler


def _place_of(needle: str, spellings: Iterable[str]) -> str | None:
    size = min(PIECE, len(needle))
    pieces = [needle[start : start + size] for start in range(len(needle) - size + 1)]
    for text in spellings:
        for piece in pieces:
            at = text.find(piece)
            if at >= 0:
                return f"{needle}: …{text[max(0, at - 120) : at + size + 40]!r}"
    return None
