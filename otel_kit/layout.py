"""
What a log line looks like, as data.

Owns the vocabulary in which a profile states its log line: which keys, in which order, filled
from where, in which form. Knows nothing of JSON, streams or the `logging` module.

After the declared fields each line has `trace_id` and `span_id`, then what the caller gave as
`extra`, then `log.class` and the exception. Those are the same in every profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

__all__ = ["Field", "LogLayout", "Source"]

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


@dataclass(frozen=True)
class Field:
    """
    One key of the line. A field whose source has no value for a record is left out of its line.
    """

    name: str

    source: Source | None = None
    """None: only the caller fills it."""

    on: Literal["every", "request"] = "every"
    """`request`: only on the line that says how a request went."""

    caller: bool = False
    """Whether `extra={name: value}` fills it; what the caller gives goes before what the source has."""


@dataclass(frozen=True)
class LogLayout:
    """
    The line of one profile.
    """

    fields: tuple[Field, ...]
    """In the order in which they stand on the line."""

    timestamp: Literal["milliseconds", "seconds"] = "milliseconds"
    """Precision of the ISO 8601 form, always in UTC with a `Z`."""

    level_names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Other words for Python's level names; a name that is missing here stays as it is."""

    duration_digits: int = 2
    """Decimals of `duration_ms`; `duration_seconds` gets three more."""

    exception_key: str = "exception"

    exception_form: Literal["text", "object"] = "text"
    """`text`: the whole stack trace. `object`: its type, message and stack."""

    request_message: str = "request_completed"

    unmatched: str | None = None
    """What stands for the route on the line of a request that found none; None leaves the field out."""
