"""
The letters of one series.
"""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.utils import floatToGoString

from otel_kit.exposition.samples import bound, escaped, number
from tests.exposition.build import counter, page, samples, series


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("42", 42.0),
        ("0", 0.0),
        ("-3", -3.0),
        ("1.234", 1.234),
        ("50000", 50000.0),
        ("1e+16", 1e16),
        ("1e-07", 1e-07),
        ("NaN", math.nan),
        ("+Inf", math.inf),
        ("-Inf", -math.inf),
    ],
)
def test_values_are_written_as_documented(expected: str, value: float) -> None:
    """
    Integral values have no fraction, and what is no number is written as Go does.
    """
    assert expected == number(value)


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("1.0", 1.0),
        ("0.005", 0.005),
        ("10.0", 10.0),
        ("1e+06", 1e6),
        ("1.2e+07", 1.2e7),
        ("1e-05", 1e-5),
        ("-1.0", -1.0),
    ],
)
def test_bounds_are_written_canonically(expected: str, value: float) -> None:
    """
    A bound always looks like a float, as OpenMetrics' canonical numbers do.
    """
    assert expected == bound(value)


@given(st.floats(min_value=-1e20, max_value=1e20, allow_nan=False).map(lambda value: round(value, 3)))
def test_bounds_are_those_of_prometheus_client(value: float) -> None:
    """
    Any bound is written as prometheus_client writes it, so that a migrated histogram keeps its series.
    """
    assert floatToGoString(value) == bound(value)


@given(st.floats(allow_nan=False))
def test_a_value_reads_back_as_itself(value: float) -> None:
    """
    No value loses a digit on its way.
    """
    assert value == float(number(value))


@given(st.text(max_size=50))
def test_any_label_value_reads_back(value: str) -> None:
    """
    Quotes, backslashes, line ends and any other character survive both formats; NUL alone is replaced.
    """
    expected = {("orders_total", (("status", value.replace("\0", "?")),)): 7.0}
    family = counter("orders_total", series(7.0, status=value))

    assert expected == samples(page([family]))
    assert expected == samples(page([family], openmetrics=True), openmetrics=True)


def test_what_utf8_cannot_carry_is_replaced() -> None:
    """
    A lone surrogate becomes a question mark, so that the page can always be encoded.
    """
    assert "a?b" == escaped("a\ud800b")


def test_a_percent_sign_in_a_label_stays() -> None:
    """
    Templates do not read label values.
    """
    assert 'orders_total{status="100%s %d %%"} 1\n' in page(
        [counter("orders_total", series(1.0, status="100%s %d %%"))]
    )
