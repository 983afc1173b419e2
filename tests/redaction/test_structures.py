"""
Values that are no text, and containers of them.
"""

from __future__ import annotations

import collections
from typing import Any

import pytest

from otel_kit.redaction import MASK, Policy
from otel_kit.redaction.structures import MAX_ITEMS

policy = Policy()


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        5,
        4.5,
        "abc",
        b"abc",
        ["a", ["b"]],
        ("a", 1),
        {"a": {"b": [1]}},
        {"a", "b"},
        1732190400123456789,
    ],
)
def test_clean_values_come_back_as_they_are(value: object) -> None:
    """
    A value without secrets is the same object afterwards.
    """
    assert value is policy.value("note", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("abc", MASK),
        (123, MASK),
        (1.5, MASK),
        (b"abc", MASK.encode()),
        (["a", "b"], [MASK]),
        (("a", "b"), (MASK,)),
        ({"a": "b"}, MASK),
        (True, True),
        (None, None),
        ("", ""),
        ([], []),
        (MASK, MASK),
        ([MASK], [MASK]),
    ],
)
def test_a_secret_key_masks_whatever_it_holds(value: object, expected: object) -> None:
    """
    By key the whole value goes, in its own shape but never its own length; flags and nothing stay.
    """
    assert expected == policy.value("password", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["alice@example.com", "b"], [MASK, "b"]),
        (("a", "alice@example.com", "c"), ("a", MASK, "c")),
        ({"note": ["alice@example.com"]}, {"note": [MASK]}),
        ({"user": {"password": "x", "name": "bob"}}, {"user": {"password": MASK, "name": "bob"}}),
        ({"alice@example.com": 1}, {MASK: 1}),
        ({"alice@example.com", "b"}, {MASK, "b"}),
        (frozenset({"alice@example.com"}), frozenset({MASK})),
        (b"to alice@example.com", b"to REDACTED"),
        (b"\xff alice@example.com", b"\xff REDACTED"),
        (b"tv\xb8 \xccd@e6\xd2.\xdbn\xb7", b"tv\xb8 \xccd@e6\xd2.\xdbn\xb7"),
        (bytearray(b"alice@example.com"), MASK.encode()),
        (4111111111111111, MASK),
        ({b"authorization": b"Token x"}, {b"authorization": MASK.encode()}),
    ],
)
def test_looks_into_containers(value: object, expected: object) -> None:
    """
    Texts and keys inside lists, tuples, sets, dictionaries and bytes are masked, and kinds are kept.
    """
    assert expected == policy.value("note", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([("authorization", "Basic x"), ("host", "shop")], [("authorization", MASK), ("host", "shop")]),
        ([(b"cookie", b"a=b"), (b"host", b"shop")], [(b"cookie", MASK.encode()), (b"host", b"shop")]),
        ([["x-api-key", "k"]], [["x-api-key", MASK]]),
    ],
)
def test_pairs_of_a_header_list_have_keys(value: object, expected: object) -> None:
    """
    In a list of pairs the first names the second.
    """
    assert expected == policy.value("headers", value)


def test_a_query_is_known_by_its_key() -> None:
    """
    Under `url.query` the first name counts as one of a query.
    """
    assert "code=REDACTED" == policy.value("url.query", "code=abcdef")


def test_limits_every_text_inside() -> None:
    """
    The limit holds for each text of a container.
    """
    assert {"a": ["abcd", "xy"]} == policy.value("note", {"a": ["abcdefg", "xy"]}, limit=4)


def test_deep_values_are_masked_below_six_levels() -> None:
    """
    What nobody looks at doesn't leave.
    """
    deep: Any = "alice@example.com"
    for _ in range(8):
        deep = [deep]

    assert [[[[[[MASK]]]]]] == policy.value("note", deep)


def test_cyclic_values_end() -> None:
    """
    A list that holds itself, and a dictionary that does, come to an end.
    """
    ring: list[object] = ["alice@example.com"]
    ring.append(ring)
    loop: dict[str, object] = {"token": "x"}
    loop["self"] = loop

    assert "alice" not in str(policy.value("note", ring))
    assert "'x'" not in str(policy.value("note", loop))


def test_wide_values_end_after_a_thousand_items() -> None:
    """
    Items beyond the thousandth are replaced by one mask, also when they are spread over many lists.
    """
    flat = policy.value("note", ["a"] * 5000)
    nested = policy.value("note", [["a"] * 100 for _ in range(100)])

    assert isinstance(flat, list)
    assert isinstance(nested, list)
    assert MAX_ITEMS + 1 == len(flat)
    assert MASK == flat[-1] == nested[-1]
    assert sum(len(part) for part in nested) < 1100


def test_subclasses_of_dict_are_looked_into() -> None:
    """
    Other mappings are treated like dictionaries.
    """
    assert {"password": MASK} == policy.value("note", collections.OrderedDict(password="x"))


def test_a_value_that_raises_is_masked() -> None:
    """
    A mapping whose items can't be read becomes the mask.
    """

    class Broken(dict[str, str]):
        def items(self) -> Any:
            raise RuntimeError

    assert MASK == policy.value("note", Broken(a="b"))


def test_other_objects_become_their_clean_text() -> None:
    """
    What an exit would print has been judged before.
    """

    class Account:
        def __str__(self) -> str:
            return "account of alice@example.com"

    class Unprintable:
        def __str__(self) -> str:
            raise ValueError("no")

    assert "account of REDACTED" == policy.value("note", Account())
    assert ["account of REDACTED"] == policy.value("note", [Account()])
    assert "<unprintable Unprintable>" == policy.value("note", Unprintable())


def test_names_of_any_type_are_redacted() -> None:
    """
    Bytes and numbers are names too.
    """
    assert {MASK: 1} == policy.value("note", {b"alice@example.com": 1})
    assert {MASK: 1} == policy.value("note", {4111111111111111: 1})
    assert {b"note": 1, 7: 2} == policy.value("note", {b"note": 1, 7: 2})
