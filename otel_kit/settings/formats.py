"""
The written forms of settings: lists, keys, networks, URLs.

Owns parsing and nothing else. Each parser takes what the environment or a Python caller may
give and raises `ValueError` whose text is the remedy; it never repeats the value, which may
be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal
from urllib.parse import urlsplit

__all__ = [
    "PROFILE_NAMES",
    "ApiKey",
    "Network",
    "lower",
    "parse_api_keys",
    "parse_dsn",
    "parse_level",
    "parse_networks",
    "parse_origins",
    "parse_profile",
    "parse_status",
    "parse_storage_url",
    "parse_token",
    "parse_trust",
    "split",
]

Network = IPv4Network | IPv6Network

PROFILE_NAMES = ("goblin", "todo", "xionimus", "platform")
"""Each is a module of `otel_kit.profiles`. The first holds where nothing is said."""

LEVELS = {
    "trace": "TRACE",
    "debug": "DEBUG",
    "info": "INFO",
    "warn": "WARNING",
    "warning": "WARNING",
    "error": "ERROR",
    "fatal": "CRITICAL",
    "critical": "CRITICAL",
    "5": "TRACE",
    "10": "DEBUG",
    "20": "INFO",
    "30": "WARNING",
    "40": "ERROR",
    "50": "CRITICAL",
}
"""
Words and `logging` numbers of levels; pino's six are among them.
"""

STORAGE_SCHEMES = ("memory", "redis", "rediss", "redis+unix", "redis+sentinel", "redis+cluster")

_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+|\*\.([a-z0-9_-]+(\.[a-z0-9_-]+)+|localhost))"
    r"(:(?P<port>[1-9][0-9]{0,4}))?"
)
_NO_ORIGINS = (
    *("about", "blob", "data", "file", "filesystem", "ftp"),
    *("javascript", "mailto", "view-source", "ws", "wss"),
)
"""
Schemes whose pages have `null` for an origin, or that have no pages at all. Others may be those of an app:
`chrome-extension`, `capacitor`, `tauri`.
"""

LARGEST_PORT = 65535

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_OBJECT_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True)
class ApiKey:
    """
    One accepted key: whose it is and what it may, never the key itself.
    """

    name: str
    tier: str
    sha256: str = field(repr=False)
    """
    Digest of the key in lower-case hexadecimal.
    """


def lower(value: object) -> object:
    """
    A word of a closed set, in whatever case it was written.
    """
    return value.lower() if isinstance(value, str) else value


def parse_status(value: object) -> object:
    """
    An HTTP status as a number; anything else as it is, for the model to refuse.
    """
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) == 3 else value


def parse_level(value: object) -> str:
    """
    A level name of `logging`, or TRACE.
    """
    level = LEVELS.get(str(value).strip().lower())
    if level is None:
        raise ValueError("use TRACE, DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return level


def split(value: object) -> tuple[object, ...]:
    """
    The parts between commas, or the members of a collection that a Python caller gave.
    """
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, Iterable) else (value,)


def parse_origins(value: object) -> tuple[str, ...]:
    """
    Origins as browsers send them, `https://*.example.com` for any one label there, or `*` alone.

    Source: RFC 6454, section 6; WHATWG HTML, origin.
    """
    origins = tuple(_as_sent(str(part)) for part in split(value))
    for origin in origins:
        if origin != "*":
            _check_origin(origin)
    if "*" in origins and len(set(origins)) > 1:
        raise ValueError("write `*` alone, or list the origins: with `*` no browser sends credentials")
    return origins


def _check_origin(origin: str) -> None:
    parts = _ORIGIN.fullmatch(origin)
    if parts is None:
        raise ValueError("write origins like https://example.com, separated by commas, without paths")
    if parts["scheme"] in _NO_ORIGINS:
        raise ValueError(f"no page has an origin of {parts['scheme']}://; write origins like https://example.com")
    if int(parts["port"] or 1) > LARGEST_PORT:
        raise ValueError(f"a port is a number from 1 to {LARGEST_PORT}; write origins like https://example.com:8443")


def _as_sent(origin: str) -> str:
    """
    In small letters, and without the port that goes without saying.
    """
    origin = origin.rstrip("/").lower()
    for scheme, port in (("http://", ":80"), ("https://", ":443")):
        if origin.startswith(scheme):
            origin = origin.removesuffix(port)
    return origin


def parse_networks(value: object) -> tuple[Network, ...]:
    """
    Addresses and networks; a lone address is a network of one.
    """
    try:
        # an address with host bits, 10.1.2.3/8, means its network
        return tuple(ip_network(part, strict=False) for part in split(value))  # type: ignore[arg-type]
    except (ValueError, TypeError):
        raise ValueError("write addresses or networks like 10.0.0.0/8, separated by commas") from None


def parse_trust(value: object) -> Literal["private", "all", "none"] | tuple[Network, ...]:
    """
    One of three words, or networks.
    """
    if isinstance(value, str) and value.strip().lower() in ("private", "all", "none"):
        return value.strip().lower()  # type: ignore[return-value]
    try:
        return parse_networks(value)
    except ValueError:
        raise ValueError("use private, all, none, or networks like 10.0.0.0/8, separated by commas") from None


def parse_profile(value: str) -> str:
    """
    The name of a profile, or where to import one from.
    """
    if value.lower() in PROFILE_NAMES:
        return value.lower()
    if not _OBJECT_PATH.fullmatch(value):
        raise ValueError(f"use {', '.join(PROFILE_NAMES)}, or module:attribute of a profile of your own")
    return value


def parse_api_keys(value: object) -> tuple[ApiKey, ...]:
    """
    Keys from `name:tier:sha256-hex-of-key,…`; one name may have several keys, a key has one name.
    """
    keys = []
    for position, part in enumerate(split(value), start=1):
        name, tier, digest = _key_parts(part)
        if not (_IDENTIFIER.fullmatch(name) and _IDENTIFIER.fullmatch(tier) and _SHA256.fullmatch(digest)):
            raise ValueError(f"entry {position} is not name:tier:sha256-hex-of-key; `printf %s KEY | sha256sum`")
        keys.append(ApiKey(name, tier, digest))
    if len({key.sha256 for key in keys}) < len(keys):
        raise ValueError("list each key once")
    return tuple(keys)


def _key_parts(part: object) -> tuple[str, str, str]:
    if isinstance(part, ApiKey):
        return part.name, part.tier, part.sha256.lower()
    name, _, rest = str(part).partition(":")
    tier, _, digest = rest.partition(":")
    return name.strip(), tier.strip(), digest.strip().lower()


def parse_token(value: str) -> str:
    """
    A token that fits behind `Authorization: Bearer `.
    """
    if not _VISIBLE.fullmatch(value):
        raise ValueError("use visible ASCII characters without blanks")
    return value


def parse_storage_url(value: str) -> str:
    """
    Where limits are counted, as the library `limits` spells it; its `async+` may be there or not.
    """
    scheme, separator, _ = value.partition("://")
    scheme = scheme.lower().removeprefix("async+")
    if not separator or scheme not in STORAGE_SCHEMES:
        raise ValueError(f"start it with {', '.join(f'{known}://' for known in STORAGE_SCHEMES)}")
    if scheme in ("redis", "rediss"):
        try:
            url = urlsplit(value)
            complete = bool(url.hostname) and url.port != 0
        except ValueError:
            complete = False
        if not complete or not re.fullmatch(r"/?\d*/?", url.path):
            raise ValueError("write redis://user:password@host:6379/0, special characters percent-encoded")
    if scheme == "redis+sentinel" and not _names_service(value):
        raise ValueError("name the service that the Sentinels watch: redis+sentinel://host:26379,host:26379/name")
    return value


def _names_service(url: str) -> bool:
    try:
        return bool(urlsplit(url).path.strip("/"))
    except ValueError:
        # what else is wrong with it is said by the library that reads it
        return True


def parse_dsn(value: str) -> str:
    """
    Sentry's address of a project.
    """
    try:
        url = urlsplit(value)
        complete = url.scheme in ("http", "https") and bool(url.username and url.hostname) and url.port != 0
    except ValueError:
        complete = False
    if not complete or not url.path.rstrip("/").rpartition("/")[2].isdigit():
        raise ValueError("copy it from the project's settings: https://key@host/number; empty turns Sentry off")
    return value
