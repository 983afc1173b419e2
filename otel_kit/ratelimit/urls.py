"""
The address of the storage: which kind it is, and how it may be shown.
"""

from __future__ import annotations

from otel_kit.environment import MASK

__all__ = ["ALONE", "is_memory", "masked", "scheme_of"]

ALONE = "in each process by itself: unfit for several instances, which need a Redis in OTEL_KIT_RATELIMIT_STORAGE_URL"
"""What is to be said of memory."""


def is_memory(url: str) -> bool:
    """
    Whether limits are to be counted in this process alone.
    """
    return scheme_of(url) == "memory"


def scheme_of(url: str) -> str:
    """
    The kind of storage, in lower case and without the library's mark of asynchronous ones.
    """
    return url.partition("://")[0].lower().removeprefix("async+")


def masked(url: str) -> str:
    """
    The address without user, password and options, which may hold secrets too.
    """
    scheme, separator, rest = url.partition("://")
    place = rest.partition("?")[0].partition("#")[0]
    credentials, at, host = place.rpartition("@")
    return f"{scheme}{separator}{MASK + at if credentials else ''}{host}"
