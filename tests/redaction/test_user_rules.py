"""
The user's own names and patterns.
"""

from __future__ import annotations

import re
import types

import pytest

from otel_kit.errors import ConfigurationError
from otel_kit.redaction import Policy, policy_from
from otel_kit.redaction.user_rules import checked_patterns, keys_and_patterns

EMPLOYEE = re.compile(r"EMP-\d+")


@pytest.mark.parametrize(
    ("redact", "keys", "patterns"),
    [
        (None, [], []),
        ("internal_ref", ["internal_ref"], []),
        ("EMP-[0-9]+", [], ["EMP-[0-9]+"]),
        (EMPLOYEE, [], [EMPLOYEE]),
        (["internal_ref", EMPLOYEE, r"case \d+"], ["internal_ref"], [EMPLOYEE, r"case \d+"]),
        (("customer.ref", "x-ref"), ["customer.ref", "x-ref"], []),
        ({"keys": ["a b"], "patterns": ["abc"]}, ["a b"], ["abc"]),
        ({"patterns": "abc"}, [], ["abc"]),
        (types.SimpleNamespace(keys=["ref"], patterns=[EMPLOYEE]), ["ref"], [EMPLOYEE]),
        (types.SimpleNamespace(patterns=[EMPLOYEE]), [], [EMPLOYEE]),
    ],
)
def test_tells_names_from_patterns(redact: object, keys: list[str], patterns: list[object]) -> None:
    """
    Names, patterns, lists, mappings and objects are all understood.
    """
    assert (keys, patterns) == keys_and_patterns(redact)


@pytest.mark.parametrize("redact", [5, [5], {"key": ["a"]}, {"keys": [EMPLOYEE]}, [""], object()])
def test_refuses_what_is_no_rule(redact: object) -> None:
    """
    Something else than rules is one clear error that names the argument.
    """
    with pytest.raises(ConfigurationError, match="redact="):
        policy_from(redact)


@pytest.mark.parametrize("pattern", ["", "a*", "(?:x|)", "(", "[A-Z]", "RED", re.compile(rb"abc")])
def test_refuses_patterns_that_match_nothing_or_the_mask(pattern: str) -> None:
    """
    A pattern that matches the empty text, finds a part of the mask, is of bytes or can't be compiled is refused.
    """
    with pytest.raises(ConfigurationError, match="redact="):
        Policy(patterns=[pattern])


@pytest.mark.parametrize(
    "pattern", [r"(a+)+$", r"(\w+\s?)*!x", r"(x\d+)+y", r".*.*=.*;", r"\w+@\w+", r"(?:EMP-)+(?:EMP-)+#"]
)
def test_refuses_slow_patterns(pattern: str) -> None:
    """
    A pattern that some text makes slow is refused when it is given.
    """
    with pytest.raises(ConfigurationError, match="10 ms"):
        checked_patterns([pattern])


@pytest.mark.parametrize("pattern", [r"EMP-\d+", r"\bcase [0-9]{4}\b", r"(?i)project (?:apollo|hermes)", "^internal:"])
def test_takes_ordinary_patterns(pattern: str) -> None:
    """
    A pattern in plain shape is compiled and kept.
    """
    assert [pattern] == [compiled.pattern for compiled in checked_patterns([pattern])]
