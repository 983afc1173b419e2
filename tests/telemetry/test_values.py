"""
The pieces under the encoders: varints, texts, AnyValues.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from otel_kit.telemetry.protobuf import signed, text_pair, utf8, varint
from otel_kit.telemetry.values import MAX_DEPTH, any_value
from tests.otlp_receiver import value_of


@pytest.mark.parametrize("number", [0, 1, 127, 128, 8191, 8192, 2**31, 2**63 - 1, -1, -(2**63)])
def test_integers_keep_their_value(number: int) -> None:
    """
    Every int64 comes back as it went in.
    """
    assert number == AnyValue.FromString(b"\x18" + signed(number)).int_value


def test_table_and_loop_agree() -> None:
    """
    The prepared varints and the computed ones meet without a gap.
    """
    assert [b"\xff\x3f", b"\x80\x40"] == [varint(8191), varint(8192)]


@pytest.mark.parametrize("length", [0, 1, 120, 124, 125, 126, 127, 128, 1990, 2000, 2001, 20_000])
def test_text_pairs_of_every_length(length: int) -> None:
    """
    A pair of key and text parses at each border of its three nested lengths.
    """
    field = text_pair(b"\x0a", b"\x0a\x01k", b"x" * length)
    size_bytes = 1 + (1 if len(field) <= 129 else 2 if len(field) < 16_387 else 3)

    pair = KeyValue.FromString(field[size_bytes:])

    assert ("k", "x" * length) == (pair.key, pair.value.string_value)


def test_lone_surrogates_have_a_place_holder() -> None:
    """
    What UTF-8 can't carry does not stop the rest.
    """
    assert b"a?b" == utf8("a\ud800b")


@pytest.mark.parametrize(
    "value",
    [None, True, False, "", "ü", 0, -7, 1.5, math.inf, b"\x00\xff", [], [1, "a", None], {}, {"a": {"b": [True]}}],
)
def test_values_come_back(value: Any) -> None:
    """
    What OTLP has a form for keeps type and content.
    """
    assert value == value_of(AnyValue.FromString(any_value(value)))


def test_nan_stays_nan() -> None:
    """
    Not a number is a number to protobuf.
    """
    assert math.isnan(AnyValue.FromString(any_value(math.nan)).double_value)


def test_unknown_types_become_text() -> None:
    """
    An object arrives as what it prints.
    """
    assert "(1+2j)" == AnyValue.FromString(any_value(1 + 2j)).string_value


def test_enormous_numbers_are_bounded() -> None:
    """
    A number with more digits than Python prints arrives in hexadecimal, cut.
    """
    text = AnyValue.FromString(any_value(10**6000)).string_value

    assert (True, 1024) == (text.startswith("0x"), len(text))


def test_nesting_ends() -> None:
    """
    A cycle is cut at the depth that is bounded.
    """
    cycle: list[Any] = []
    cycle.append(cycle)
    depth, value = 0, AnyValue.FromString(any_value(cycle))
    while value.WhichOneof("value") == "array_value":
        depth, value = depth + 1, value.array_value.values[0]

    assert (MAX_DEPTH, "...") == (depth, value.string_value)
