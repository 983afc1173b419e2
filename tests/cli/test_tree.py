"""
A trace as a tree.
"""

from __future__ import annotations

import io

import pytest

from otel_kit.cli.receiver import Span
from otel_kit.cli.screen import Screen
from otel_kit.cli.tree import draw, faults_of, rows


def span(span_id: str, parent_id: str = "", start: int = 0, end: int = 10, trace: str = "") -> Span:
    """
    A span named like its id; one with a stack trace has failed.
    """
    events = (("exception", {"exception.stacktrace": trace}),) if trace else ()
    return Span(span_id, "t", span_id, parent_id, start, end, bool(trace), {}, events)


def raised() -> str:
    """
    The stack trace of an error that had a cause, which had been raised while another was handled.
    """
    import traceback

    try:
        try:
            try:
                raise KeyError("first")
            except KeyError:
                raise ValueError("second")  # noqa: B904
        except ValueError as error:
            raise TimeoutError("third") from error
    except TimeoutError:
        return traceback.format_exc()


def test_spans_stand_below_their_parents_in_the_order_of_their_starts() -> None:
    """
    Branches show who is the last child, and what goes on beside.
    """
    found = rows([span("b", "a", 5), span("a"), span("c", "a", 1), span("d", "c", 2)])

    assert [("", "a"), ("├─ ", "c"), ("│  └─ ", "d"), ("└─ ", "b")] == [(row.branch, row.span.name) for row in found]


def test_a_span_without_its_parent_is_a_root() -> None:
    """
    A parent in another service, or one that has not arrived, hides nothing.
    """
    assert ["a", "b"] == [row.span.name for row in rows([span("a", "elsewhere"), span("b", "elsewhere", 1)])]


def test_faults_go_from_the_error_down_to_the_first_cause() -> None:
    """
    Causes and contexts, each with the place where it was raised.
    """
    faults = faults_of(span("a", trace=raised()))

    assert ["TimeoutError: third", "ValueError: second", "KeyError: 'first'"] == [fault.text for fault in faults]
    assert all(fault.place.startswith("test_tree.py:") and fault.place.endswith("in raised") for fault in faults)


def test_a_fault_is_told_once_where_it_arose() -> None:
    """
    A span that the error only passed through is marked and says nothing.
    """
    out = io.StringIO()

    draw([span("outer", trace=raised()), span("inner", "outer", 2, trace=raised())], Screen(out))

    lines = out.getvalue().splitlines()
    assert 1 == len([line for line in lines if "TimeoutError: third" in line])
    assert 2 == len([line for line in lines if line.endswith("✗")])
    assert lines.index(next(line for line in lines if "inner" in line)) < lines.index(
        next(line for line in lines if "TimeoutError" in line)
    )


@pytest.mark.parametrize("end", [0, 1, 10_000_000_000])
def test_a_span_of_any_length_has_a_bar_that_fits(end: int) -> None:
    """
    Also one that took no time, and one whose clock ran on after its parent's end.
    """
    out = io.StringIO()

    draw([span("a" * 90, end=5), span("b", "a" * 90, 3, end=max(end, 3))], Screen(out))

    assert all(len(line) <= 100 and "━" in line for line in out.getvalue().splitlines())
