"""
What a URL or a `host:port` has to be before the Collector takes it.

Owns the form alone, as Go's parser wants it and a little stricter: a value that passes here is refused by no
Collector for its form. Texts repeat no part of a value, since any part may be a password.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

__all__ = ["Flaw", "flaw_of_address", "flaw_of_url"]

_URL = re.compile(r"(https?)://([^/?#]*)(.*)", re.IGNORECASE)
_USER = re.compile(r"(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_HOST_AND_PORT = re.compile(r"(\[[^][]*\]|[^][:]*)(?::([0-9]*))?")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_WRONG_START = re.compile(r"^(?:[a-z][a-z0-9+.-]*:/+|https?:?/+|https?:|/+)", re.IGNORECASE)


class Flaw(NamedTuple):
    """
    Why a value is refused, and what to write.
    """

    problem: str
    remedy: str


_NO_PORT = Flaw("has a port that is no number from 1 to 65535", "name the port on which the store listens")
_NO_HOST = Flaw("has no host", "write it before the port")
_ODD_HOST = Flaw(
    "has a host with characters that no host has", "write letters, digits, dots and dashes, or an IP address"
)
_NO_ADDRESS = Flaw("has brackets that hold no IPv6 address", "write an IPv6 address as in http://[2001:db8::1]:3100")
_BLANK = Flaw("has a blank or a control character in it", "leave that out")
_ESCAPE = Flaw("has a % that is not followed by two hexadecimal digits", "write %25 for the sign itself")
_CREDENTIALS = Flaw(
    "has a user name or password with characters that must be escaped", "write each as % and two hexadecimal digits"
)


def flaw_of_url(value: str) -> Flaw | None:
    """
    What is wrong with the form of an HTTP URL; None where nothing is.
    """
    if any(character.isspace() or not character.isprintable() for character in value):
        return _BLANK
    found = _URL.fullmatch(value)
    if not found or not found[2].rpartition("@")[2]:
        return Flaw("is no base URL with a scheme and a host", f"write it as {_suggestion(value)}")
    user, _, address = found[2].rpartition("@")
    if not _USER.fullmatch(user):
        return _CREDENTIALS
    return flaw_of_address(address, "%25") or (_ESCAPE if _BAD_ESCAPE.search(found[3]) else None)


def flaw_of_address(address: str, zone: str = "%") -> Flaw | None:
    """
    What is wrong with `host` or `host:port`.

    Args:
        zone: Stands before the zone of an IPv6 address.
    """
    found = _HOST_AND_PORT.fullmatch(address)
    if not found:
        return _NO_ADDRESS if "[" in address or "]" in address else _NO_PORT
    host, port = found.groups()
    if host.startswith("["):
        if not _is_ipv6(host[1:-1], zone):
            return _NO_ADDRESS
    elif not re.fullmatch(r"[\w.-]+", host):
        return _ODD_HOST if host else _NO_HOST
    return _NO_PORT if port and not (len(port) < 6 and 0 < int(port) < 65536) else None


def _is_ipv6(text: str, zone: str) -> bool:
    address, _, name = text.partition(zone)
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return "%" not in address and bool(re.fullmatch(r"[\w.-]*", name, re.ASCII))


def _suggestion(value: str) -> str:
    """
    The value as a URL without credentials, which can be copied; an example where that would be wrong again.
    """
    scheme = "https" if value.lower().startswith("https") else "http"
    bare = _WRONG_START.sub("", value.rpartition("://")[2].rpartition("@")[2])
    url = f"{scheme}://{bare}"
    sound = bare and bare[0] not in "/?#" and "@" not in bare and not flaw_of_url(url)
    return url if sound else f"{scheme}://host:port"
