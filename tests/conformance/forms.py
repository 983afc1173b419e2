"""
The contract's words for the form of a value: `integer`, `ISO 8601, UTC, milliseconds, Z`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["TIMESTAMPS", "has_form", "same_form"]

_SECONDS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
_OFFSET = r"[+-]\d\d:\d\d"

TIMESTAMPS = {
    "ISO 8601": rf"{_SECONDS}(\.\d+)?(Z|{_OFFSET})",
    "ISO 8601 with offset": rf"{_SECONDS}(\.\d+)?{_OFFSET}",
    "ISO 8601, UTC, milliseconds, Z": rf"{_SECONDS}\.\d{{3}}Z",
    "ISO 8601, UTC, seconds, Z": rf"{_SECONDS}Z",
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_FORMS: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "text": lambda value: isinstance(value, str) and value != "",
    "null or text": lambda value: value is None or (isinstance(value, str) and value != ""),
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_integer,
    "number": _is_number,
    "number, milliseconds, 2 decimals": lambda value: _is_number(value) and round(value, 2) == value,
}


def has_form(form: Any, value: Any) -> bool:
    """
    Whether a value is as a form says; what is no known form is the value itself.
    """
    if isinstance(form, str) and form in TIMESTAMPS:
        return isinstance(value, str) and re.fullmatch(TIMESTAMPS[form], value) is not None
    if isinstance(form, str) and form in _FORMS:
        return _FORMS[form](value)
    return type(form) is type(value) and form == value


def same_form(example: Any, value: Any) -> bool:
    """
    Whether two values are of one form: digits where there are digits, else the same text.
    """
    if isinstance(example, str) and isinstance(value, str):
        return re.sub(r"\d", "0", example) == re.sub(r"\d", "0", value)
    return type(example) is type(value)
