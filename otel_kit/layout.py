"""
What a log line looks like, as data.

Owns the vocabulary in which a profile states its log line: which keys, in which order, filled
from where, in which form. Knows nothing of JSON, streams or records.

After the declared fields each line has `trace_id` and `span_id`, then what the caller gave as
`extra`, then `log.class` and the exception. Those are the same in every profile.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

from otel_kit.errors import ProfileError
from otel_kit.shape import check_flag, check_items, check_mapping, check_number, check_text, check_word

__all__ = ["RESERVED_NAMES", "Field", "LogLayout", "Source"]

Source = Literal[
    "timestamp",
    "level",
    "logger",
    "message",
    "correlation_id",
    "method",
    "path",
    "route",
    "client",
    "user",
    "status_code",
    "duration_ms",
    "duration_seconds",
    "module",
    "function",
    "line",
    "process_id",
    "hostname",
    "version",
    "environment",
    "service_name",
    "error",
]
"""
Where a field's value comes from.

`error` is type and text of the exception, without its stack. `user` is the subject of the token that the request was
let in by, if one was verified. `route` is known on the lines of a request from when it was routed.
"""

RESERVED_NAMES = frozenset({"trace_id", "span_id", "log.class"})
"""What stands on each line behind the declared fields."""

_SOURCES = (*get_args(Source), None)
_UNNAMED_LEVEL = re.compile(r"Level -?\d+")


@dataclass(frozen=True)
class Field:
    """
    One key of the line. A field whose source has no value for a record is left out of its line.

    Raises:
        ProfileError: No name, or a source that there is not.
    """

    name: str
    """The key."""

    source: Source | None = None
    """None: only the caller fills it."""

    on: Literal["every", "request"] = "every"
    """`request`: only on the line that says how a request went."""

    caller: bool = False
    """Whether `extra={name: value}` fills it; what the caller gives goes before what the source has."""

    def __post_init__(self) -> None:
        place = f"log field {self.name}"
        check_text(place, "name", self.name)
        check_word(place, "source", self.source, _SOURCES)
        check_word(place, "on", self.on, ("every", "request"))
        check_flag(place, "caller", self.caller)


@dataclass(frozen=True)
class LogLayout:
    """
    The line of one profile.

    Raises:
        ProfileError: A form that there is not, or another word for a level that Python does not know.
    """

    fields: tuple[Field, ...]
    """In the order in which they stand on the line."""

    timestamp: Literal["milliseconds", "seconds"] = "milliseconds"
    """Precision of the ISO 8601 form, always in UTC with a `Z`."""

    level_names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """
    Python's level names to the words that the line has; a name that is missing here stays as it is.

    Python calls a level that nobody has named `Level 5`, after its number.
    """

    duration_digits: int = 2
    """Decimals of `duration_ms`; `duration_seconds` gets three more."""

    exception_key: str = "exception"
    """Where the exception of a record stands."""

    exception_form: Literal["text", "object"] = "text"
    """`text`: the whole stack trace. `object`: its type, message and stack."""

    request_message: str = "request_completed"
    """The message of the line that says how a request went."""

    unmatched: str | None = None
    """What stands for the route on the line of a request that found none; None leaves the field out."""

    def __post_init__(self) -> None:
        place = "log layout"
        check_items(place, "fields", self.fields, Field, "a Field")
        check_word(place, "timestamp", self.timestamp, ("milliseconds", "seconds"))
        check_word(place, "exception_form", self.exception_form, ("text", "object"))
        check_number(place, "duration_digits", self.duration_digits, least=0, most=9, whole=True)
        check_text(place, "exception_key", self.exception_key)
        check_text(place, "request_message", self.request_message)
        if self.unmatched is not None:
            check_text(place, "unmatched", self.unmatched)
        check_mapping(place, "level_names", self.level_names)
        for name in self.level_names:
            # the alias WARN has a number too, but no record carries it
            known = logging.getLevelName(logging.getLevelName(name)) == name
            if not known and not _UNNAMED_LEVEL.fullmatch(name):
                remedy = "use DEBUG, INFO, WARNING, ERROR, CRITICAL, or what logging.addLevelName was told before"
                raise ProfileError(place, f"level_names[{name!r}] is no level of Python's", remedy)
