"""
Triggers: which rules a text could possibly interest.

Owns the cheap questions that nearly every text answers with no. Each must say yes whenever
a rule behind it would change something; a yes too many costs time only.

Classes of characters are made with one `bytes.translate`, so that a run of sixteen letters
is one substring search. The translated bytes are decoded again because searching a `bytes`
for one character costs eight times as much as searching a `str`.
"""

from __future__ import annotations

import string

from otel_kit.redaction.keys import KeyNames
from otel_kit.redaction.prefixes import PREFIXES

__all__ = ["ASSIGNMENTS", "AT_SIGNS", "AUTHORIZATION", "CLOUD_SECRETS", "NUMBERS", "PEM", "TOKENS", "scan"]

PEM = 1
TOKENS = 2
AUTHORIZATION = 4
AT_SIGNS = 8
ASSIGNMENTS = 16
NUMBERS = 32
CLOUD_SECRETS = 64

_ALNUM = string.ascii_letters + string.digits
# More separators than this and the words before them are searched for stems first.
_FEW_WORDS = 32


def _table(wanted: str, mark: str, other: str | None = None) -> bytes:
    return bytes(ord(mark) if chr(code) in wanted else code if other is None else ord(other) for code in range(256))


_RUNS = _table(_ALNUM, "a")
_WIDE_RUNS = _table(_ALNUM + "_-.~", "a")
_SLASHED_RUNS = _table(_ALNUM + "/+", "a")
_DIGITS = _table(string.digits, "0")
_SIXTEEN = "a" * 16
_FORTY = "a" * 40
_WORDS = bytes(
    code if chr(code) in _ALNUM + "_.-" else ord("=") if chr(code) in "=:" else ord(" ") for code in range(256)
)

# Bodies of these may hold `_` or `-`, so that no run of sixteen letters and digits is sure.
_LITERALS = ("eyJ", "Q~", *sorted({prefix.literal for prefix in PREFIXES if not prefix.run} - {"whsec_"}))
_PAIR_OPENINGS = ("('", '("', "['", '["', "(b'", '(b"', "[b'", '[b"', "[\\", "(\\", "[b\\", "(b\\")


def scan(text: str, keys: KeyNames) -> int:
    """
    The rules that could change `text`, as the constants of this module added up; 0 when it is surely clean.

    Other spellings of the text (see the decoding module) are not looked at.
    """
    raw = text.encode("ascii", "replace")
    digits = raw.translate(_DIGITS).decode("ascii")
    found = 0
    if _SIXTEEN in raw.translate(_WIDE_RUNS).decode("ascii") and _may_hold_token(text, raw):
        found = TOKENS
    # The body is Base64, where `+` and `/` may break every run.
    if "_" in text and "whsec_" in text:
        found = TOKENS
    if ("0000" in digits and _may_hold_number(digits)) or ("+" in text and "+0" in digits):
        found |= NUMBERS
    if "@" in text:
        found |= AT_SIGNS
    if len(text) >= 40 and "0" in digits and ("/" in text or "+" in text or found):
        found |= _cloud_secrets(text, raw)
    if "earer" in text or "asic" in text or "EARER" in text or "ASIC" in text:
        found |= AUTHORIZATION
    if "-----" in text:
        found |= PEM
    if ("=" in text or ":" in text or ">" in text or "," in text or "--" in text) and _may_assign(text, raw, keys):
        found |= ASSIGNMENTS
    return found


def _may_hold_token(text: str, raw: bytes) -> bool:
    if _SIXTEEN in raw.translate(_RUNS).decode("ascii"):
        return True
    for literal in _LITERALS:  # noqa: SIM110 - a generator costs twice as much here
        if literal in text:
            return True
    return False


def _cloud_secrets(text: str, raw: bytes) -> int:
    if _FORTY in raw.translate(_SLASHED_RUNS).decode("ascii") and not text.islower():
        return CLOUD_SECRETS
    return 0


def _may_hold_number(digits: str) -> bool:
    # 00-0000 is in every form with dashes (000-00-0000, 000-0000, 0000-0000-0000), 000.0000 in those with dots.
    if "00-0000" in digits or "000.0000" in digits:
        return True
    return "000000000" in digits.replace(" ", "").replace("(", "").replace(")", "")


def _may_assign(text: str, raw: bytes, keys: KeyNames) -> bool:
    words = raw.translate(_WORDS).decode("ascii").split("=")
    if len(words) > _FEW_WORDS + 1:
        return _has_stem(text, keys)
    known = keys.known
    del words[-1]
    for word in words:
        tail = word.rsplit(None, 1)
        if tail and (kind := known.get(tail[-1])) != 0 and (kind or keys.kind(tail[-1])):
            return True
    if "--" in text or ("<" in text and ">" in text) or ("," in text and _opens_pair(text)):
        return _has_stem(text, keys)
    return False


def _opens_pair(text: str) -> bool:
    if "(" not in text and "[" not in text:
        return False
    return any(opening in text for opening in _PAIR_OPENINGS)


def _has_stem(text: str, keys: KeyNames) -> bool:
    lowered = text.lower()
    for stem in keys.stems:  # noqa: SIM110 - a generator costs twice as much here
        if stem in lowered:
            return True
    return False
