"""
Names and their values inside a text: `password=x`, `"token": "y"`, `Cookie: z`.

Owns where a value begins and ends in the many ways a text can write one; which names
count is the key names' affair. Linear: every value is read once, and reading goes on behind it.
Where a blank may stand a plus may too, which is a form's blank: `{"password":+"x"}`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable

from otel_kit.redaction.keys import HEADER, PAIRED, PHONE, QUERY_ONLY, SECRET, KeyNames
from otel_kit.redaction.rules import MASK
from otel_kit.redaction.vocabulary import NO_VALUES, STOP_WORDS

__all__ = ["mask_assignments"]

_KEY = r"[A-Za-z0-9_.-]"
# The look-ahead with its back-reference takes the whole name at once, so that it is never read twice.
_ASSIGNMENT = re.compile(rf"""(?<!{_KEY})(?=({_KEY}+))\1([\\"'`\]]{{0,12}})[ \t+]{{0,4}}(=>|:=|==|[=:>])""")
_OPTION = re.compile(r"--(?<![A-Za-z0-9_-]--)([A-Za-z][A-Za-z0-9_-]{0,127})[ +]+(?=[^\s+-])")
_PAIR = re.compile(rf"""(?:([\[(])b?(\\*["'])({_KEY}{{1,128}})\2|(\\?["'])--({_KEY}{{1,128}})\4),[ +]?b?(?=\\*["'])""")
# A plus that no quote or bracket follows may be the first letter of the value.
_VALUE_START = re.compile(
    r"""[ \t]*(?:\++(?=[bBuUrRfF]{0,2}\\*["'`]|[\[{(]))?(?:[bBuUrRfF]{1,2}(?=\\*["']))?(?:(\\*)(["'`]))?"""
)
_SCHEME = (
    r"(?:(?:[Bb]earer|[Bb]asic|[Tt]oken|[Dd]igest|[Nn]egotiate|[Aa]pi-?[Kk]ey|BEARER|BASIC)[ +]+"
    r"(?![A-Za-z0-9_.-]+=[^=\s]))?"
)
_PLAIN = re.compile(_SCHEME + r"""[^\s&;,"'<>(){}\[\]\\]+""")
_IN_URL = re.compile(r"""[^\s&"'<>\\]+""")
_MARKUP = re.compile(r"[^<]+")
_LISTED = re.compile(_SCHEME + r"""[^\s"'<>\\;]+(?:;[ +]?[^\s"'<>\\;]+)*;?""")
# A header's value ends with its line, or with the string that the whole line stands in.
_LINE_END = re.compile(r"""[\r\n]|\\[rn]|["'](?=[\s+,}\])]|\Z)""")
# What a client answers to Digest has quotes of its own (RFC 7616), which end no line.
_PARAMETER_OF_DIGEST = r"""[a-z]{2,10}\*?=(?:\\*"[^"\\]*\\*"|[^\s,"'\\]+)"""
_DIGEST = re.compile(rf"[ +]*[Dd]igest[ +]+{_PARAMETER_OF_DIGEST}(?:,[ +]*{_PARAMETER_OF_DIGEST})*")
_BRACKET = re.compile(r"[\[\](){}]")
_CLOSED_PAIR = re.compile(r"""\\*["'],?[ +]?[\])]""")
_QUOTES = frozenset({'"', "'", '\\"', "\\'", '\\\\\\"', "\\\\\\'"})

_PORT = re.compile(r"[0-9]{1,5}(?![A-Za-z0-9_])")
_QUERY_ONLY_LENGTH = 6
_PARAMETER = string.ascii_letters + string.digits + "_.+-"
_PARAMETER_LENGTH = 64
# From six digits: fewer call nobody outside, or are a port or a year.
_PHONE_VALUE = re.compile(
    r"""[ \t]*(?:\++(?=[\\"'`(+]))?(?:\\*["'`])?([+(]?[0-9](?:[ .()/+-]{0,3}[0-9]){5,14})(?![0-9])"""
)

_Place = tuple[int, int, str]
"""Start and end of what goes, and what comes in its place."""


def mask_assignments(text: str, keys: KeyNames, query: bool = False) -> str:
    """
    `text` with the values of secret names masked.

    Args:
        query: The text is the query of a URL, so its first name counts as one of a query.
    """
    if "," in text:
        text = _mask_found(text, _PAIR, lambda found: _place_in_pair(found, keys))
    if "--" in text:
        text = _mask_found(text, _OPTION, lambda found: _place_of_option(found, keys))
    return _mask_found(text, _ASSIGNMENT, lambda found: _place_of_value(found, keys, query))


def _mask_found(text: str, pattern: re.Pattern[str], locate: Callable[[re.Match[str]], _Place | None]) -> str:
    parts: list[str] = []
    done = position = 0
    while found := pattern.search(text, position):
        place = locate(found)
        if place is None or place[0] >= place[1]:
            position = found.end()
            continue
        start, position, mask = place
        parts += text[done:start], mask
        done = position
    return "".join(parts) + text[done:] if parts else text


def _place_in_pair(found: re.Match[str], keys: KeyNames) -> _Place | None:
    if not keys.is_secret(found[3] or found[5]):
        return None
    start, end = _quoted(found.string, found.end()) or (0, 0)
    if found[1] and not _CLOSED_PAIR.match(found.string, end):
        return None
    return start, end, MASK


def _place_of_option(found: re.Match[str], keys: KeyNames) -> _Place | None:
    if not keys.is_secret(found[1]):
        return None
    quoted = _quoted(found.string, found.end())
    plain = _PLAIN.match(found.string, found.end())
    start, end = quoted or (plain.span() if plain else (0, 0))
    return start, end, MASK


def _place_of_value(found: re.Match[str], keys: KeyNames, query: bool) -> _Place | None:
    text, (key, closers, separator) = found.string, found.groups()
    kind = keys.kind(key)
    if not kind:
        return None
    start, end = found.span()
    in_url = text[start - 1] in "?&" if start else query
    if not kind & SECRET:
        if kind & PHONE:
            number = _PHONE_VALUE.match(text, end) if separator != ">" else None
            return _place_of_number(number, closers, separator) if number else None
        if in_url and kind & QUERY_ONLY and separator == "=":
            value = _IN_URL.match(text, end)
            return (*value.span(), MASK) if value and len(value[0]) >= _QUERY_ONLY_LENGTH else None
        if not (kind & PAIRED and _makes_pair(text, start, key, keys)):
            return None
    if separator == ">":
        value = _MARKUP.match(text, end) if not closers and _opens_element(text, start) else None
        return (*value.span(), MASK) if value else None
    if separator == ":" and (text.startswith("//", end) or (text.endswith("//", 0, start) and _PORT.match(text, end))):
        return None
    quoted = _quoted(text, end)
    if quoted:
        return (*quoted, MASK)
    value_start, value_end = _unquoted(text, end, separator, kind, in_url or _ends_parameter(text, start, query))
    if _says_nothing(text, value_start, value_end, separator):
        return None
    # The value of a quoted name is quoted too, or JSON with a number would be JSON no more.
    quote = closers if separator == ":" and closers in _QUOTES else ""
    return value_start, value_end, quote + MASK + quote


def _place_of_number(number: re.Match[str], closers: str, separator: str) -> _Place:
    bare = not number[0][: number.start(1) - number.start()].strip(" \t+")
    quote = closers if bare and separator == ":" and closers in _QUOTES else ""
    return (*number.span(1), quote + MASK + quote)


def _opens_element(text: str, start: int) -> bool:
    """
    Whether the name at `start` stands behind `<`, or `<prefix:` as XML's namespaces have it.
    """
    _, bracket, prefix = text[max(0, start - 64) : start].rpartition("<")
    return bracket == "<" and (prefix == "" or (prefix[-1] == ":" and prefix[:-1].isidentifier()))


def _ends_parameter(text: str, start: int, query: bool) -> bool:
    """
    Whether the name at `start` is the last word of a query parameter's name: `?client+secret=`.
    """
    if text[start - 1 : start] != "+":
        return False
    earliest = max(0, start - _PARAMETER_LENGTH)
    begin = earliest + len(text[earliest:start].rstrip(_PARAMETER))
    return text[begin - 1] in "?&" if begin else query


def _makes_pair(text: str, start: int, key: str, keys: KeyNames) -> bool:
    before = text[max(0, start - 33) : start]
    if before[-1:] not in (" ", "\t", "+"):
        return False
    word = before[:-1]
    word = word[len(word.rstrip(string.ascii_letters)) :]
    return word != "" and keys.is_secret(f"{word}_{key}")


def _quoted(text: str, position: int) -> tuple[int, int] | None:
    """
    Where the text between quotes begins and ends, or None where no quote opens at `position`.

    Inside JSON inside a string each quote has backslashes before it; the closing one has as many as the
    opening one, or more where the value itself ends in backslashes. Without one the text ends the value.
    """
    opening = _VALUE_START.match(text, position)
    if opening is None or opening[2] is None:
        return None
    depth, start = len(opening[1]), opening.end()
    place = text.find(opening[2], start)
    while place >= 0:
        before = place
        while before > start and text[before - 1] == "\\":
            before -= 1
        slashes = place - before
        if slashes < depth or (slashes - depth) % (2 * depth + 2) == 0:
            return start, place - min(slashes, depth)
        place = text.find(opening[2], place + 1)
    return start, len(text)


def _unquoted(text: str, position: int, separator: str, kind: int, in_url: bool) -> tuple[int, int]:
    opening = _VALUE_START.match(text, position)
    start = opening.end() if opening else position
    if start < len(text) and text[start] in "[{(":
        return start, _bracket_end(text, start)
    if kind & HEADER and separator == ":":
        digest = _DIGEST.match(text, start)
        line_end = _LINE_END.search(text, digest.end() if digest else start)
        value = text[start : line_end.start() if line_end else len(text)]
        return start, start + len(value.rstrip("\\ \t"))
    pattern = _IN_URL if in_url else _LISTED if kind & HEADER else _PLAIN
    found = pattern.match(text, start)
    if found is None and kind & HEADER:
        found = _PLAIN.match(text, start)
    return found.span() if found else (start, start)


def _bracket_end(text: str, start: int) -> int:
    depth = 0
    for bracket in _BRACKET.finditer(text, start):
        depth += 1 if bracket[0] in "[({" else -1
        if depth == 0:
            # Nothing between them, nothing to hide.
            return bracket.end() if bracket.end() - start > 2 else start
    # A line of source code may open a call and end there; a cut list goes on to the end of the text.
    line_end = text.find("\n", start) if text[start] == "(" else -1
    return line_end if line_end >= 0 else len(text)


def _says_nothing(text: str, start: int, end: int, separator: str) -> bool:
    value, before = text[start:end], text[start - 1]
    if value.startswith("+"):
        value, before = value.lstrip("+").replace("+", " "), " "
    first = value.split(None, 1)[0].rstrip(".!?:").lower() if value.strip() else ""
    if not first or value == MASK or (first in NO_VALUES and len(first) == len(value.rstrip(".!?:"))):
        return True
    return separator == ":" and before in " \t" and first in STOP_WORDS
