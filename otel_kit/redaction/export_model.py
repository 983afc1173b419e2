"""
The shape in which the Collector gets the policy.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CollectorPolicy", "Group", "Rule"]


class Rule(NamedTuple):
    """
    What is replaced, and what by: `${1}` stands for the first group of the pattern.
    """

    pattern: str
    replacement: str


class Group(NamedTuple):
    """
    Rules, and what is in the texts of a record in which one of them may find something.
    """

    name: str
    folded: tuple[str, ...]
    """Suspects in lower case, for the texts in lower case."""
    exact: tuple[str, ...]
    rules: tuple[Rule, ...]
    whole_numbers: str = ""
    """What stands in a line `name=value` when a number, not a text, may be a secret."""


class CollectorPolicy(NamedTuple):
    """
    Groups for texts, and patterns for the names of attributes.
    """

    groups: tuple[Group, ...]
    secret_names: str
    """Names whose value is masked, but for those below; the suspects of the first group find them."""
    plain_names: str
    known_names: tuple[str, ...]
    """Names that the conventions give to what is no secret: passed over, as that takes less time."""
