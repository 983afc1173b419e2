"""
From a declared layout to the fields of a line.

Owns how each source of `otel_kit.layout` is read from an item, the forms of time and duration,
and the order in which declared fields, ids, the caller's extra and the exception stand. Knows
nothing of JSON or terminals: it gives names and values.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter
from typing import Any, Protocol

from otel_kit.layout import Field, LogLayout
from otel_kit.logs.exceptions import ExceptionText
from otel_kit.logs.item import LogItem
from otel_kit.logs.values import Plain

__all__ = ["TAIL_NAMES", "LineFields", "LineLayout", "facts_of_requests"]

Form = Callable[[Any], Any]


class LineLayout(Protocol):
    """
    An item that has been cleaned, as the bytes of its line.
    """

    def line(self, item: LogItem) -> bytes:
        """
        The line with its end.
        """


TAIL_NAMES = frozenset({"correlation_id", "trace_id", "span_id", "log.class"})
"""Names that a caller's `extra` never takes, whether or not the line at hand carries them."""

_ATTRIBUTES = {
    "timestamp": "created",
    "level": "levelname",
    "duration_ms": "duration_seconds",
    "error": "exception",
    # the same on every line, so any attribute will do
    "hostname": "created",
    "version": "created",
    "environment": "created",
    "service_name": "created",
    "process_id": "created",
}
"""From which attribute of an item a source is made; the others are attributes by their own name."""

_OF_ONE_REQUEST = frozenset(
    {"timestamp", "correlation_id", "path", "client", "user", "duration_ms", "duration_seconds", "process_id"}
)
"""In which two requests of one route, method and status differ; a process id differs after a fork."""

_OF_REQUESTS = frozenset({"method", "path", "client", "status_code", "duration_ms", "duration_seconds"})


def facts_of_requests(layout: LogLayout) -> frozenset[str]:
    """
    What the lines that are written during a request tell of it: `route`, `user`, both or neither.
    """
    return frozenset({"route", "user"}) & {str(field.source) for field in layout.fields if field.on == "every"}


class _Columns:
    """
    Some fields of a layout: their names, one getter for all their values, and what turns a raw value into its form.
    """

    def __init__(self, fields: list[Field], forms: Mapping[str, Form]) -> None:
        self.names = tuple(field.name for field in fields)
        self.forms = [(index, forms[str(field.source)]) for index, field in enumerate(fields) if field.source in forms]
        attributes = [_ATTRIBUTES.get(str(field.source), str(field.source)) for field in fields]
        # two more than needed, so that the getter always gives a tuple
        self.read: Callable[[LogItem], tuple[Any, ...]] = attrgetter(*attributes, "created", "created")
        self.taken = TAIL_NAMES | set(self.names)

    def values(self, item: LogItem) -> list[Any]:
        """
        The value of each field, None where the item has none. Two more follow that mean nothing.
        """
        values = list(self.read(item))
        for index, form in self.forms:
            values[index] = form(values[index])
        return values

    def of(self, item: LogItem) -> dict[str, Any]:
        """
        Name and value of each field that has one.
        """
        values = self.values(item)
        line = dict(zip(self.names, values, strict=False))
        if None in values:
            return {name: value for name, value in line.items() if value is not None}
        return line


class LineFields:
    """
    A layout made ready: call it with an item that has been cleaned, get the line as a dictionary.

    Args:
        layout: What the line looks like.
        constants: Values of the sources `hostname`, `version`, `environment` and `service_name`.
    """

    def __init__(self, layout: LogLayout, constants: Mapping[str, str] | None = None) -> None:
        self.layout = layout
        self._names = dict(layout.level_names)
        self._digits = layout.duration_digits
        forms: dict[str, Form] = {
            "timestamp": _Clock(layout.timestamp == "milliseconds").text,
            "level": lambda name: self._names.get(name, name),
            "duration_ms": lambda seconds: round(seconds * 1000.0, self._digits),
            "duration_seconds": lambda seconds: round(seconds, self._digits + 3),
            "process_id": lambda _: os.getpid(),
            "error": _error,
        }
        for name in ("hostname", "version", "environment", "service_name"):
            forms[name] = partial(_constant, (constants or {}).get(name))
        filled = [field for field in layout.fields if field.source is not None]
        common = [field for field in filled if field.on == "every" and field.source not in _OF_REQUESTS]
        of_requests: dict[str, Form] = {**forms, "route": lambda route: layout.unmatched if route is None else route}
        self._request = _Columns(filled, of_requests)
        self.of_one_request = _Columns([field for field in filled if field.source in _OF_ONE_REQUEST], forms)
        self._application = _Columns(common, forms)
        self._callers = {field.name for field in layout.fields if field.caller or field.source is None}
        self._order = tuple(field.name for field in layout.fields)

    def __call__(self, item: LogItem) -> dict[str, Any]:
        """
        Names and values in the layout's order.
        """
        columns = self._request if item.kind == "request" else self._application
        line = columns.of(item)
        extra = item.extra
        if extra and self._callers:
            line, extra = self._with_callers_fields(line, extra)
        if item.trace_id is not None:
            line["trace_id"] = item.trace_id
            line["span_id"] = item.span_id
        if extra:
            self._add_extra(line, extra, columns.taken)
        line["log.class"] = item.log_class
        if item.exception is not None:
            line[self.layout.exception_key] = self._exception(item)
        return line

    def _with_callers_fields(
        self, line: dict[str, Any], extra: Mapping[str, Plain]
    ) -> tuple[dict[str, Any], Mapping[str, Plain]]:
        # what the caller says goes before what the request says: an event may be about another user than its own
        filled = {name: extra[name] for name in self._callers if name in extra}
        if not filled:
            return line, extra
        found = {**line, **filled}
        ordered = {name: found[name] for name in self._order if name in found}
        return ordered, {name: value for name, value in extra.items() if name not in filled}

    def _add_extra(self, line: dict[str, Any], extra: Mapping[str, Plain], taken: frozenset[str]) -> None:
        for given, value in extra.items():
            name = given
            while name in line or name in taken or name == self.layout.exception_key:
                name = f"extra.{name}"
            line[name] = value

    def _exception(self, item: LogItem) -> Any:
        found = item.exception
        assert found is not None
        if self.layout.exception_form == "text":
            return found.stack
        return {"type": found.type, "message": found.message, "stack": found.stack}


class _Clock:
    """
    Epoch seconds as ISO 8601 in UTC; the text of a second is made once.
    """

    def __init__(self, milliseconds: bool) -> None:
        self._ends = tuple(f".{min(rest, 999):03d}Z" if milliseconds else "Z" for rest in range(1001))
        self._last: tuple[int, str] = (-1, "")

    def text(self, created: float) -> str:
        second = int(created)
        known, prefix = self._last
        if known != second:
            prefix = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._last = (second, prefix)
        # a thousandth of a millisecond on top: x.123 as a float is a hair below it
        return prefix + self._ends[int((created - second) * 1000.0 + 0.001)]


def _constant(value: str | None, _: object) -> str | None:
    return value


def _error(found: ExceptionText | None) -> str | None:
    return None if found is None else f"{found.type}: {found.message}" if found.message else found.type
