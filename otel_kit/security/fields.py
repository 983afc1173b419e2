"""
The fields of an event: bounded in number and size, and without a person's address or number.

Owns what a value becomes; its secrets are the redaction policy's, as everywhere. Whatever is given, nothing is raised:
a container becomes its size, an object its text, and what can't be printed its type.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

from otel_kit.event_layout import MAX_FIELDS, is_field_name
from otel_kit.faults import fault
from otel_kit.redaction.personal import mask_of, mask_phone

__all__ = ["MAX_TEXT", "OWN_FIELDS", "said"]

MAX_TEXT = 256
MAX_NAMES = 1024

OWN_FIELDS = frozenset(
    {"client.address", "event", "http.request.method", "log.class", "suppressed", "url.path", "correlation_id"}
)
"""What the kit says of an event by itself."""

_TAKEN = (
    frozenset(logging.makeLogRecord({}).__dict__) | {"asctime", "color_message", "message", "taskName"} | OWN_FIELDS
)
_TAKEN_BEGINNINGS = ("otel_kit.", "otelS", "otelT", "extra.")
"""Of names that the logging machinery gives a meaning."""

_CONTAINERS = (Mapping, list, tuple, set, frozenset, bytes, bytearray, memoryview)


class _Field(NamedTuple):
    """
    Under which key a field is written, and how its texts are masked.
    """

    key: str
    mask: Callable[[str], str]


_known: dict[str, _Field] = {}


def said(documented: tuple[str, ...], given: Mapping[str, object]) -> dict[str, object]:
    """
    What can be written of the given fields, the documented ones first. None is as if it were not there.
    """
    good: dict[str, object] = {}
    for name in documented:
        value = given.get(name)
        if value is not None:
            _take(good, name, value)
    for name, value in given.items():
        if value is not None and name not in documented:
            _take(good, name, value)
    return good


def _take(good: dict[str, object], name: str, value: object) -> None:
    field = _known.get(name) or _learn(name)
    if field is None or len(good) >= MAX_FIELDS:
        fault("security", "a security event's field can't be used, or there are too many")
        return
    good[field.key] = _plain(value, field.mask)


def _learn(name: str) -> _Field | None:
    if not is_field_name(name):
        return None
    taken = name in _TAKEN or name.startswith(_TAKEN_BEGINNINGS)
    field = _Field(f"extra.{name}" if taken else name, mask_of(name))
    if len(_known) >= MAX_NAMES:
        _known.clear()
    _known[name] = field
    return field


def _plain(value: object, mask: Callable[[str], str]) -> object:
    kind = type(value)
    if kind is str:
        return mask(_bounded(value))  # type: ignore[arg-type]
    if kind is bool or kind is float or (kind is int and mask is not mask_phone):
        return value
    return mask(_bounded(_text(value)))


def _bounded(text: str) -> str:
    """
    The text, cut between two words: of one that is halved the policy would not know any more what it was.
    """
    if len(text) <= MAX_TEXT:
        return text
    kept = text[:MAX_TEXT].rpartition(" ")[0]
    return f"{kept} …" if kept else f"<text of {len(text)} characters>"


def _text(value: object) -> str:
    try:
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, _CONTAINERS):
            return f"<{type(value).__name__} of {len(value)}>"
        text = str(value)
        return f"{type(value).__name__}: {text}" if isinstance(value, BaseException) else text
    except Exception:  # whatever an object of the user's own raises, its type is what can still be said
        return f"<unprintable {type(value).__name__}>"
