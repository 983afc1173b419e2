"""
Which of several families of one name are shown.
"""

from __future__ import annotations

import pytest

from otel_kit.catalogue import Declaration
from otel_kit.exposition.families import Family, LeftOut, arrange
from otel_kit.exposition.text import Renderer
from otel_kit.ledger import FamilySnapshot, Series
from tests.exposition.build import counter, faults, gauge, histogram, page, samples, series


def test_one_name_with_different_labels_is_one_family() -> None:
    """
    Two libraries that share a name have one head, and each series its own labels.
    """
    text = page([gauge("pool", series(1.0, db="a")), gauge("depth"), gauge("pool", series(2.0, host="h", zone="z"))])

    assert 1 == text.count("# TYPE pool gauge")
    assert {("pool", (("db", "a"),)): 1.0, ("pool", (("host", "h"), ("zone", "z"))): 2.0} == samples(text)


def test_the_same_series_twice_is_shown_once() -> None:
    """
    A doubled series would make Prometheus refuse the page: the first stays, the other is counted.
    """
    before = faults()
    text = page([gauge("pool", series(1.0, db="a")), gauge("pool", series(2.0, db="a"), series(3.0, db="b"))])

    assert {("pool", (("db", "a"),)): 1.0, ("pool", (("db", "b"),)): 3.0} == samples(text)
    assert before + 1 == faults()


def test_of_two_kinds_the_first_is_shown() -> None:
    """
    A name has one type: the later family is left out and counted.
    """
    before = faults()
    text = page([gauge("pool", series(1.0)), histogram("pool", (1.0,), series(1.0, 1.0, 0.0))])

    assert {("pool", ()): 1.0} == samples(text)
    assert before + 1 == faults()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (histogram("took", (1.0,)), gauge("took_sum")),
        (gauge("took_bucket"), histogram("took", (1.0,))),
        (Family("summary", "size", "", []), counter("size_count")),
    ],
)
def test_sample_names_belong_to_one_family(first: Family, second: Family) -> None:
    """
    A family whose samples would have another one's names is left out.
    """
    assert [[first]] == arrange([first, second], False, LeftOut()) or second.kind == "counter"
    assert [[first]] == arrange([first, second], True, LeftOut()) or second.kind == "counter"


def test_a_counter_takes_more_names_in_openmetrics() -> None:
    """
    `jobs` beside `jobs_total` is fine in the text format, and a clash in OpenMetrics.
    """
    families = [counter("jobs_total", series(1.0)), gauge("jobs", series(2.0))]

    assert {("jobs_total", ()): 1.0, ("jobs", ()): 2.0} == samples(page(families))
    assert {("jobs_total", ()): 1.0} == samples(page(families, openmetrics=True), openmetrics=True)


def test_a_bad_name_is_left_out() -> None:
    """
    A name that neither format can hold costs its own family only.
    """
    before = faults()

    assert {("depth", ()): 1.0} == samples(
        page([gauge("de pth", series(1.0)), gauge("", series(1.0)), gauge("depth", series(1.0))])
    )
    assert before + 2 == faults()


def test_one_reason_is_counted_once() -> None:
    """
    What is left out of every page is one fault, not one a scrape.
    """
    before, left_out = faults(), LeftOut()
    for _ in range(5):
        left_out.add("pool", "no reason")
    left_out.add("pool", "another reason")

    assert before + 2 == faults()


def test_a_declared_unit_becomes_prometheus_word() -> None:
    """
    The catalogue speaks OpenTelemetry's units, the page Prometheus'.
    """
    family = Family.of(FamilySnapshot(Declaration("gauge", "age_seconds", "", unit="s"), []))

    assert "seconds" == family.unit
    assert "# UNIT age_seconds seconds\n" in page([family], openmetrics=True)


@pytest.mark.parametrize("openmetrics", [False, True])
@pytest.mark.parametrize(
    "odd",
    [
        Family("counter", "_total", "Help.", [series(1.0)]),
        Family("gauge", "x", None, [series(1.0)]),  # type: ignore[arg-type]
        Family("gauge", "x", 5, [series(1.0)]),  # type: ignore[arg-type]
        Family("gauge", None, "Help.", [series(1.0)]),  # type: ignore[arg-type]
        Family("gauge", ["x"], "Help.", [series(1.0)]),  # type: ignore[arg-type]
        Family("spiral", "x", "Help.", [series(1.0)]),  # type: ignore[arg-type]
        Family("gauge", "x", "Help.", [series(1.0)], labels=["a"]),  # type: ignore[arg-type]
        Family("gauge", "x", "Help.", [Series([["a", "b"]], (1.0,))]),  # type: ignore[arg-type]
    ],
)
def test_a_family_that_cannot_be_written_costs_the_page_nothing_else(odd: Family, openmetrics: bool) -> None:
    """
    It is left out and counted; what stands before and behind it is shown, on this page and the next.
    """
    before, renderer = faults(), Renderer()
    rest = [counter("orders_total", series(3.0)), odd, gauge("depth", series(2.0))]
    pages = [page(rest, openmetrics, renderer) for _ in range(2)]

    assert [{("orders_total", ()): 3.0, ("depth", ()): 2.0}] * 2 == [samples(each, openmetrics) for each in pages]
    assert before + 1 == faults()
