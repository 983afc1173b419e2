"""
E-mail addresses and phone numbers where they are expected: masked so that two of them can still be told apart.

For short texts that somebody hands over as fields of a record. Of these the policy itself takes only the mask of a
number in a field that is called so (`phone`); all else is `REDACTED` there. It leaves these masks as they are, and
takes what is spelt in another way afterwards.

`alice@example.com` becomes `a***@example.com`, `+49 151 2345678` becomes `***78`. An address is found by its shape, so
`bob@localhost` is none; in a field that is called after what it holds (`email`, `phone_number`) every text is masked.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from otel_kit.redaction.keys import is_phone, split
from otel_kit.redaction.rules import mask_phones

__all__ = ["mask_email", "mask_of", "mask_personal", "mask_phone"]

HIDDEN = "***"
KEPT_DIGITS = 2
FEWEST_DIGITS = 7
"""Of a number whose last two digits say little about the rest."""

# letters of any alphabet: an address need not be in ASCII
_HOST = re.compile(r"@(?:[\w-]+\.)+[^\W\d_][\w-]+")
# three, three and four digits, also where North America has no such number: nobody's id looks like this by chance
_THREE_THREE_FOUR = re.compile(
    r"(?<![\w.+-])(?:\+?1[ .-]?)?(?:\([0-9]{3}\) ?|[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}(?![\w-]|\.[0-9])"
)
_BORDER = re.compile(r"""[\s"'<>()\[\]{},;:=/\\|@]""")
_CLEAN_HOST = re.compile(r"[\w.-]{1,253}")

_EMAIL_NAMES = frozenset({"email", "emails", "mail"})
_KINDS_OF_NAMES = frozenset({"address", "number"})


def mask_personal(text: str) -> str:
    """
    The text without the e-mail addresses and phone numbers in it; the same object when it has none.
    """
    if "@" in text:
        text = _mask_emails(text)
    return mask_phones(_THREE_THREE_FOUR.sub(lambda found: mask_phone(found[0]), text), mask_phone)


def mask_email(address: str) -> str:
    """
    The first letter and the host; of what is no address the first letter.
    """
    if not address:
        return address
    name, _, host = address.rpartition("@")
    first = (name or address)[0]
    shown = first + HIDDEN if first.isalnum() else HIDDEN
    return f"{shown}@{host}" if name and _CLEAN_HOST.fullmatch(host) else shown


def mask_phone(number: str) -> str:
    """
    The last two digits; of what is no number nothing.
    """
    digits = "".join(character for character in number if character.isdigit())
    return HIDDEN + (digits[-KEPT_DIGITS:] if len(digits) >= FEWEST_DIGITS else "")


def mask_of(name: str) -> Callable[[str], str]:
    """
    How the texts of a field of this name are masked.
    """
    words = [word for word in split(name) if word not in _KINDS_OF_NAMES and not word.isdigit()]
    if words and words[-1] in _EMAIL_NAMES:
        return mask_email
    return mask_phone if is_phone(tuple(words)) else mask_personal


def _mask_emails(text: str) -> str:
    parts: list[str] = []
    done = 0
    for found in _HOST.finditer(text):
        at = found.start()
        name = _BORDER.split(text[done:at])[-1]
        if name:
            parts += text[done : at - len(name)], mask_email(name + found[0])
            done = found.end()
    return "".join(parts) + text[done:] if parts else text
