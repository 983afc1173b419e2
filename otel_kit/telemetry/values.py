"""
Attribute values as OTLP's AnyValue.

Owns the mapping of Python's types: numbers beyond 64 bits and objects of unknown types become
text, nesting is bounded, nothing raises. Redaction comes before.

Source: OpenTelemetry specification, "Mapping arbitrary data to OTLP AnyValue".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from struct import Struct
from typing import Any

from otel_kit.telemetry.protobuf import delimited, signed, utf8

__all__ = ["MAX_DEPTH", "any_value"]

MAX_DEPTH = 12
"""
Nesting beyond it, or a cycle, ends in a mark.
"""

_DEEPER = b"\x0a\x03..."
_NONE = b""
_TRUE, _FALSE = b"\x10\x01", b"\x10\x00"
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1

_double = Struct("<cd").pack


def any_value(value: object, depth: int = 0) -> bytes:
    """
    The bytes of an AnyValue message, without tag and length.
    """
    if value is None:
        return _NONE
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if isinstance(value, str):
        return delimited(b"\x0a", utf8(value))
    if isinstance(value, int):
        return b"\x18" + signed(int(value)) if _SMALLEST <= value <= _LARGEST else delimited(b"\x0a", _digits(value))
    if isinstance(value, float):
        return _double(b"\x21", value)
    if isinstance(value, (bytes, bytearray)):
        return delimited(b"\x3a", bytes(value))
    if isinstance(value, (Mapping, Sequence, set, frozenset)):
        return _container(value, depth)
    return delimited(b"\x0a", utf8(printed(value)))


def printed(value: object) -> str:
    """
    `str(value)`, or its type where even that raises.
    """
    try:
        return str(value)
    except Exception:  # the user's own __str__ may raise anything
        return f"<unprintable {type(value).__name__}>"


def _container(value: Any, depth: int) -> bytes:
    if depth >= MAX_DEPTH:
        return _DEEPER
    if isinstance(value, Mapping):
        pairs = (
            delimited(b"\x0a", utf8(printed(key))) + delimited(b"\x12", any_value(inner, depth + 1))
            for key, inner in value.items()
        )
        return delimited(b"\x32", b"".join([delimited(b"\x0a", pair) for pair in pairs]))
    return delimited(b"\x2a", b"".join([delimited(b"\x0a", any_value(inner, depth + 1)) for inner in value]))


def _digits(value: int) -> bytes:
    try:
        return str(int(value)).encode()
    except ValueError:  # more digits than Python prints
        return hex(value).encode()[:1024]
