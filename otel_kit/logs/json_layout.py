"""
A log line as JSON: one record, one line, whatever stands in it.

Owns the step from a line's fields to bytes. Beyond what JSON demands, characters that a
terminal or a line-based reader would act on (line separators, C1 controls, text direction
marks) are written as escapes, so that no text can forge a line or hide in one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from otel_kit.layout import LogLayout
from otel_kit.logs.item import LogItem
from otel_kit.logs.layouts import LineFields
from otel_kit.logs.values import safe_text

__all__ = ["JsonLayout"]

_OPTIONS = orjson.OPT_NON_STR_KEYS

_ACTING = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]")
"""DEL, U+0080 to U+009F, U+2028 to U+202E and U+2066 to U+2069, in UTF-8."""


class JsonLayout:
    """
    Items as JSON lines by a declared layout.
    """

    def __init__(self, layout: LogLayout, constants: Mapping[str, str] | None = None) -> None:
        self._fields = LineFields(layout, constants)

    def line(self, item: LogItem) -> bytes:
        """
        The line with its end.
        """
        fields = self._fields(item)
        try:
            text = orjson.dumps(fields, option=_OPTIONS, default=safe_text)
        except (TypeError, ValueError, RecursionError):
            # a lone surrogate in a name, or a value that only a record from elsewhere can hold
            text = orjson.dumps(_writable(fields), option=_OPTIONS)
        if not text.isascii() or b"\x7f" in text:
            text = _ACTING.sub(_escaped, text)
        return text + b"\n"


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match.group().decode())


def _writable(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict) and depth < 16:
        return {_writable(safe_text(key)): _writable(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, (list, tuple)) and depth < 16:
        return [_writable(inner, depth + 1) for inner in value]
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    return _writable(safe_text(value))
