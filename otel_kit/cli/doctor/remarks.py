"""
What doctor has to say: one thing that is wrong or worth knowing, and what to do about it.

Owns how text is made fit to be shown: no secret, nothing that is not printable, one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from otel_kit.redaction import Policy, policy_from

__all__ = ["LEVELS", "Level", "Remark", "masked", "printable", "remark", "safe"]

Level = Literal["error", "warning", "info"]

LEVELS: tuple[Level, ...] = ("error", "warning", "info")
"""
The gravest first.
"""

LONGEST_TEXT = 500


@dataclass(frozen=True)
class Remark:
    """
    One finding.
    """

    level: Level

    area: str
    """What it is about, in a word: settings, names, reach, engine, places, versions, security."""

    what: str

    remedy: str
    """Empty where nothing is to be done."""


def remark(level: Level, area: str, what: str, remedy: str = "") -> Remark:
    """
    A finding on one line. What somebody else has written is made `safe` by the caller: the policy takes parts of
    our own sentences for secrets, too.
    """
    return Remark(level, area, printable(what), printable(remedy))


def safe(text: str) -> str:
    """
    Somebody else's text on one line, printable, bounded, and without anything that looks like a secret.
    """
    # before the cut, which could leave a piece of a secret that nobody recognises
    return printable(masked(text))


def masked(text: str) -> str:
    """
    The text with what looks like a secret masked, of any length.
    """
    return _policy().text(text)


def printable(text: str) -> str:
    """
    The text on one line of bounded length.
    """
    line = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


@lru_cache(maxsize=1)
def _policy() -> Policy:
    return policy_from(None)
