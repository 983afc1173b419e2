"""
The few pieces of protobuf's wire format that OTLP needs.

Owns varints, length-delimited fields, text that can always be written, and the reading of a
message's fields. Knows no message.

Source: protobuf documentation, "Encoding".
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

__all__ = ["delimited", "fields", "fixed64", "signed", "text_pair", "utf8", "varint"]

_TABLE_SIZE = 8192


def _long_varint(number: int) -> bytes:
    result = bytearray()
    while number > 0x7F:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    result.append(number)
    return bytes(result)


# in one and two bytes, written out since this is made at each start
_TABLE = [bytes((number,)) for number in range(128)]
_TABLE += [bytes((number & 0x7F | 0x80, number >> 7)) for number in range(128, _TABLE_SIZE)]

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


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """
    Number and value of each field: an int where it is a varint, else its bytes.

    Raises:
        ValueError: The bytes are no message.
    """
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _read_varint(message, at)
            yield key >> 3, value
            continue
        if kind == 2:
            length, at = _read_varint(message, at)
        elif kind in _FIXED_LENGTHS:
            length = _FIXED_LENGTHS[kind]
        else:
            raise ValueError(f"a field of kind {kind}")
        if at + length > len(message):
            raise ValueError("a field beyond the end")
        yield key >> 3, message[at : at + length]
        at += length


_FIXED_LENGTHS = {1: 8, 5: 4}


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, at
    raise ValueError("a number without an end")
