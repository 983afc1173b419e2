"""
`name=value,name=value`: the form of headers and resource attributes.

Owns the two grammars. A single bad pair spoils the whole value, as the specification of
`OTEL_RESOURCE_ATTRIBUTES` asks: half of a value would be a setting nobody wrote.

Source: OpenTelemetry specification, "Resource SDK" and "OTLP exporter", both after W3C Baggage.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

__all__ = ["parse_attributes", "parse_headers"]

# RFC 9110, section 5.6.2 (token)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


def parse_headers(value: str) -> dict[str, str] | None:
    """
    Header names in lower case with their decoded values; None when a pair is no header.

    Blanks inside a value are accepted, as other languages' SDKs do: `authorization=Bearer abc`.
    """
    headers: dict[str, str] = {}
    for name, text in split_pairs(value):
        name, decoded = unquote(name).lower(), unquote(text, errors="replace").strip() if text is not None else None
        if decoded is None or not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(decoded):
            return None
        headers[name] = decoded
    return headers


def parse_attributes(value: str) -> dict[str, str] | None:
    """
    Attributes, decoded; None when a pair has no key, no `=`, or bytes that are not UTF-8 text.
    """
    attributes: dict[str, str] = {}
    for name, text in split_pairs(value):
        if text is None:
            return None
        try:
            key, decoded = unquote(name, errors="strict"), unquote(text, errors="strict")
        except UnicodeDecodeError:
            return None
        if not key or not key.isprintable() or " " in key or not decoded.isprintable():
            return None
        attributes[key] = decoded
    return attributes


def split_pairs(value: str) -> list[tuple[str, str | None]]:
    """
    Names and raw values without blanks around them; the value is None where there is no `=`.
    """
    pairs: list[tuple[str, str | None]] = []
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, equals, text = part.partition("=")
        pairs.append((name.strip(), text.strip() if equals else None))
    return pairs
