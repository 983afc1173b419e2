"""
Whole pages in both formats.
"""

from __future__ import annotations

import math
import re

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client import Counter as PrometheusCounter
from prometheus_client import Gauge as PrometheusGauge
from prometheus_client import Histogram as PrometheusHistogram
from prometheus_client import Summary as PrometheusSummary
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from otel_kit.exposition.families import Family
from otel_kit.exposition.text import Renderer
from otel_kit.ledger import Counter, Exemplar, Gauge, Histogram, Ledger, Summary
from otel_kit.ledger.registry import Registry
from tests.exposition.build import counter, faults, gauge, histogram, page, samples, series

BUCKETS = (0.5, 1.0, 2.5)
EXEMPLAR = Exemplar("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", 0.75, 1700000000.25)


def test_the_documented_lines_to_the_letter() -> None:
    """
    Lines look as the contract shows them: order of labels, integral values, `le="1.0"`.
    """
    where = {"method": "POST", "endpoint": "/chat/completions"}
    text = page(
        [
            counter("http_requests_total", series(42.0, **where, status_code="200")),
            histogram("http_request_duration_seconds", (0.1, 1.0), series(9.5, 30.0, 5.0, 1.0, **where)),
            gauge("service_health_status", series(1.0, service_name="chroma")),
        ]
    ).splitlines()

    assert 'http_requests_total{method="POST",endpoint="/chat/completions",status_code="200"} 42' in text
    assert 'http_request_duration_seconds_bucket{method="POST",endpoint="/chat/completions",le="1.0"} 35' in text
    assert 'service_health_status{service_name="chroma"} 1' in text


def test_buckets_sum_and_count_agree() -> None:
    """
    Buckets are cumulative, +Inf is the count, and the sum is the sum.
    """
    found = samples(page([histogram("took_seconds", BUCKETS, series(12.5, 1.0, 2.0, 0.0, 4.0))]))

    assert [1.0, 3.0, 3.0, 7.0] == [found["took_seconds_bucket", (("le", le),)] for le in ("0.5", "1.0", "2.5", "+Inf")]
    assert 7.0 == found["took_seconds_count", ()]
    assert 12.5 == found["took_seconds_sum", ()]


def test_openmetrics_names_counters_without_total_and_ends_with_eof() -> None:
    """
    The head has the family's name, the sample its suffix, and the page its end.
    """
    text = page([counter("orders_total", series(3.0))], openmetrics=True)

    assert "# HELP orders Orders taken.\n# TYPE orders counter\norders_total 3\n# EOF\n" == text


def test_text_names_counters_with_total() -> None:
    """
    In the text format head and sample have the one name.
    """
    expected = "# HELP orders_total Orders taken.\n# TYPE orders_total counter\norders_total 3\n"

    assert expected == page([counter("orders_total", series(3.0))])


def test_exemplars_are_on_buckets_and_counters_of_openmetrics_alone() -> None:
    """
    The exemplar follows its bucket or counter, leads to the trace, and the text format has none.
    """
    families = [
        counter("orders_total", series(3.0, exemplars=(EXEMPLAR,))),
        histogram(
            "took_seconds", BUCKETS, series(0.75, 0.0, 1.0, 0.0, 0.0, exemplars=(None, None, EXEMPLAR, None, None))
        ),
        gauge("depth", series(3.0, exemplars=(EXEMPLAR,))),
    ]
    ids = 'trace_id="4bf92f3577b34da6a3ce929d0e0e4736",span_id="00f067aa0ba902b7"'
    text = page(families, openmetrics=True)

    assert f"orders_total 3 # {{{ids}}} 0.75 1700000000.250\n" in text
    assert f'took_seconds_bucket{{le="1.0"}} 1 # {{{ids}}} 0.75 1700000000.250\n' in text
    assert 2 == text.count(" # {")
    assert " # {" not in page(families)


def test_exemplars_read_back() -> None:
    """
    A parser finds trace, span, value and time of an exemplar.
    """
    row = series(0.75, 0.0, 1.0, 0.0, 0.0, exemplars=(None, None, EXEMPLAR, None, None), path="a\x0bb\u2028c")
    (family,) = parse_openmetrics(page([histogram("took_seconds", BUCKETS, row)], openmetrics=True))
    (found,) = [sample.exemplar for sample in family.samples if sample.exemplar]

    assert {"trace_id": EXEMPLAR.trace_id, "span_id": EXEMPLAR.span_id} == found.labels
    assert (0.75, 1700000000.25) == (found.value, float(found.timestamp))


def test_an_exemplar_with_odd_ids_is_not_shown() -> None:
    """
    Ids that are no ids can't break the line.
    """
    odd = Exemplar('"} 1\n', "x", 1.0, 1.0)

    assert "orders_total 3\n" in page([counter("orders_total", series(3.0, exemplars=(odd,)))], openmetrics=True)


@pytest.mark.parametrize(
    ("expected", "name", "unit"),
    [
        ("# UNIT took_seconds seconds\n", "took_seconds", "seconds"),
        ("", "took_ms", "seconds"),
        ("", "took", "took"),
        ("", "took", ""),
    ],
)
def test_a_unit_is_said_only_where_the_name_ends_with_it(expected: str, name: str, unit: str) -> None:
    """
    OpenMetrics allows a unit only as the suffix of the name.
    """
    text = page([Family("gauge", name, "", [series(1.0)], unit=unit)], openmetrics=True)

    assert expected == "".join(re.findall("# UNIT.*\n", text))
    assert {(name, ()): 1.0} == samples(text, openmetrics=True)


def test_gauges_may_be_no_number() -> None:
    """
    NaN and the infinities are values of a gauge in both formats.
    """
    family = gauge("depth", series(math.nan, of="a"), series(math.inf, of="b"), series(-math.inf, of="c"))
    lines = page([family]).splitlines()[2:]

    assert ['depth{of="a"} NaN', 'depth{of="b"} +Inf', 'depth{of="c"} -Inf'] == lines
    assert 3 == len(samples(page([family], openmetrics=True), openmetrics=True))


def test_help_is_escaped_by_each_formats_rule() -> None:
    """
    Backslash and line end are escaped in both formats, the quote in OpenMetrics only.
    """
    family = Family("gauge", "depth", 'a\\b\nc "d" \ud800', [])

    assert '# HELP depth a\\\\b\\nc "d" ?\n' in page([family])
    assert '# HELP depth a\\\\b\\nc \\"d\\" ?\n' in page([family], openmetrics=True)


def test_info_is_a_gauge_in_text_and_an_info_in_openmetrics() -> None:
    """
    `target_info` has the type that each format knows.
    """
    family = Family("info", "target_info", "Target metadata", [series(1.0, service_name="shop")])

    assert '# TYPE target_info gauge\ntarget_info{service_name="shop"} 1\n' in page([family])
    assert '# TYPE target info\ntarget_info{service_name="shop"} 1\n' in page([family], openmetrics=True)


def test_a_histogram_with_negative_bounds_has_no_sum_in_openmetrics() -> None:
    """
    OpenMetrics forbids the sum there, which may fall; the text format keeps it.
    """
    family = histogram("drift", (-1.0, 1.0), series(-0.5, 1.0, 1.0, 0.0))

    assert ("drift_sum", ()) in samples(page([family]))
    assert [("drift_bucket", (("le", le),)) for le in ("-1.0", "1.0", "+Inf")] == list(
        samples(page([family], openmetrics=True), openmetrics=True)
    )


def test_a_metric_without_series_still_has_its_head() -> None:
    """
    A documented name is on the page before anything was counted.
    """
    expected = "# HELP orders_total Orders taken.\n# TYPE orders_total counter\n"

    assert expected == page([counter("orders_total")])
    assert {} == samples(page([counter("orders_total")], openmetrics=True), openmetrics=True)


BAD_ROWS = [
    series(1.0, **{"a b": "x"}),
    series(1.0, **{"": "x"}),
    series(1.0, **{"1st": "x"}),
    series(-1.0, of="negative"),
    series(math.nan, of="nan"),
    series(of="no value"),
    series("text", of="text"),  # type: ignore[arg-type]
    series(1.0, of=7),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("row", BAD_ROWS)
@pytest.mark.parametrize("openmetrics", [False, True])
def test_a_series_that_cannot_be_written_costs_only_itself(row: object, openmetrics: bool) -> None:
    """
    Bad labels and values are left out and counted, and the rest of the page stands.
    """
    before, renderer = faults(), Renderer()
    families = [counter("orders_total", series(1.0, of="a"), row, series(2.0, of="b")), gauge("depth", series(5.0))]  # type: ignore[arg-type]
    expected = {("orders_total", (("of", "a"),)): 1.0, ("orders_total", (("of", "b"),)): 2.0, ("depth", ()): 5.0}

    assert expected == samples(page(families, openmetrics, renderer), openmetrics)
    assert expected == samples(page(families, openmetrics, renderer), openmetrics)
    assert before + 1 == faults()


def test_a_histogram_with_a_label_of_its_own_called_le_is_left_out() -> None:
    """
    A label that the kind needs itself can't be a caller's.
    """
    before = faults()

    assert {} == samples(page([histogram("took_seconds", (1.0,), series(1.0, 1.0, 0.0, le="x"))]))
    assert before + 1 == faults()


def test_a_histogram_declared_anew_with_other_bounds_is_written_with_them() -> None:
    """
    Text kept from an earlier page is not used for another shape.
    """
    renderer = Renderer()
    page([histogram("took_seconds", (1.0,), series(1.0, 1.0, 0.0))], renderer=renderer)
    text = page([histogram("took_seconds", (1.0, 2.0), series(1.0, 1.0, 0.0, 0.0))], renderer=renderer)

    assert ("took_seconds_bucket", (("le", "2.0"),)) in samples(text)


def test_kept_text_follows_the_series() -> None:
    """
    What is kept between pages is bounded by what the last page showed.
    """
    renderer = Renderer()
    for turn in range(50):
        page([counter("orders_total", *(series(1.0, of=f"{turn}-{n}") for n in range(100)))], renderer=renderer)
    page([gauge("depth", series(1.0))], renderer=renderer)

    assert ["depth"] == list(renderer._kept)

    for turn in range(50):
        page([gauge("depth", *(series(1.0, of=f"{turn}-{n}") for n in range(100)))], renderer=renderer)
    (kept,) = renderer._kept["depth"].values()

    assert len(kept.templates) <= 2 * 100 + 64
    assert len(kept.runs) <= 2


VALUES = [0.0, 1.0, 42.0, 0.5, 1e16, 1e-7, 1e22, 10.0, 100.0, 5.05, math.inf]


@pytest.mark.parametrize("openmetrics", [False, True])
def test_a_second_page_is_written_like_the_first(openmetrics: bool) -> None:
    """
    The text that is kept from page to page never changes a letter, whatever the values.
    """
    renderer = Renderer()
    rows = [series(value, of=f"{value} nan\n.0\n") for value in [*VALUES, *range(200)]]
    signed = [*rows, series(-math.inf, of="a"), series(math.nan, of="b"), series(-3.0, of="c")]
    families = [counter("orders_total", *rows), gauge("depth", *signed)]
    first = page(families, openmetrics, renderer)

    assert first == page(families, openmetrics, renderer)
    assert first == page(families, openmetrics)


def test_a_series_that_goes_bad_on_a_later_page_is_left_out_then() -> None:
    """
    What is kept of a good series does not carry a bad value onto the page.
    """
    renderer = Renderer()
    good, gone, odd = ([series(1.0, of="a"), series(value, of="b")] for value in (2.0, math.nan, -1.0))
    expected = {("orders_total", (("of", "a"),)): 1.0}
    page([counter("orders_total", *good)], renderer=renderer)

    assert expected == samples(page([counter("orders_total", *gone)], renderer=renderer))
    assert expected == samples(page([counter("orders_total", *odd)], renderer=renderer))


def test_series_may_come_in_another_order() -> None:
    """
    Values follow their series when the order changes or one goes.
    """
    renderer, rows = Renderer(), [series(float(n), of=str(n)) for n in range(100)]
    for shown in (rows, rows[::-1], rows[1:], rows[:50] + rows[51:]):
        expected = {("depth", (("of", row.labels[0][1]),)): row.values[0] for row in shown}
        assert expected == samples(page([gauge("depth", *shown)], renderer=renderer))


def test_many_series_come_in_pieces() -> None:
    """
    A long family is handed over bit by bit, so that a caller can pause.
    """
    pieces = list(Renderer().chunks([counter("orders_total", *(series(1.0, of=str(n)) for n in range(1000)))], False))

    assert 16 < len(pieces)
    assert max(piece.count("\n") for piece in pieces) <= 64


def _both() -> tuple[Ledger, CollectorRegistry]:
    """
    The same observations in our ledger and in prometheus_client.
    """
    mine, theirs = Registry(), CollectorRegistry()
    ledger = Ledger(mine)
    for status, amount in (("paid", 3.0), ('o"d\\d\n', 0.5)):
        Counter("orders_total", "Orders.\nTaken.", ["status"], registry=mine).labels(status).inc(amount)
        PrometheusCounter("orders_total", "Orders.\nTaken.", ["status"], registry=theirs).labels(status).inc(
            amount
        ) if status == "paid" else theirs._names_to_collectors["orders_total"].labels(status).inc(amount)  # type: ignore[attr-defined]
    for gauge_class, registry in ((Gauge, mine), (PrometheusGauge, theirs)):
        gauge_class("depth", "Depth.", registry=registry).set(-2.5)  # type: ignore[operator]
    for histogram_class, registry in ((Histogram, mine), (PrometheusHistogram, theirs)):
        took = histogram_class("took_seconds", "Took.", ["path"], registry=registry, buckets=(0.1, 1, 5e6))  # type: ignore[operator]
        for value in (0.1, 0.5, 7.0, 1e7):
            took.labels("/a").observe(value)
    for summary_class, registry in ((Summary, mine), (PrometheusSummary, theirs)):
        summary_class("size_bytes", "Size.", registry=registry).observe(12.0)  # type: ignore[operator]
    return ledger, theirs


@pytest.mark.parametrize("openmetrics", [False, True])
def test_the_same_metrics_read_as_from_prometheus_client(openmetrics: bool) -> None:
    """
    For equal observations every sample and head is prometheus_client's, but for `_created` and our own metrics.
    """
    ledger, registry = _both()
    ours = page([Family.of(snapshot) for snapshot in ledger.snapshot()], openmetrics)
    theirs = (generate_openmetrics if openmetrics else generate_latest)(registry).decode()

    assert {key: value for key, value in samples(theirs, openmetrics).items() if not key[0].endswith("_created")} == {
        key: value for key, value in samples(ours, openmetrics).items() if not key[0].startswith("otel_kit_")
    }
    heads = [line for line in theirs.splitlines() if line.startswith("#") and "_created" not in line]
    assert set(heads) <= set(ours.splitlines())
