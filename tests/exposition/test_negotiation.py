"""
Which form a scraper gets.
"""

from __future__ import annotations

import pytest

from otel_kit.exposition.negotiation import form_of

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
PROMETHEUS_3_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6," + PROMETHEUS_3
)
CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("expected", "accept"),
    [
        (True, PROMETHEUS_2),
        (True, PROMETHEUS_3),
        (True, PROMETHEUS_3_PROTOBUF),
        (True, "application/openmetrics-text"),
        (True, "Application/OpenMetrics-Text; Version=1.0.0"),
        (True, 'application/openmetrics-text; version="1.0.0"'),
        (True, "text/plain;q=0.3, application/openmetrics-text;q=0.4"),
        (True, "application/openmetrics-text;version=1.0.0, */*"),
        (False, "text/plain;q=0.5, application/openmetrics-text;q=0.4"),
        (False, "application/openmetrics-text;q=0"),
        (False, "application/openmetrics-text;version=0.0.1"),
        (False, "application/openmetrics-text;version=2.0.0"),
        (False, "application/openmetrics-text;q=much"),
        (False, "application/openmetrics-text;q=7"),
        (False, CHROME),
        (False, "*/*"),
        (False, "application/json"),
        (False, ""),
        (False, ";;;,,,=;q=,\x00"),
    ],
)
def test_openmetrics_is_for_who_names_it_and_likes_it_no_less(expected: bool, accept: str) -> None:
    """
    OpenMetrics goes to scrapers that ask for version 1.0.0 of it, and the text format to everybody else.
    """
    assert expected == form_of(accept, "").openmetrics


@pytest.mark.parametrize(
    ("expected", "accept_encoding"),
    [
        (True, "gzip"),
        (True, "deflate, GZIP;q=0.5"),
        (True, "x-gzip"),
        (True, "*"),
        (False, "gzip;q=0, *"),
        (False, "*;q=0"),
        (False, "identity"),
        (False, "gzip;q=nan"),
        (False, ""),
    ],
)
def test_gzip_is_for_who_accepts_it(expected: bool, accept_encoding: str) -> None:
    """
    The page is compressed only for who said so, and `q=0` is a refusal.
    """
    assert expected == form_of("", accept_encoding).gzip


def test_a_very_long_header_is_read_in_bounded_time() -> None:
    """
    Of a list without end only the beginning is read.
    """
    assert not form_of("text/html," * 50_000 + "application/openmetrics-text", "").openmetrics


def test_content_types_are_those_prometheus_knows() -> None:
    """
    The two content types, to the letter.
    """
    assert b"text/plain; version=0.0.4; charset=utf-8" == form_of("", "").content_type
    assert b"application/openmetrics-text; version=1.0.0; charset=utf-8" == form_of(PROMETHEUS_3, "").content_type
