"""
The word lists hold together.
"""

from __future__ import annotations

import pytest

from otel_kit.redaction import vocabulary
from otel_kit.redaction.keys import KeyNames

NAMES = sorted(
    vocabulary.STRONG
    | vocabulary.STRONG_LAST
    | vocabulary.QUERY_ONLY_NAMES
    | vocabulary.PAIR_ENDS
    | set(vocabulary.STRONG_ENDINGS)
    | {first + second for first, second in vocabulary.PAIRS}
)


@pytest.mark.parametrize("name", NAMES)
def test_each_name_holds_a_stem(name: str) -> None:
    """
    The search for stems in long texts can miss no name.
    """
    assert any(stem in name for stem in vocabulary.STEMS)


@pytest.mark.parametrize("pair", sorted(vocabulary.PAIRS))
def test_each_pair_is_secret(pair: tuple[str, str]) -> None:
    """
    No pair is made harmless by a neutral word.
    """
    assert KeyNames().is_secret("_".join(pair))
