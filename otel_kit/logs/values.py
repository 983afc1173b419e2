"""
Whatever a caller passes to a log call, as plain bounded data.

Owns the step from live objects to text, numbers, lists and dictionaries. It runs on the thread
of the caller, since an object may change, or refuse to be read elsewhere, a moment later.
Knows nothing of redaction: texts are cut a margin above the limit and nowhere else, and the policy
cuts the rest after it has looked, so that no cut leaves a piece of a secret behind.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

__all__ = ["CUT_MARGIN", "TEXT_LIMIT", "Plain", "bounded", "plain_mapping", "safe_text"]

Plain = object
"""None, bool, int, float, str, or lists and dictionaries (with text keys) of these."""

TEXT_LIMIT = 65_536
"""Characters that one text of a log record may have on a line."""

CUT_MARGIN = 256
"""What the policy needs beyond a limit to cut without leaving a piece of a secret."""

_MAX_DEPTH = 8
_MAX_NODES = 2_000
_MAX_KEY = 256
_KEPT = TEXT_LIMIT + CUT_MARGIN
_SMALLEST_INTEGER = -(2**63)
_LARGEST_INTEGER = 2**63 - 1


class Room:
    """
    What one record may still take up: characters and values.
    """

    __slots__ = ("characters", "nodes")

    def __init__(self) -> None:
        self.characters = _KEPT
        self.nodes = _MAX_NODES


def bounded(text: str) -> str:
    """
    `text`, cut a margin above the limit.
    """
    return text if len(text) <= _KEPT else text[:_KEPT]


def safe_text(value: object) -> str:
    """
    `str(value)`, bounded; for an object that can't be printed its type.
    """
    try:
        return bounded(value if type(value) is str else str(value))
    except Exception:  # whatever the user's __str__ raises, the type is what can still be said
        return f"<unprintable {type(value).__name__}>"


def plain_mapping(values: Mapping[object, object]) -> tuple[dict[str, Plain], int]:
    """
    A copy of `values` as plain data, and about how many bytes it takes.
    """
    room = Room()
    return _mapping(values, room, 0), _KEPT - room.characters + 16 * (_MAX_NODES - max(room.nodes, 0))


def _plain(value: object, room: Room, depth: int) -> Plain:
    room.nodes -= 1
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return _text(str.__str__(value), room)
    if isinstance(value, int):
        whole = int(value)
        return whole if _SMALLEST_INTEGER <= whole <= _LARGEST_INTEGER else _text(safe_text(whole), room)
    if isinstance(value, float):
        number = float(value)
        # NaN and the infinities have no form in JSON
        return number if number - number == 0.0 else _text(str(number), room)
    if isinstance(value, (dict, Mapping, list, tuple, set, frozenset)):
        return _container(value, room, depth)
    return _text(_described(value), room)


def _container(value: object, room: Room, depth: int) -> Plain:
    if depth >= _MAX_DEPTH or room.nodes <= 0:
        return f"<{type(value).__name__}>"
    try:
        if isinstance(value, Mapping):
            return _mapping(value, room, depth + 1)
        assert isinstance(value, (list, tuple, set, frozenset))
        return _sequence(list(value), room, depth + 1)
    except Exception:  # a container of the user's own, or one that another thread changes meanwhile
        return f"<unreadable {type(value).__name__}>"


def _mapping(values: Mapping[object, object], room: Room, depth: int) -> dict[str, Plain]:
    result: dict[str, Plain] = {}
    for key, value in list(values.items()):
        if room.nodes <= 0 or room.characters <= 0:
            result["..."] = "cut"
            break
        name = _key(key)
        room.characters -= len(name)
        result[name] = _plain(value, room, depth)
    return result


def _sequence(values: list[object], room: Room, depth: int) -> list[Plain]:
    result: list[Plain] = []
    for value in values:
        if room.nodes <= 0 or room.characters <= 0:
            result.append("...")
            break
        result.append(_plain(value, room, depth))
    return result


def _key(key: object) -> str:
    text = safe_text(key)
    # a cut here could leave a piece of a secret, and what is so long is no name
    return text if len(text) <= _MAX_KEY else f"<name of {len(text)} characters>"


def _text(text: str, room: Room) -> str:
    """
    The text as far as the policy knows how to cut it, or nothing: a piece of a secret would pass for a whole text.

    One text may overdraw the room while half of it is left, so that a long one after short ones is not lost.
    """
    kept = bounded(text)
    if len(kept) > room.characters and room.characters < _KEPT // 2:
        kept, room.characters = "...", 0
    room.characters -= len(kept)
    return kept


def _described(value: object) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        # four bytes a character at most, so that what is cut here is cut again where the policy expects it
        return bytes(value[: 4 * _KEPT]).decode("utf-8", "backslashreplace")
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {safe_text(value)}"
    return safe_text(value)
