"""
Secrets that turn up again: what is hidden in a variable's value is hidden in every other line too.

Owns the search for them. A finding may quote a value whole, in part, or with its blanks or slashes taken
out, and then the policy sees no secret in it any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from otel_kit.cli.doctor.remarks import masked
from otel_kit.cli.doctor.sources import Sources
from otel_kit.environment import MASK
from otel_kit.environment.findings import shown

__all__ = ["hider"]

SHORTEST = 8
"""
Characters from which a piece is taken for a secret by itself; shorter ones are words like user.
"""

_BETWEEN = re.compile(r"[\s:@]+")


def hider(sources: Sources) -> Callable[[str], str]:
    """
    What masks, in any text, the secrets that stand in the values of variables.
    """
    found = {piece for name, value in sources.merged.items() for piece in _pieces(name, value.strip())}
    if not found:
        return str
    # the longest first, so that none is left in part
    pattern = re.compile("|".join(map(re.escape, sorted(found, key=len, reverse=True))))
    return lambda text: pattern.sub(MASK, text)


def _pieces(variable: str, value: str) -> Iterator[str]:
    for text in (masked(value), shown(variable, value)):
        for secret in _taken_out(value, text):
            yield from (part for part in (secret, *_BETWEEN.split(secret)) if len(part) >= SHORTEST)


def _taken_out(value: str, text: str) -> Iterator[str]:
    """
    What stood where a text has the mask.
    """
    first, *others = text.split(MASK)
    begin = len(first)
    for kept in others:
        end = value.find(kept, begin) if kept else len(value)
        end = len(value) if end < 0 else end
        yield value[begin:end]
        begin = end + len(kept)
