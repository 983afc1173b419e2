"""
Stack traces as text.
"""

from __future__ import annotations

import builtins
import dataclasses
import importlib

import pytest

from otel_kit.logs.exceptions import ExceptionText, describe, is_marked, mark
from otel_kit.logs.values import CUT_MARGIN, TEXT_LIMIT


def described(error: BaseException) -> ExceptionText:
    """
    The text of an exception that has just been caught.
    """
    found = describe(type(error), error, error.__traceback__)
    assert found is not None
    return found


def chained() -> BaseException:
    """
    An exception with a cause that has a context.
    """
    try:
        try:
            try:
                dict[str, int]()["lost"]
            except KeyError:
                int("x")
        except ValueError as error:
            raise RuntimeError("outer") from error
    except RuntimeError as error:
        return error
    raise AssertionError


def test_has_causes_and_contexts() -> None:
    """
    The stack names every exception of the chain, the first one first.
    """
    stack = described(chained()).stack

    assert 3 == stack.count("Traceback (most recent call last)")
    assert stack.index("KeyError: 'lost'") < stack.index("ValueError") < stack.index("RuntimeError: outer")


def test_names_type_and_message() -> None:
    """
    Type and text stand by themselves too, the type with its module unless it is built in.
    """
    found = described(chained())

    assert ("RuntimeError", "outer") == (found.type, found.message)
    assert described(dataclasses.FrozenInstanceError()).type == "dataclasses.FrozenInstanceError"


def test_has_the_members_of_a_group() -> None:
    """
    Each exception of a group is in the stack.
    """
    # Python 3.10 has groups from a package, which FastAPI's own dependencies bring
    home = builtins if hasattr(builtins, "ExceptionGroup") else importlib.import_module("exceptiongroup")
    stack = described(home.ExceptionGroup("both", [ValueError("one"), TypeError("two")])).stack

    assert "ValueError: one" in stack
    assert "TypeError: two" in stack


def test_survives_an_exception_without_text() -> None:
    """
    An exception whose `__str__` raises still has type and stack.
    """

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    found = described(Mute())

    assert found.message == "<unprintable Mute>"
    assert "Mute" in found.stack


def test_ends_in_a_cycle_of_causes() -> None:
    """
    Two exceptions that are each other's cause are both named once.
    """
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one

    assert 1 == described(one).stack.count("ValueError: two")


def test_is_bounded() -> None:
    """
    A message of a megabyte doesn't make a stack of a megabyte.
    """
    assert len(described(ValueError("x" * 1_000_000)).stack) <= TEXT_LIMIT + CUT_MARGIN


def test_reads_endless_recursion() -> None:
    """
    The stack of a runaway recursion is there, its repeated frames folded.
    """

    def forever() -> None:
        forever()

    with pytest.raises(RecursionError) as caught:
        forever()

    assert "repeated" in described(caught.value).stack


def test_nothing_of_no_exception() -> None:
    """
    `exc_info=True` outside a handler gives nothing.
    """
    assert describe(None, None, None) is None


def test_marks_an_exception() -> None:
    """
    A mark is found again on that exception, and on no other.
    """
    error = ValueError()
    mark(error)

    assert is_marked(error)
    assert not is_marked(ValueError())
    assert not is_marked(None)


def test_marks_a_frozen_exception() -> None:
    """
    An exception that refuses attributes is marked all the same.
    """

    @dataclasses.dataclass(frozen=True)
    class Frozen(Exception):
        code: int

    error = Frozen(1)
    mark(error)

    assert is_marked(error)
