"""
Values as people write them, made into values as the Collector's files read them.

Owns the forms: comma lists, header maps, ports, yes and no. A file's `${env:X}` is read as YAML, so
lists and maps leave here as JSON, and `$` is doubled: what stands in a variable is meant as it stands.
"""

from __future__ import annotations

import json
import re

import yaml

from otel_kit.environment.pairs import parse_headers

__all__ = ["as_flag", "as_headers", "as_json", "as_list", "as_origins", "as_port", "escaped"]

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")
_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")


def as_flag(value: str) -> bool | None:
    """
    Yes or no; None where it is neither.
    """
    return True if value.lower() in _TRUE else False if value.lower() in _FALSE else None


def as_port(value: str) -> int | None:
    """
    A port one can listen on; None where it is none.
    """
    port = int(value) if re.fullmatch(r"[0-9]{1,5}", value) else 0
    return port if 0 < port < 65536 else None


def as_list(value: str) -> list[str]:
    """
    The items of `a,b`; of `["a", "b"]` too, as the files take it without this launcher.
    """
    if value.startswith("["):
        try:
            items = yaml.load(value, yaml.BaseLoader)
        except yaml.YAMLError:
            return [value]
        return [str(item) for item in items] if isinstance(items, list) else [value]
    return [item for item in (part.strip() for part in value.split(",")) if item]


def as_headers(value: str) -> dict[str, str] | None:
    """
    Header names and values of a YAML or JSON map, or of `name=value,name=value` as OpenTelemetry writes headers.

    Returns:
        None where it is none of these.
    """
    try:
        # the base loader leaves every scalar the text that it is: 007 stays 007
        found = yaml.load(value, yaml.BaseLoader)
    except yaml.YAMLError:
        found = None
    if isinstance(found, dict):
        texts = all(isinstance(name, str) and isinstance(text, str) for name, text in found.items())
        return parse_headers_again(found) if texts else None
    return parse_headers(value) or None


def parse_headers_again(headers: dict[str, str]) -> dict[str, str] | None:
    """
    The same headers, if each can be sent as it is.
    """
    sound = all(re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) for name in headers)
    return headers if sound and all(re.fullmatch(r"[\t\x20-\x7e]*", text) for text in headers.values()) else None


def as_origins(value: str) -> list[str] | None:
    """
    Origins of browsers; None where one of them is no exact `scheme://host`, as with `*` anywhere in it.
    """
    origins = as_list(value)
    return origins if origins and all(_ORIGIN.fullmatch(origin) for origin in origins) else None


def as_json(value: object) -> str:
    """
    A list or map in the one form that YAML reads too.
    """
    return json.dumps(value, ensure_ascii=False)


def escaped(value: str) -> str:
    """
    The value with `$` doubled, which the Collector halves again; a single one might begin a reference.
    """
    return value.replace("$", "$$")
