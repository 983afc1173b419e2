"""
Callers' values as plain data.
"""

from __future__ import annotations

import datetime
import enum
import math
from decimal import Decimal
from typing import Any

import pytest

from otel_kit.logs.values import CUT_MARGIN, TEXT_LIMIT, plain_mapping, safe_text


class Colour(str, enum.Enum):
    """
    A text that is also an enumeration.
    """

    RED = "red"


class Unprintable:
    """
    An object whose text can't be made.
    """

    def __str__(self) -> str:
        raise ValueError("no")


def plain(value: object) -> Any:
    """
    One value after the step.
    """
    return plain_mapping({"key": value})[0]["key"]


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (0.5, 0.5),
        ("text", "text"),
        ("red", Colour.RED),
        ("NaN".lower(), math.nan),
        ("inf", math.inf),
        (str(2**70), 2**70),
        ("1.50", Decimal("1.50")),
        ("raw \\xff", b"raw \xff"),
        ("2025-12-02", datetime.date(2025, 12, 2)),
        ("KeyError: 'id'", KeyError("id")),
        ("<unprintable Unprintable>", Unprintable()),
        ([1, ["a"]], (1, ["a"])),
        ({"1": [2]}, {1: {2}}),
    ],
)
def test_makes_values_plain(expected: object, given: object) -> None:
    """
    Each kind of value becomes something that JSON and OTLP can hold.
    """
    assert expected == plain(given)


def test_copies_what_may_change_later() -> None:
    """
    A list that the caller empties after the call is kept as it was.
    """
    given = [1, 2]
    kept = plain(given)

    given.clear()

    assert kept == [1, 2]


def test_ends_in_a_cycle() -> None:
    """
    A mapping that holds itself is cut, not followed for ever.
    """
    cyclic: dict[str, object] = {}
    cyclic["self"] = cyclic

    assert "<dict>" in str(plain(cyclic))


def test_bounds_the_whole_record() -> None:
    """
    Many long texts together take no more than one text may.
    """
    kept, size = plain_mapping({str(number): "x" * 10_000 for number in range(100)})

    assert sum(map(len, map(str, kept.values()))) <= TEXT_LIMIT + CUT_MARGIN + 100
    assert size < 2 * TEXT_LIMIT


def test_bounds_wide_containers() -> None:
    """
    A list of a million numbers is cut.
    """
    assert len(plain(range(10))) > 0
    assert len(plain(list(range(1_000_000)))) <= 2_001


def test_survives_a_container_that_raises() -> None:
    """
    A mapping of the user's own that can't be read is named by its type.
    """

    class Broken(dict[str, object]):
        def items(self) -> Any:
            raise RuntimeError("changed meanwhile")

    assert plain(Broken(a=1)) == "<unreadable Broken>"


def test_text_is_cut_above_the_limit() -> None:
    """
    A margin is left for the policy, which cuts without leaving a piece of a secret.
    """
    assert TEXT_LIMIT + CUT_MARGIN == len(safe_text("x" * 1_000_000))


def test_a_text_is_kept_as_a_whole_or_not_at_all() -> None:
    """
    Where the record's room ends no text is cut: the policy would take a piece of a secret for a whole text.
    """
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    for rest in range(0, 80, 7):
        kept, _ = plain_mapping({"a": "x" * (TEXT_LIMIT + CUT_MARGIN - rest), "b": secret})

        assert kept.get("b") in (secret, "...", None)


def test_a_long_text_after_short_ones_is_kept() -> None:
    """
    It may overdraw the room once.
    """
    kept, size = plain_mapping({"id": 7, "note": "short", "body": "x" * 100_000, "late": "y" * 100})

    assert TEXT_LIMIT + CUT_MARGIN == len(str(kept["body"]))
    assert "late" not in kept
    assert size > TEXT_LIMIT


def test_a_very_long_name_is_not_cut() -> None:
    """
    It is replaced, so that no piece of what it holds is left.
    """
    kept, _ = plain_mapping({"n" * 300: 1})

    assert {"<name of 300 characters>": 1} == kept
