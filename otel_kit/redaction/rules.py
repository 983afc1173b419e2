"""
The rules that find a secret by its own shape.

Each takes a text and gives it back masked; all take time linear in the text. Owns patterns;
checksums and other judgements are the validators'. Knows nothing of names (see assignments)
and nothing of encodings.

A look-behind at the start of a pattern costs `re` its fast search, so that patterns with a
literal start have theirs after the literal: `eyJ(?<![A-Za-z0-9_-]eyJ)`. Without any, a run such as
`eyJ-eyJ-...` would be read to its end from each of its parts.

A form writes `+` for a blank, so that where a rule takes a blank it takes a plus as well: once decoded, a plus
that stands for itself can't be told from one that is a blank.
"""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Callable

from otel_kit.redaction import validators
from otel_kit.redaction.prefixes import PREFIXES, Prefix

__all__ = [
    "MASK",
    "mask_addresses",
    "mask_authorization",
    "mask_cloud_secrets",
    "mask_numbers",
    "mask_phones",
    "mask_private_keys",
    "mask_tokens",
    "mask_user_info",
]

MASK = "REDACTED"
"""
What stands in a secret's place; nothing in it depends on the secret.

Source: OpenTelemetry's conventions for URLs use the same word.
"""

_PEM = re.compile(
    r"-----BEGIN[ +A-Z0-9]{0,40}PRIVATE[ +]KEY(?:[ +]BLOCK)?-----(?s:.*?)"
    r"(?:-----END[ +A-Z0-9]{0,40}PRIVATE[ +]KEY(?:[ +]BLOCK)?-----|\Z)"
)
_JWT = re.compile(r"eyJ(?<![A-Za-z0-9_-]eyJ)[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}")
_JWT_CUT = re.compile(r"eyJ(?<![A-Za-z0-9_-]eyJ)[A-Za-z0-9_-]{8,}(?:(?:\.[A-Za-z0-9_-]*){1,4}|\Z)")
_AZURE = re.compile(r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}")
_BEARER = re.compile(r"((?:[Bb]earer|BEARER)[ +]+)([A-Za-z0-9._~+/=-]{6,})")
_BASIC = re.compile(r"((?:[Bb]asic|BASIC)[ +]+)([A-Za-z0-9+/]{6,}={0,2})")
_USER_AND_PASSWORD = re.compile(r"""://[^\s/?#"'<>@:]*:[^\s/?#"'<>]+@""")
_USER_AND_PASSWORD_CUT = re.compile(r"""://[^\s/?#"'<>@:]*:(?:[^\s/?#"'<>]+@|[^\s/?#"'<>@]+\Z)""")
_LONG_USER = re.compile(r"""://[^\s/?#"'<>@:]{20,}@""")
_AT_SIGN = re.compile(r"@(?<=[^\x00-$&-*,/:-@\[-^`{-\x7f]@)(?=[^\x00-,./:-@\[-`{-\x7f])")
# Alphabets that are written with blanks between words; the others only where an address begins or ends with them,
# or the sentence around it would go as well.
_LETTERS = "A-Za-z\u00c0-\u1fff"
_MAIL_HOST = re.compile(rf"[{_LETTERS}0-9-]+(?:\.[{_LETTERS}0-9-]+)*\.[{_LETTERS}]{{2,}}(?![{_LETTERS}0-9_])")
_ANY_MAIL_HOST = re.compile(r"(?:[^\W_]|-)+(?:\.(?:[^\W_]|-)+)*\.[^\W\d_]{2,}")
_NOT_IN_NAME = re.compile(rf"[^{_LETTERS}0-9._%+-]")
_NOT_IN_ANY_NAME = re.compile(r"[^\w.%+-]")
_MAIL_NAME = string.ascii_letters + string.digits + "._%+-"
_MAIL_NAME_LENGTH = 64
_HOST_LENGTH = 255
_CARD = re.compile(
    r"(?<![A-Za-z0-9._-])(?:[0-9]{13,19}|[0-9]{4}([ +-])[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}"
    r"|[0-9]{4}([ +-])[0-9]{6}\2[0-9]{4,5})(?![A-Za-z0-9_]|[.-][0-9])"
)
_SSN = re.compile(r"(?<![A-Za-z0-9._-])[0-9]{3}-[0-9]{2}-[0-9]{4}(?![A-Za-z0-9_]|[.-][0-9])")
_PHONE = re.compile(r"\+(?<![A-Za-z0-9]\+)[1-9](?:[ +.()-]{0,2}[0-9]){7,14}(?![A-Za-z0-9_])")
_LOCAL_PHONE = re.compile(
    r"(?<![A-Za-z0-9._-])(?:\+?1[ +.-]?)?(?:\([2-9][0-9]{2}\)[ +]?[2-9][0-9]{2}[ +.-]"
    r"|[2-9][0-9]{2}([.-])[2-9][0-9]{2}\1)[0-9]{4}(?![A-Za-z0-9_]|[.-][0-9])"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9_])[A-Z]{2}[0-9]{2}(?:[ +]?[A-Z0-9]){11,30}")
_DECIMALS = re.compile(r"(?:\+[0-9]+\.[0-9]+)+(?:\+[0-9]+)?")
_SLASHED = re.compile(r"[A-Za-z0-9/+]{40,}")
_CLOUD_SECRET_LENGTH = 40
_CLOUD_SECRET_SLASHES = 8


@functools.cache
def _pattern(prefix: Prefix) -> re.Pattern[str]:
    # Compiled when first met: all of them would take a third of a second of every start.
    literal = re.escape(prefix.literal)
    if prefix.before:
        return re.compile(f"(?:(?<![A-Za-z0-9]){prefix.before})?{literal}{prefix.body}")
    border = "[A-Za-z0-9_-]" if prefix.alone else "[A-Za-z0-9]"
    return re.compile(f"{literal}(?<!{border}{literal}){prefix.body}")


def mask_private_keys(text: str) -> str:
    """
    Without private keys in PEM form; one whose end is missing is masked to the end of the text.
    """
    return _PEM.sub(MASK, text)


def mask_user_info(text: str, cut: bool = False) -> str:
    """
    Without names and passwords in URLs. A name alone counts from 20 characters: it may be a key.

    Args:
        cut: The text goes on where this one ends, so a password may have lost its `@`.
    """
    if "://" not in text:
        return text
    text = (_USER_AND_PASSWORD_CUT if cut else _USER_AND_PASSWORD).sub(f"://{MASK}:{MASK}@", text)
    return _LONG_USER.sub(f"://{MASK}@", text)


def mask_tokens(text: str, cut: bool = False) -> str:
    """
    Without JSON web tokens and what the table of prefixes knows.
    """
    if "eyJ" in text:
        text = (_JWT_CUT if cut else _JWT).sub(_mask_long, text)
    for prefix in PREFIXES:
        if prefix.literal in text:
            text = _pattern(prefix).sub(_mask_with_digit, text)
    if "Q~" in text:
        text = _AZURE.sub(MASK, text)
    return text


def mask_authorization(text: str) -> str:
    """
    Without what follows `Bearer` and `Basic`, where it is a credential and not a word.
    """
    text = _BEARER.sub(_mask_bearer, text)
    return _BASIC.sub(lambda found: found[1] + MASK if validators.is_basic_credential(found[2]) else found[0], text)


def mask_addresses(text: str) -> str:
    """
    Without e-mail addresses.

    Searched from each `@` to both sides: a pattern that starts with the name would read a long run of
    letters from each of its letters.
    """
    parts: list[str] = []
    done = 0
    for found in _AT_SIGN.finditer(text):
        at = found.start()
        end = _mail_end(text, at) if at >= done else 0
        start = _mail_start(text, max(done, at - _MAIL_NAME_LENGTH), at) if end else at
        if start < at:
            parts += text[done:start], MASK
            done = end
    return "".join(parts) + text[done:] if parts else text


def mask_numbers(text: str) -> str:
    """
    Without card numbers, IBANs, social security numbers and phone numbers.
    """
    text = _mask_ibans(text)
    text = _CARD.sub(lambda found: MASK if validators.is_card(found[0]) else found[0], text)
    text = _SSN.sub(lambda found: MASK if validators.is_social_security_number(found[0]) else found[0], text)
    return mask_phones(text)


def mask_phones(text: str, masked: Callable[[str], str] = lambda phone: MASK) -> str:
    """
    Without phone numbers: those with a `+`, and North American ones with separators.

    Args:
        masked: What stands in the place of a number.
    """
    text = _LOCAL_PHONE.sub(lambda found: masked(found[0]), text)
    # One dot in each is a row of decimal numbers, such as coordinates with their height.
    return _PHONE.sub(lambda found: found[0] if _DECIMALS.fullmatch(found[0]) else masked(found[0]), text)


def mask_cloud_secrets(text: str) -> str:
    """
    Without AWS secret access keys that no name gives away: forty characters, alone or between slashes or pluses.
    """
    return _SLASHED.sub(_mask_cloud_secret, text)


def _mask_bearer(found: re.Match[str]) -> str:
    # In a form the words of a sentence stand there as one run.
    parts = found[2].split("+") if "+" in found[1] else [found[2]]
    return found[1] + MASK if any(map(validators.is_bearer_token, parts)) else found[0]


def _mask_long(found: re.Match[str]) -> str:
    # The search for runs, which goes first, sees twenty characters or more.
    return MASK if found.end() - found.start() >= 20 else found[0]


def _mask_with_digit(found: re.Match[str]) -> str:
    # Words can be put together so that they look like a token; a random body has a digit.
    return MASK if any(character.isdigit() for character in found[0]) else found[0]


def _mail_end(text: str, at: int) -> int:
    first = text[at + 1 : at + 2]
    pattern = _MAIL_HOST if first < "\u2000" else _ANY_MAIL_HOST
    host = pattern.match(text, at + 1, at + 1 + _HOST_LENGTH)
    return host.end() if host and validators.is_mail_host(host[0]) else 0


def _mail_start(text: str, earliest: int, at: int) -> int:
    name = text[earliest:at]
    if name.isascii():
        start = earliest + len(name.rstrip(_MAIL_NAME))
    else:
        border = _NOT_IN_NAME if name[-1] < "\u2000" else _NOT_IN_ANY_NAME
        start = earliest + max((found.end() for found in border.finditer(name)), default=0)
    # `git@host` names nobody; a name in a URL (`://name@host`) is judged by its own rule.
    if text[start:at] in ("git", MASK) or text.endswith("://", 0, start):
        return at
    return start


def _mask_ibans(text: str) -> str:
    parts: list[str] = []
    done = position = 0
    while found := _IBAN.search(text, position):
        end = _iban_end(found)
        position = end or found.start() + 4
        if end:
            parts += text[done : found.start()], MASK
            done = end
    return "".join(parts) + text[done:] if parts else text


def _iban_end(found: re.Match[str]) -> int:
    # What follows may be in capitals too ("... 3000 EUR"), so the country's length decides where to stop.
    wanted = validators.iban_length(found[0][:2])
    candidate = found[0]
    while len(candidate) - candidate.count(" ") - candidate.count("+") > wanted:
        candidate = candidate[:-1]
    candidate = candidate.rstrip(" +")
    end = found.start() + len(candidate)
    if found.string[end : end + 1].isalnum() or not validators.is_iban(candidate):
        return 0
    return end


def _mask_cloud_secret(found: re.Match[str]) -> str:
    run = found[0]
    if len(run) == _CLOUD_SECRET_LENGTH:
        return MASK if validators.is_cloud_secret(run) else run
    parts: list[str] = []
    done = 0
    for start in _cloud_secret_starts(run):
        end = start + _CLOUD_SECRET_LENGTH
        candidate = run[start:end]
        if candidate.count("/") <= _CLOUD_SECRET_SLASHES and validators.is_cloud_secret(candidate):
            # of two that overlap either may be the secret, so both go
            if start >= done:
                parts += run[done:start], MASK
            done = end
    return "".join(parts) + run[done:] if parts else run


def _cloud_secret_starts(run: str) -> list[int]:
    """
    Where forty characters begin that end with a slash or the run and follow one, or are a whole word between pluses.
    """
    bounds = [-1, *(place for place, character in enumerate(run) if character == "/"), len(run)]
    ends = set(bounds)
    starts = {bound + 1 for bound in bounds if bound + 1 + _CLOUD_SECRET_LENGTH in ends}
    start = 0
    for word in run.split("+"):
        if len(word) == _CLOUD_SECRET_LENGTH:
            starts.add(start)
        start += len(word) + 1
    return sorted(starts)
