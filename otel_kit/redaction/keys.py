"""
Key names: which ones make their value a secret.

Owns the grammar and remembers its answers; the words are the vocabulary's. Knows nothing of values.

A name is split at everything that is no letter or digit and at camelCase. A neutral last word
lets it pass (`token_type`), else a strong word anywhere makes it secret (`x-auth-token`), else a
pair of words (`api key`), else a word that counts only at the end (`session`).
A name that ends in `id` tells which token or key is meant (`token_id`), unless knowing it is enough (`session_id`).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from otel_kit.redaction.decoding import decode_once
from otel_kit.redaction.vocabulary import (
    HEADERS,
    NEUTRAL_FIRST,
    NEUTRAL_LAST,
    NO_RECORDS_IDS,
    NUMBERED_IDS,
    OPEN_SESSIONS,
    PAIR_ENDS,
    PAIRS,
    PHONE_ENDS,
    PHONES,
    QUERY_ONLY_NAMES,
    STEMS,
    STRONG,
    STRONG_ENDINGS,
    STRONG_LAST,
)

__all__ = ["HEADER", "PAIRED", "PHONE", "QUERY_ONLY", "SECRET", "KeyNames", "is_phone", "split"]

SECRET = 1
"""The name alone makes the value secret."""
QUERY_ONLY = 2
"""Secret only as the name of a URL's query parameter."""
HEADER = 4
"""A header whose value reaches to the end of its line."""
PAIRED = 8
"""May be secret together with the word before it, as in "api key"."""
PHONE = 16
"""Its value is a number to call."""

CACHED_KEYS = 4096
CACHED_KEY_LENGTH = 128

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


class KeyNames:
    """
    The policy for names, with the user's own added.

    Args:
        extra: Further names. Each is split like any other and is found at the end of a name, or
            anywhere in it unless the name ends in a neutral word.
    """

    def __init__(self, extra: Iterable[str] = ()) -> None:
        self.known: dict[str, int] = {}
        """Answers given so far, for callers that can't afford the call of `kind`."""
        names = list(extra)
        self._whole = frozenset(name.casefold() for name in names)
        self._extra = tuple(sorted({words for name in names if (words := split(name))}))
        self.stems = (*STEMS, *sorted({words[-1] for words in self._extra}))

    def kind(self, key: str) -> int:
        """
        What `key` says about its value: 0, or the constants of this module added up.
        """
        kind = self.known.get(key)
        if kind is None:
            kind = self._judge(key)
            if len(key) <= CACHED_KEY_LENGTH:
                if len(self.known) >= CACHED_KEYS:
                    self.known.clear()
                self.known[key] = kind
        return kind

    def is_secret(self, key: str) -> bool:
        """
        Whether the name alone makes a value secret.
        """
        return self.kind(key) & SECRET != 0

    def is_identifier(self, key: str) -> bool:
        """
        Whether the name is one for an id of a record, such as `user_id` or `tenantId`, and none of the user's own.

        Not remembered: it is asked where something was found, and for fields of security events.
        """
        if key[-2:].lower() != "id":
            return False
        words = split(key)
        if len(words) < 2 or words[-1] != "id" or not NO_RECORDS_IDS.isdisjoint(words):
            return False
        return key.casefold() not in self._whole and not self._is_extra(words)

    def _judge(self, key: str) -> int:
        words = split(decode_once(key))
        if not words:
            return SECRET if key.casefold() in self._whole else 0
        last = words[-1]
        kind = 0
        if key.casefold() in self._whole or self._is_extra(words) or _is_strong(words):
            kind = SECRET | (HEADER if last in HEADERS else 0)
        if last in PAIR_ENDS:
            kind |= PAIRED
        if len(words) == 1 and last in QUERY_ONLY_NAMES:
            kind |= QUERY_ONLY
        if is_phone(words):
            kind |= PHONE
        return kind

    def _is_extra(self, words: tuple[str, ...]) -> bool:
        for own in self._extra:
            if words[-len(own) :] == own:
                return True
            if words[-1] not in NEUTRAL_LAST and any(
                words[start : start + len(own)] == own for start in range(len(words) - len(own))
            ):
                return True
        return False


def split(key: str) -> tuple[str, ...]:
    """
    The words of a name, in lower case.
    """
    return tuple(word.lower() for word in _WORD.findall(key))


def is_phone(words: tuple[str, ...]) -> bool:
    """
    Whether a name of these words is one for a number to call.
    """
    letters = [word for word in words if not word.isdigit()]
    if len(letters) > 1 and letters[-1] in PHONE_ENDS:
        del letters[-1]
    return bool(letters) and letters[-1] in PHONES


def _is_strong(words: tuple[str, ...]) -> bool:
    letters = tuple(word for word in words if not word.isdigit())
    if not letters or letters[-1] in NEUTRAL_LAST or letters[0] in NEUTRAL_FIRST:
        return False
    if letters[-1] == "id" and _only_identifies(letters):
        return False
    if letters[-1] in STRONG_LAST:
        return True
    if any(word in STRONG or word.endswith(STRONG_ENDINGS) for word in letters):
        return True
    return any(pair in PAIRS for pair in itertools.pairwise(letters))


def _only_identifies(words: tuple[str, ...]) -> bool:
    if words[-2:-1] == ("session",):
        return words[-3:-2] != () and words[-3] in OPEN_SESSIONS
    return len(words) > 1 and words[-2] in NUMBERED_IDS and words[-3:-1] != ("access", "key")
