"""
What was found wrong with an environment variable, and how its value is shown.

Owns the masking of values: whatever may hold a credential is hidden here, since a finding
is logged before the redaction policy exists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["MASK", "SECRET_NAME", "Finding", "shown"]

MASK = "REDACTED"

SHOWN_CHARACTERS = 120

SECRET_NAME = re.compile(r"auth|token|key|secret|passw|cookie|credential|signature|dsn|session", re.IGNORECASE)
"""
Found in the name of a header or attribute, it makes the value a secret.
"""

_USER_INFO = re.compile(r"(://)[^/\s]*@")
_USER_INFO_OF_URL = re.compile(r"^([a-z][a-z0-9+.-]*:/*)?.*@", re.IGNORECASE | re.DOTALL)
_QUERY = re.compile(r"\?.*", re.DOTALL)
_NAMED_SECRET = re.compile(
    rf"([\w.-]*(?:{SECRET_NAME.pattern})[\w.-]*\s*[=:]\s*)(?:(?:bearer|basic|token)\s+)?[^,;&\s]+", re.IGNORECASE
)


@dataclass(frozen=True)
class Finding:
    """
    One variable that the kit could not use, or used with a word of warning.
    """

    variable: str
    """
    Its name.
    """

    value: str
    """
    What it held, printable, cut, and masked where it may be a secret.
    """

    problem: str
    """
    What is wrong, as the end of a sentence that starts with the variable.
    """

    remedy: str
    """
    What to write instead.
    """

    ignored: bool = True
    """
    True when the value counts as unset; False when it is used all the same.
    """

    def __str__(self) -> str:
        verdict = "ignored: " if self.ignored else ""
        return f"{verdict}{self.variable}={self.value!r} {self.problem}; {self.remedy}"


def shown(variable: str, value: str) -> str:
    """
    `value` fit for a log line: printable, short, without credentials.
    """
    if variable.endswith("_HEADERS"):
        return MASK
    text = value
    if variable.endswith("_ENDPOINT"):
        text = _USER_INFO_OF_URL.sub(rf"\g<1>{MASK}@", text)
        text = _QUERY.sub(f"?{MASK}", text)
    text = _USER_INFO.sub(rf"\g<1>{MASK}@", text)
    text = _NAMED_SECRET.sub(rf"\g<1>{MASK}", text)
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
