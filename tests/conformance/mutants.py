"""
Other values in place of a documented one: what a check that really reads its line must not accept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Mutants", "ill_formed", "other_words", "tighter"]

Mutants = Callable[[Any], Iterator[Any]]

OTHER = "another"


def other_words(value: Any) -> Iterator[Any]:
    """
    Each single word or number of the value replaced by another; a word more; another kind of thing.
    """
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1
    elif isinstance(value, str):
        for word in re.finditer(r"\w+", value):
            yield value[: word.start()] + _other(word[0]) + value[word.end() :]
        yield f"{OTHER} {value}"
    else:
        yield [OTHER]


def ill_formed(value: Any) -> Iterator[Any]:
    """
    What no value of that form is. For examples: another value of the form would be as good a one.
    """
    yield f"{OTHER} {value}"


def tighter(value: Any) -> Iterator[Any]:
    """
    Nothing at all. For upper bounds: a service that keeps one keeps a higher one too.
    """
    yield 0


def _other(word: str) -> str:
    return str(int(word) + 1) if word.isdecimal() else OTHER
