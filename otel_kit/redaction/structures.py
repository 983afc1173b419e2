"""
Redaction of values that aren't text: numbers, bytes, lists, dictionaries, pairs of a header list.

Owns the recursion and its bounds. What a name or a text means is asked of the policy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from otel_kit.redaction.keys import PHONE, SECRET, KeyNames
from otel_kit.redaction.personal import mask_phone
from otel_kit.redaction.rules import MASK

__all__ = ["QUERY_KEYS", "clean_value"]

MAX_DEPTH = 6
MAX_ITEMS = 1000
# Shorter numbers can be neither a card nor an account; longer ones are no number that anybody sends.
_CARD_NUMBERS = range(10**13, 10**19)
# Fewer digits are no number to call: `tel: 112`, or the model of a mobile. As a number a short one is a count.
_FEWEST_DIGITS = 4
_PHONE_NUMBERS = range(10**5, 10**19)
# With its issuer before it, as some write it: `auth0|4111…`.
_NUMBER_ID = re.compile(r"(?:[a-z][a-z0-9-]{0,31}\|)?[0-9]{13,19}")
QUERY_KEYS = frozenset({"url.query", "query_string", "http.query", "querystring"})
"""Keys whose text is the query of a URL."""


class Judge(Protocol):
    """
    What this module asks of the policy.
    """

    names: KeyNames

    def text(self, text: str, limit: int | None = None) -> str:
        """
        A text without secrets.
        """

    def query(self, query: str, limit: int | None = None) -> str:
        """
        A URL's query without secrets.
        """


class _Budget:
    """
    How many items of one value may still be looked at.
    """

    __slots__ = ("items",)

    def __init__(self) -> None:
        self.items = MAX_ITEMS


def clean_value(judge: Judge, key: str, value: object, limit: int | None) -> object:
    """
    `value` without secrets: the same object when it has none, else a copy of its kind.

    Deeper than six levels or after a thousand items everything is masked, since nobody has looked at it;
    that also ends cyclic values. Objects of other types become their text.
    """
    return _clean(judge, key, value, limit, MAX_DEPTH, _Budget())


def _clean(judge: Judge, key: str, value: object, limit: int | None, depth: int, budget: _Budget) -> object:
    if value is None or isinstance(value, bool):
        return value
    kind = judge.names.kind(key) if key else 0
    if kind & SECRET:
        return _masked(value)
    if kind & PHONE and isinstance(value, (str, int)) and _is_phone(value):
        return mask_phone(str(value))
    if isinstance(value, str):
        return _clean_text(judge, key, value, limit)
    if isinstance(value, (bytes, bytearray)):
        return _clean_bytes(judge, value, limit)
    if isinstance(value, int):
        if value not in _CARD_NUMBERS or _clean_text(judge, key, digits := str(value), limit) is digits:
            return value
        return MASK
    if isinstance(value, float):
        return value
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        if depth <= 0:
            return MASK
        if isinstance(value, Mapping):
            return _clean_mapping(judge, value, limit, depth - 1, budget)
        return _clean_items(judge, key, value, limit, depth - 1, budget)
    return _clean_object(judge, value, limit)


def _clean_text(judge: Judge, key: str, value: str, limit: int | None) -> str:
    if key in QUERY_KEYS:
        return judge.query(value, limit)
    cleaned = judge.text(value, limit)
    # an id of so many digits is a card by chance only
    if cleaned is not value and _NUMBER_ID.fullmatch(value) and judge.names.is_identifier(key):
        return value if limit is None else value[:limit]
    return cleaned


def _is_phone(value: str | int) -> bool:
    if isinstance(value, int):
        return value in _PHONE_NUMBERS
    return sum(map(str.isdigit, value)) >= _FEWEST_DIGITS


def _clean_object(judge: Judge, value: object, limit: int | None) -> object:
    """
    The clean text of an object of another type: every exit prints it, and what is judged must be what is printed.
    """
    try:
        text = str(value)
    except Exception:  # the user's own __str__ may raise anything
        return f"<unprintable {type(value).__name__}>"
    return judge.text(text, limit)


def _masked(value: object) -> object:
    """
    The mask in the shape of `value`, so that a list of header values stays one; never of its length.
    """
    masked: object = MASK
    if isinstance(value, (list, tuple)):
        masked = [MASK] if isinstance(value, list) else (MASK,)
    elif isinstance(value, (bytes, bytearray)):
        masked = MASK.encode()
    empty = isinstance(value, (str, bytes, bytearray, list, tuple, Mapping)) and not value
    return value if empty or value == masked else masked


def _clean_bytes(judge: Judge, value: bytes | bytearray, limit: int | None) -> object:
    try:
        text, binary = value.decode(), False
    except UnicodeDecodeError:
        text, binary = value.decode("latin-1").translate(_TO_NO_LETTERS), True
    cleaned = judge.text(text, limit)
    if cleaned is text:
        return value
    return cleaned.translate(_FROM_NO_LETTERS).encode("latin-1", "replace") if binary else cleaned.encode()


# what is no text has no letters of any alphabet either: chance would make addresses of them
_TO_NO_LETTERS = {byte: 0xE000 + byte for byte in range(0x80, 0x100)}
_FROM_NO_LETTERS = {private: byte for byte, private in _TO_NO_LETTERS.items()}


def _clean_mapping(
    judge: Judge, value: Mapping[object, object], limit: int | None, depth: int, budget: _Budget
) -> object:
    cleaned: dict[object, object] = {}
    changed = False
    for name, item in value.items():
        budget.items -= 1
        if budget.items < 0:
            cleaned[MASK] = MASK
            changed = True
            break
        new_name = _clean_name(judge, name)
        new_item = _clean(judge, _as_key(name), item, limit, depth, budget)
        changed = changed or new_item is not item or new_name is not name
        cleaned[new_name] = new_item
    return cleaned if changed else value


def _clean_items(
    judge: Judge,
    key: str,
    value: list[object] | tuple[object, ...] | set[object] | frozenset[object],
    limit: int | None,
    depth: int,
    budget: _Budget,
) -> object:
    phones = key != "" and judge.names.kind(key) & PHONE
    pair = len(value) == 2 and not phones and isinstance(value, (list, tuple))
    cleaned: list[object] = []
    changed = False
    for item in value:
        budget.items -= 1
        if budget.items < 0:
            cleaned.append(MASK)
            changed = True
            break
        # In a header list the first of two names the second.
        name = _as_key(cleaned[0]) if pair and cleaned else key
        new = _clean(judge, name, item, limit, depth, budget)
        changed = changed or new is not item
        cleaned.append(new)
    if not changed:
        return value
    if isinstance(value, list):
        return cleaned
    return tuple(cleaned) if isinstance(value, tuple) else type(value)(cleaned)


def _clean_name(judge: Judge, name: object) -> object:
    if isinstance(name, str):
        return judge.text(name)
    text = _as_key(name) or str(name)
    cleaned = judge.text(text)
    return name if cleaned is text else cleaned


def _as_key(name: object) -> str:
    if isinstance(name, str):
        return name
    return name.decode("latin-1") if isinstance(name, bytes) else ""
