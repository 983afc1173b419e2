"""
The user's own names and patterns: how they are told apart, and which are refused.

A pattern runs on every text that leaves the process, so one that is slow on any text is
refused when it is given, never while a request waits. Knows nothing of the built-in rules.
"""

from __future__ import annotations

import itertools
import re
import string
import time
from collections.abc import Iterable, Iterator, Mapping

from otel_kit.errors import ConfigurationError
from otel_kit.redaction.rules import MASK

__all__ = ["HOSTILE_SECONDS", "checked_patterns", "hostile_units", "keys_and_patterns", "mask_patterns"]

HOSTILE_SECONDS = 0.01
"""What a pattern may take on one hostile text of 16 KB or less."""

Rules = list[str | re.Pattern[str]]

_VARIABLE = "redact"
_NAME = re.compile(r"[^\W\d][\w-]*(?:\.[\w-]+)*")
# Small steps first: a pattern that doubles its time with each letter must be caught before it runs for minutes.
_SIZES = (8, 12, 16, 18, 20, 22, 24, 28, 32, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
_UNITS = (
    "a", "A", "0", " ", "-", "_", ".", "/", "@", "=", ":", "%", "\\", '"', "'", "(", "<", "\n", "é", "a ", "a-", "a.",
    "a@", "a=", "a/", "0 ", "0-", "0.", "aA", "a0", "A0", "eyJ-", "://", "a:b@", "%41", "\\u0041", "4111 ", "--a b ",
    '"a":', "a=b&",
)  # fmt: skip
_ENDINGS = ("!", "", "\x00")
# What is quadratic takes longer than this on a thousand characters; what is linear need not be tried on more.
_ENOUGH = 1024
_NEXT_TO_NOTHING_SECONDS = 0.0002
_OWN_LETTERS = string.ascii_letters + string.digits + "-_ "
_WORD = re.compile(r"[A-Za-z0-9_@#/-]{2,}")


def keys_and_patterns(redact: object) -> tuple[list[str], Rules]:
    """
    What `setup_observability(redact=...)` was given, as names and patterns.

    Taken are: one rule or several; a mapping with `keys` and `patterns`; an object with these two
    attributes. A compiled pattern is a pattern. A string of letters, digits, `_`, `-` and single dots
    (`internal_ref`, `customer.ref`) is a name, any other string a pattern.

    Raises:
        ConfigurationError: `redact` is none of these.
    """
    if redact is None:
        return [], []
    if isinstance(redact, (str, re.Pattern)):
        redact = [redact]
    if isinstance(redact, Mapping):
        if unknown := sorted(set(redact) - {"keys", "patterns"}, key=str):
            raise ConfigurationError(_VARIABLE, unknown[0], "a mapping has the entries 'keys' and 'patterns'")
        return _names(redact.get("keys")), _listed(redact.get("patterns"))
    if not isinstance(redact, Iterable) and (hasattr(redact, "keys") or hasattr(redact, "patterns")):
        return _names(getattr(redact, "keys", None)), _listed(getattr(redact, "patterns", None))
    keys: list[str] = []
    patterns: Rules = []
    for rule in _listed(redact):
        if isinstance(rule, str) and _NAME.fullmatch(rule):
            keys.append(rule)
        else:
            patterns.append(rule)
    return keys, patterns


def checked_patterns(patterns: Iterable[str | re.Pattern[str]]) -> tuple[re.Pattern[str], ...]:
    """
    The patterns, compiled and tried out.

    Raises:
        ConfigurationError: One can't be compiled, matches the empty text, finds something in the mask
            itself, or takes more than 10 ms on a hostile text.
    """
    return tuple(_checked(pattern) for pattern in patterns)


def mask_patterns(text: str, patterns: Iterable[re.Pattern[str]]) -> str:
    """
    `text` without what the patterns find, in it or, since a form writes blanks so, with a blank for each plus.

    Returns:
        The same object when they find nothing.
    """
    for pattern in patterns:
        if pattern.search(text):
            text = pattern.sub(MASK, text)
        if "+" in text:
            text = _mask_places(text, [found.span() for found in pattern.finditer(text.replace("+", " "))])
    return text


def _mask_places(text: str, places: list[tuple[int, int]]) -> str:
    parts: list[str] = []
    done = 0
    for start, end in places:
        parts += text[done:start], MASK
        done = end
    return "".join(parts) + text[done:] if parts else text


def hostile_units(source: str) -> Iterator[str]:
    """
    Short texts whose repetition makes careless patterns slow; some are made of the pattern's own letters.

    Args:
        source: The pattern as it was written.
    """
    letters = sorted({letter for letter in source if letter in _OWN_LETTERS})[:12]
    yield from _UNITS
    yield from (letter + other for letter in letters for other in ("", "0", "a", " "))
    yield from (left + right for left, right in itertools.pairwise(letters))
    yield from sorted(set(_WORD.findall(source)))[:8]


def _listed(given: object) -> Rules:
    if given is None:
        return []
    if isinstance(given, (str, re.Pattern)):
        given = [given]
    if not isinstance(given, Iterable):
        raise ConfigurationError(_VARIABLE, given, "give a list of key names and patterns")
    rules = list(given)
    for rule in rules:
        if not isinstance(rule, (str, re.Pattern)):
            raise ConfigurationError(_VARIABLE, rule, "a rule is a key name, a pattern or a compiled pattern of text")
    return rules


def _names(given: object) -> list[str]:
    names = _listed(given)
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise ConfigurationError(_VARIABLE, name, "a key name is text")
    return [str(name) for name in names]


def _checked(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ConfigurationError(_VARIABLE, pattern, f"the pattern can't be compiled ({error})") from error
    if not isinstance(compiled.pattern, str):
        raise ConfigurationError(_VARIABLE, compiled.pattern, "patterns are of text, not of bytes")
    if compiled.search("") or compiled.fullmatch(""):
        raise ConfigurationError(_VARIABLE, compiled.pattern, "the pattern matches the empty text; ask for a character")
    if compiled.sub(MASK, MASK) != MASK:
        raise ConfigurationError(_VARIABLE, compiled.pattern, f"the pattern finds something in the mask {MASK!r}")
    for unit in hostile_units(compiled.pattern):
        if size := _slow_at(compiled, unit):
            raise ConfigurationError(
                _VARIABLE,
                compiled.pattern,
                f"the pattern takes more than 10 ms on {size} characters of {unit!r}; a repeat inside a repeat, "
                "or one that is read again from each of many starts, is the usual cause",
            )
    return compiled


def _slow_at(pattern: re.Pattern[str], unit: str) -> int:
    """
    The length at which repetitions of `unit` take too long, or 0.
    """
    for size in _SIZES:
        run = (unit * (size // len(unit) + 1))[:size]
        spent = max(_seconds(pattern, run + ending) for ending in _ENDINGS)
        if spent > HOSTILE_SECONDS:
            return size
        if size >= _ENOUGH and spent < _NEXT_TO_NOTHING_SECONDS:
            return 0
    return 0


def _seconds(pattern: re.Pattern[str], text: str) -> float:
    """
    What the pattern takes: the best of three, so that a busy machine refuses no good pattern.
    """
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        pattern.sub(MASK, text)
        best = min(best, time.perf_counter() - started)
        # Good enough, or hopeless.
        if not HOSTILE_SECONDS < best < 20 * HOSTILE_SECONDS:
            break
    return best
