"""
What may be written as an argument of `verify`.

Owns the judgement of each; every refusal is one line with the remedy. Secrets are not repeated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from otel_kit.cli.verify.limits import rate_of
from otel_kit.environment import MASK
from otel_kit.errors import ConfigurationError
from otel_kit.profiles import Profile, load_profile
from otel_kit.ratelimit.rates import Rate
from otel_kit.settings.formats import parse_origins, parse_token

__all__ = ["base_url", "origin", "path", "profile", "rate", "seconds", "token"]

MOST_SECONDS = 300.0

_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)+")


def base_url(text: str) -> str:
    """
    An http or https address, without a slash at its end.
    """
    remedy = "write http://host:port or https://host/base/path"
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        httpx.URL(text)
    except (ValueError, httpx.InvalidURL):
        raise ConfigurationError("URL", text, remedy) from None
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError("URL", MASK, f"{remedy}, without user and password")
    if not usable or parts.query or parts.fragment or not text.isprintable() or " " in text:
        raise ConfigurationError("URL", text, remedy)
    return text.rstrip("/?#")


def profile(text: str) -> Profile:
    """
    A profile by its name, or a user's own by `module:attribute`.
    """
    return load_profile(text, "--profile")


def path(name: str, text: str) -> str:
    """
    A path below the service's address.
    """
    if not _PATH.fullmatch(text):
        raise ConfigurationError(name, text, "write a path like /auth/login")
    return text


def rate(name: str, limits: Mapping[str, Any], where: str) -> Rate | None:
    """
    The rate that the profile of this name documents for a path; None where it documents none.
    """
    try:
        return rate_of(limits, where)
    except ValueError as error:
        raise ConfigurationError(f"profile {name}", dict(limits), str(error)) from error


def origin(given: str | None, configured: str) -> str | None:
    """
    The origin to try: the given one, else the first that is configured; None where there is none.

    Of a pattern like `https://*.example.com` one that fits it.
    """
    name, text = ("CORS_ORIGINS", configured) if given is None else ("--origin", given)
    try:
        origins = parse_origins(text)
    except ValueError as error:
        raise ConfigurationError(name, text, str(error)) from error
    first = next((one for one in origins if one != "*"), None)
    if given is not None and first is None:
        raise ConfigurationError(name, text, "name one origin like https://example.com")
    return None if first is None else first.replace("*", "otel-kit-verify")


def token(given: str | None, configured: str) -> str | None:
    """
    The bearer token of the metrics page; None where there is none.
    """
    name, text = ("OTEL_KIT_METRICS_TOKEN", configured) if given is None else ("--token", given)
    if not text.strip():
        return None
    try:
        return parse_token(text.strip())
    except ValueError as error:
        raise ConfigurationError(name, MASK, str(error)) from error


def seconds(value: float) -> float:
    """
    A time to wait.
    """
    if not (math.isfinite(value) and 0 < value <= MOST_SECONDS):
        raise ConfigurationError("--timeout", value, f"write seconds above 0, at most {MOST_SECONDS:g}")
    return value
