"""
A log line as JSON: one record, one line, whatever stands in it.

Owns the step from a line's fields to bytes. Beyond what JSON demands, characters that a
terminal or a line-based reader would act on (line separators, C1 controls, text direction
marks) are written as escapes, so that no text can forge a line or hide in one.

Most lines are those of requests without extra and exception. Of these the part that is the same for
a method, route and status is made once; the result is the same byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import orjson

from otel_kit.layout import LogLayout
from otel_kit.logs.item import LogItem, RequestItem
from otel_kit.logs.layouts import LineFields
from otel_kit.logs.values import safe_text

__all__ = ["JsonLayout"]

_OPTIONS = orjson.OPT_NON_STR_KEYS
_MAX_KINDS = 1_024
_IDS = ("trace_id", "span_id")

_kind_of_request = attrgetter("levelname", "logger", "message", "method", "route", "status_code", "log_class")

_ACTING = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]")
"""DEL, U+0080 to U+009F, U+2028 to U+202E and U+2066 to U+2069, in UTF-8."""


class JsonLayout:
    """
    Items as JSON lines by a declared layout.
    """

    def __init__(self, layout: LogLayout, constants: Mapping[str, str] | None = None) -> None:
        self._fields = LineFields(layout, constants)
        self._own = self._fields.of_one_request
        names = [field.name for field in layout.fields]
        # a name that stands twice would leave fewer places than values
        self._has_templates = len({*names, *_IDS}) == len(names) + len(_IDS)
        self._templates: dict[tuple[Any, ...], bytes] = {}

    def line(self, item: LogItem) -> bytes:
        """
        The line with its end.
        """
        text = self._from_template(item) if self._has_templates and isinstance(item, RequestItem) else None
        if text is None:
            text = self._from_fields(item)
        if not text.isascii() or b"\x7f" in text:
            text = _ACTING.sub(_escaped, text)
        return text + b"\n"

    def _from_template(self, item: RequestItem) -> bytes | None:
        """
        The line's text; None where the item has more or less than a template has places for.
        """
        if item.extra or item.exception is not None:
            return None
        values = self._own.values(item)
        values[-2:] = item.trace_id, item.span_id
        kind = _kind_of_request(item)
        while None in values:
            # not on the line, as the user of a request that nobody has signed: lines without it are another kind
            missing = values.index(None)
            kind += (missing,)
            del values[missing]
        try:
            return (self._templates.get(kind) or self._learn(kind, item)) % tuple(map(orjson.dumps, values))
        except TypeError:  # a lone surrogate, or one id without the other
            return None

    def _learn(self, kind: tuple[Any, ...], item: RequestItem) -> bytes:
        """
        The line with a place in it for each value that is the request's own.
        """
        own = {*self._own.names, *_IDS}
        parts = []
        for name, value in self._fields(item).items():
            key, text = orjson.dumps(name), b"%b" if name in own else orjson.dumps(value).replace(b"%", b"%%")
            parts.append(key.replace(b"%", b"%%") + b":" + text)
        template = b"{" + b",".join(parts) + b"}"
        if len(self._templates) >= _MAX_KINDS:
            self._templates.clear()
        self._templates[kind] = template
        return template

    def _from_fields(self, item: LogItem) -> bytes:
        fields = self._fields(item)
        try:
            return orjson.dumps(fields, option=_OPTIONS, default=safe_text)
        except (TypeError, ValueError, RecursionError):
            # a lone surrogate in a name, or a value that only a record from elsewhere can hold
            return orjson.dumps(_writable(fields), option=_OPTIONS)


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
