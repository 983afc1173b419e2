"""
How large the body of a request may be, and how large its headers say it is.

Owns two look-ups; decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["PathLimits", "declared_bytes", "is_http1"]

EVERYWHERE = "*"
MAX_DIGITS = 18
"""More than any limit needs, and few enough for the number to be read at once."""
BEYOND_ANY_LIMIT = 10**MAX_DIGITS

_ABOUT_BODIES = frozenset({b"content-length", b"transfer-encoding"})
_HTTP1 = ("1.1", "1.0")
_USUALLY_WITHOUT = frozenset({"GET", "HEAD", "OPTIONS"})


class PathLimits:
    """
    The largest body by path.

    Args:
        default: Where no prefix fits, in bytes.
        per_path: As in `Guard`.
    """

    def __init__(self, default: int, per_path: Mapping[str, int]) -> None:
        self._default = per_path.get(EVERYWHERE, default)
        prefixes = {path.rstrip("/"): limit for path, limit in per_path.items() if path != EVERYWHERE}
        longest_first = sorted(prefixes.items(), key=lambda item: len(item[0]), reverse=True)
        self._prefixes = tuple((prefix, f"{prefix}/", limit) for prefix, limit in longest_first)

    def of(self, path: str) -> int:
        """
        In bytes.
        """
        for exact, nested, limit in self._prefixes:
            if path == exact or path.startswith(nested):
                return limit
        return self._default


def declared_bytes(scope: Mapping[str, Any]) -> int | None:
    """
    Bytes of body that the request announces; None if it announces none and need not have any.

    The largest of several lengths holds. One that is no plain number (negative, a list, another
    base) says nothing: 0 is announced then, and what arrives is counted. A request without any
    length has no body in HTTP/1, but the methods that usually come with one are counted all the
    same, since not all that calls an application is a server.
    """
    announced: int | None = None
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    for name, value in headers:
        if name in _ABOUT_BODIES:
            announced = max(announced or 0, _number(value) if name == b"content-length" else 0)
    if announced is None and not (scope["method"] in _USUALLY_WITHOUT and is_http1(scope)):
        return 0
    return announced


def is_http1(scope: Mapping[str, Any]) -> bool:
    """
    Whether a request without a length has no body, and its connection ends where it says so.
    """
    return scope.get("http_version", "1.1") in _HTTP1


def _number(value: bytes) -> int:
    digits = value.strip().lstrip(b"0")
    if not digits.isdigit():
        return 0
    return int(digits) if len(digits) <= MAX_DIGITS else BEYOND_ANY_LIMIT
