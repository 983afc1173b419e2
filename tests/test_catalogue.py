"""
Declarations: what is refused, and what belongs together.
"""

from __future__ import annotations

import math
from typing import Any

import pytest

from otel_kit.catalogue import Declaration, DeclarationError, bucket_bounds, label_names
from otel_kit.errors import OtelKitError


@pytest.mark.parametrize("name", ["", "1x", "a b", "a-b", "ä", "x\n"])
def test_refuses_names_that_no_format_carries(name: str) -> None:
    """
    A metric name has letters, digits, '_' and ':' only.
    """
    with pytest.raises(DeclarationError):
        Declaration("gauge", name, "Help.")


@pytest.mark.parametrize("label", ["le", "quantile", "__x", "a-b", "1a", "a\n"])
def test_refuses_reserved_and_bad_labels(label: str) -> None:
    """
    Labels that formats use themselves, or can't write, are refused.
    """
    with pytest.raises(DeclarationError, match=r"label"):
        Declaration("counter", "x_total", "Help.", (label,))


def test_refuses_a_label_twice() -> None:
    """
    Two labels of one name could not be told apart.
    """
    with pytest.raises(DeclarationError, match="twice"):
        Declaration("gauge", "x", "Help.", ("a", "a"))


@pytest.mark.parametrize("buckets", [(), (2.0, 1.0), (1.0, 1.0), (math.nan,), (math.inf, 1.0), tuple(range(1001))])
def test_refuses_buckets_that_are_not_rising_numbers(buckets: tuple[float, ...]) -> None:
    """
    Bounds must be finite, rise, and be there at all.
    """
    with pytest.raises(DeclarationError):
        Declaration("histogram", "x", "Help.", (), buckets)


def test_refuses_buckets_of_a_counter() -> None:
    """
    Only histograms have buckets.
    """
    with pytest.raises(DeclarationError, match="no histogram"):
        Declaration("counter", "x_total", "Help.", (), (1.0,))


def test_refuses_a_counter_without_total() -> None:
    """
    A counter's name is as exposed.
    """
    with pytest.raises(DeclarationError, match="_total"):
        Declaration("counter", "x", "Help.")


def test_refuses_a_merge_other_than_sum_of_what_is_counted() -> None:
    """
    The largest of several counters means nothing.
    """
    with pytest.raises(DeclarationError, match="only gauges"):
        Declaration("counter", "x_total", "Help.", merge="max")


def test_refuses_extremes_of_what_is_no_histogram() -> None:
    """
    Nothing else observes.
    """
    with pytest.raises(DeclarationError, match="only histograms"):
        Declaration("gauge", "x", "Help.", extremes=True)


def test_errors_are_the_kits_own_and_value_errors() -> None:
    """
    Set-up can catch them with all others, and prometheus_client's users as they did.
    """
    assert issubclass(DeclarationError, OtelKitError)
    assert issubclass(DeclarationError, ValueError)


@pytest.mark.parametrize(
    ("declaration", "names"),
    [
        (Declaration("counter", "x_total", ""), {"x", "x_total"}),
        (Declaration("gauge", "x", ""), {"x"}),
        (Declaration("histogram", "x", "", (), (1.0,)), {"x", "x_count", "x_sum", "x_bucket"}),
        (Declaration("summary", "x", ""), {"x", "x_count", "x_sum"}),
    ],
)
def test_claims_all_names_it_is_exposed_by(declaration: Declaration, names: set[str]) -> None:
    """
    Names derived from a metric's belong to it.
    """
    assert names == declaration.claimed_names


@pytest.mark.parametrize(
    ("declaration", "width"),
    [
        (Declaration("counter", "x_total", ""), 1),
        (Declaration("histogram", "x", "", (), (1.0, 2.0)), 4),
        (Declaration("summary", "x", ""), 2),
    ],
)
def test_width_is_the_number_of_cells(declaration: Declaration, width: int) -> None:
    """
    A histogram has a sum, its buckets and +Inf.
    """
    assert width == declaration.width


def test_help_is_no_part_of_the_schema() -> None:
    """
    Values may be added up when only the text differs.
    """
    assert Declaration("gauge", "x", "One.").schema == Declaration("gauge", "x", "Two.").schema


def test_bounds_lose_their_infinity() -> None:
    """
    prometheus_client's habit of ending with +Inf is understood.
    """
    assert (0.5, 1.0) == bucket_bounds([0.5, 1, math.inf])


def test_bounds_must_be_numbers() -> None:
    """
    Text that is no number is named.
    """
    with pytest.raises(DeclarationError, match="numbers"):
        bucket_bounds(["x"])  # type: ignore[list-item]


@pytest.mark.parametrize("labels", [["otel_metric_overflow"], ["a", "otel_metric_overflow"]])
def test_overflow_label_is_refused_to_the_application(labels: list[str]) -> None:
    """
    It is the name of the one series that takes all refused ones.
    """
    with pytest.raises(DeclarationError, match="reserved"):
        label_names(labels)


def test_one_bare_label_is_refused() -> None:
    """
    A text would be read as one label a letter.
    """
    with pytest.raises(DeclarationError, match="list"):
        label_names("status")


@pytest.mark.parametrize("kind", ["counter", "gauge", "histogram", "summary"])
@pytest.mark.parametrize("given", [None, 5, b"Help.", ["Help."], "\ud800"])
@pytest.mark.parametrize("place", ["help", "unit"])
def test_refuses_what_is_no_text(kind: Any, given: Any, place: str) -> None:
    """
    A help or unit that no page could be written with is named at the declaration.
    """
    name = "x_total" if kind == "counter" else "x"
    buckets = (1.0,) if kind == "histogram" else ()
    texts = {"help": "Help.", "unit": "", place: given}

    with pytest.raises(DeclarationError, match=f"'{name}'.*{place}|{place}.*'{name}'"):
        Declaration(kind, name, labels=(), buckets=buckets, **texts)


def test_refuses_a_counter_that_is_called_by_its_ending() -> None:
    """
    OpenMetrics would have no name for it.
    """
    with pytest.raises(DeclarationError, match="empty"):
        Declaration("counter", "_total", "Help.")


@pytest.mark.parametrize(
    ("labels", "buckets"), [(["a"], (1.0,)), ("a", (1.0,)), (None, (1.0,)), ((), [1.0]), ((), ("1",)), ((), None)]
)
def test_refuses_labels_and_buckets_of_another_kind(labels: Any, buckets: Any) -> None:
    """
    They are tuples, of names and of numbers.
    """
    with pytest.raises(DeclarationError, match="tuple"):
        Declaration("histogram", "x", "Help.", labels, buckets)


@pytest.mark.parametrize("buckets", ["123", b"1", None, 5, [None], [10**400]])
def test_bounds_of_another_kind_are_refused(buckets: Any) -> None:
    """
    A text would be read digit by digit, and some numbers are too large.
    """
    with pytest.raises(DeclarationError, match="numbers"):
        bucket_bounds(buckets)


@pytest.mark.parametrize("labels", [None, 5, b"a"])
def test_label_names_of_another_kind_are_refused(labels: Any) -> None:
    """
    They come as a list.
    """
    with pytest.raises(DeclarationError, match="list"):
        label_names(labels)


def test_an_error_is_one_short_line() -> None:
    """
    Whatever was given does not make it long.
    """
    with pytest.raises(DeclarationError) as refused:
        Declaration("gauge", "x\n" * 1000, "Help.")

    assert len(str(refused.value)) < 200
    assert "\n" not in str(refused.value)
