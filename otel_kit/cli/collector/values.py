"""
Values as people write them, made into values as the Collector's files read them.

Owns the forms: comma lists, header maps, ports, yes and no. A file's `${env:X}` is read as YAML, so
lists and maps leave here as JSON, and `$` is doubled: what stands in a variable is meant as it stands.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import yaml

from otel_kit.cli.collector.addresses import flaw_of_address
from otel_kit.environment.pairs import parse_headers

__all__ = [
    "as_flag",
    "as_globs",
    "as_headers",
    "as_json",
    "as_list",
    "as_origins",
    "as_path",
    "as_port",
    "escaped",
    "quoted",
]

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")
# what stands for itself: an escaped character, a class of characters
_LITERAL = re.compile(r"\\.|\[[!^]?(?:\\.|[^]\\])(?:\\.|[^]\\])*\]", re.DOTALL)
_GLOB = re.compile(rf"(?:{_LITERAL.pattern}|[^\\[])*", re.DOTALL)
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
    # 08888 is no number in YAML
    port = int(value) if re.fullmatch(r"[1-9][0-9]{0,4}", value) else 0
    return port if port and port < 65536 else None


def as_path(value: str) -> Path | None:
    """
    A whole path; None where it begins with a home directory that is not known.
    """
    # unlike Path.expanduser, this leaves what it does not know
    expanded = os.path.expanduser(value)
    return None if expanded.startswith("~") else Path(expanded).absolute()


def as_globs(value: str) -> list[str] | None:
    """
    The items of a list of paths with wildcards; None where a bracket or brace of one is not closed.
    """
    globs = as_list(value)
    return globs if all(_GLOB.fullmatch(glob) and _balanced(glob) for glob in globs) else None


def _balanced(glob: str) -> bool:
    braces = re.sub(r"[^{}]", "", _LITERAL.sub("", glob))
    while "{}" in braces:
        braces = braces.replace("{}", "")
    return not braces


def as_list(value: str) -> list[str]:
    """
    The items of `a,b`; of `["a", "b"]` too, as the files take it without this launcher.
    """
    if value.startswith("["):
        try:
            items = yaml.load(value, yaml.BaseLoader)
        except (yaml.YAMLError, RecursionError):
            return [value]
        texts = isinstance(items, list) and all(isinstance(item, str) for item in items)
        return [item for item in map(str.strip, items) if item] if texts else [value]
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
    except (yaml.YAMLError, RecursionError):
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
    return origins if origins and all(_is_origin(origin) for origin in origins) else None


def _is_origin(text: str) -> bool:
    found = _ORIGIN.fullmatch(text)
    return bool(found) and flaw_of_address(text.partition("://")[2]) is None


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


def quoted(value: str) -> str:
    """
    The value as it stands between the quotes of a text in a statement or an expression of a file.
    """
    return json.dumps(value, ensure_ascii=False)[1:-1]
