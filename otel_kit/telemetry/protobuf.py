"""
The few pieces of protobuf's wire format that OTLP needs.

Owns varints, length-delimited fields, and text that can always be written. Knows no message.

Source: protobuf documentation, "Encoding".
"""

from __future__ import annotations

from struct import Struct

__all__ = ["delimited", "fixed64", "signed", "text_pair", "utf8", "varint"]

_TABLE_SIZE = 8192


def _long_varint(number: int) -> bytes:
    result = bytearray()
    while number > 0x7F:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    result.append(number)
    return bytes(result)


_TABLE = [_long_varint(number) for number in range(_TABLE_SIZE)]

fixed64 = Struct("<Q").pack
"""
Eight bytes, lowest first, of a number from 0 to 2**64-1.
"""


def varint(number: int) -> bytes:
    """
    A number from 0 up.
    """
    return _TABLE[number] if number < _TABLE_SIZE else _long_varint(number)


def signed(number: int) -> bytes:
    """
    An int64: a negative number takes ten bytes.
    """
    return _TABLE[number] if 0 <= number < _TABLE_SIZE else _long_varint(number & 0xFFFFFFFFFFFFFFFF)


def delimited(tag: bytes, data: bytes) -> bytes:
    """
    A field of text, bytes or a message.
    """
    length = len(data)
    return tag + (_TABLE[length] if length < _TABLE_SIZE else _long_varint(length)) + data


def text_pair(tag: bytes, key: bytes, text: bytes) -> bytes:
    """
    A KeyValue field whose value is text, in one go.

    Args:
        key: The key's own field, with tag and length.
    """
    length = len(text)
    if length > 2000 or len(key) > 2000:
        return delimited(tag, key + delimited(b"\x12", delimited(b"\x0a", text)))
    inner = length + (2 if length < 128 else 3)
    outer = len(key) + inner + (2 if inner < 128 else 3)
    return b"".join((tag, _TABLE[outer], key, b"\x12", _TABLE[inner], b"\x0a", _TABLE[length], text))


def utf8(text: str) -> bytes:
    """
    The text's bytes; a lone surrogate, which UTF-8 can't carry, becomes a question mark.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
