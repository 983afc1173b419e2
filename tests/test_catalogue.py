"""
Declarations: what is refused, and what belongs together.
"""

from __future__ import annotations

import math

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
