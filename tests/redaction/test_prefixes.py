"""
The table of token prefixes.
"""

from __future__ import annotations

import importlib
import random
import re
import string
import sys
from typing import Any

import pytest

from otel_kit.redaction import Policy
from otel_kit.redaction.prefixes import CHECKED_ON, PREFIXES, SOURCES, Prefix
from tests.redaction.samples import plain

_parser: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")
policy = Policy()


def sample(source: random.Random, parsed: Any) -> str:
    """
    A random text that a parsed pattern of the table matches, as short as it may be.
    """
    made = []
    for operation, argument in parsed:
        name = str(operation)
        if name == "LITERAL":
            made.append(chr(argument))
        elif name == "IN":
            made.append(
                source.choice([letter for low, high in map(_range, argument) for letter in _letters(low, high)])
            )
        elif name == "MAX_REPEAT":
            made += [sample(source, argument[2]) for _ in range(argument[0])]
        elif name == "SUBPATTERN":
            made.append(sample(source, argument[3]))
        elif name == "BRANCH":
            made.append(sample(source, source.choice(argument[1])))
        else:
            raise AssertionError(name)
    return "".join(made)


def _range(item: Any) -> tuple[int, int]:
    return item[1] if str(item[0]) == "RANGE" else (item[1], item[1])


def _letters(low: int, high: int) -> str:
    return "".join(map(chr, range(low, high + 1)))


@pytest.mark.parametrize("prefix", PREFIXES, ids=lambda prefix: f"{prefix.issuer} {prefix.literal}")
def test_masks_random_tokens_of_each_row(prefix: Prefix) -> None:
    """
    Of random tokens, as short as the row allows, none gets through, alone or in a path.
    """
    source = random.Random(prefix.literal)
    before, pattern = _parser.parse(prefix.before), _parser.parse(prefix.body)
    for _ in range(50):
        token = sample(source, before) + prefix.literal + sample(source, pattern)
        if not any(letter in string.digits for letter in token):
            continue
        for text in (token, f"used {token} today", f"/items/{token}"):
            assert token not in plain(policy.text(text)), text


@pytest.mark.parametrize("prefix", PREFIXES, ids=lambda prefix: f"{prefix.issuer} {prefix.literal}")
def test_each_row_names_a_known_source(prefix: Prefix) -> None:
    """
    Where a row comes from can be looked up.
    """
    assert prefix.source in SOURCES


def test_knows_some_sixty_issuers_at_a_date() -> None:
    """
    The table is broad and says when it was compared with its sources.
    """
    assert 60 <= len({prefix.issuer for prefix in PREFIXES})
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", CHECKED_ON)


def test_no_row_stands_twice() -> None:
    """
    Each pair of prefix and body is listed once.
    """
    assert len(PREFIXES) == len({(prefix.literal, prefix.body) for prefix in PREFIXES})


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn-pipeline-step-with-a-long-name",
        "task-12345678901234567890x",
        "cache-key-d41d8cd98f00b204e9800998ecf8427e",
    ],
)
def test_words_that_end_like_a_prefix_stay(text: str) -> None:
    """
    Names in kebab case are no tokens.
    """
    assert text is policy.text(text)
