"""
How many attributes a server span holds: the rings', the application's, and no more than the limit.
"""

from __future__ import annotations

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider

from otel_kit.telemetry.light_span import ServerSpan
from otel_kit.telemetry.server_tracer import ServerTracer
from tests.telemetry.test_usual import END, START


def made(limit: int, added: int = 0) -> ReadableSpan:
    """
    A finished server span, to which the application has added so many attributes.
    """
    limits = SpanLimits(max_span_attributes=limit)
    provider = TracerProvider(span_limits=limits, shutdown_on_exit=False)
    span = ServerTracer(provider.get_tracer("otel_kit")).start("GET", Context(), dict(START), (), 1)
    for number in range(added):
        span.set_attribute(f"mine.{number}", number)
    if isinstance(span, ServerSpan):
        span.complete("GET /items/{id}", END, False)
    else:
        span.set_attributes(END)
    span.end(2)
    assert isinstance(span, ReadableSpan)
    return span


@pytest.mark.parametrize(
    ("limit", "added", "held", "dropped"),
    [
        (128, 0, 12, 0),
        (128, 10, 22, 0),
        (128, 130, 128, 14),
        (20, 8, 20, 0),
        (20, 9, 20, 1),
        (20, 30, 20, 22),
        (12, 0, 12, 0),
        (5, 0, 5, 7),
        (5, 3, 5, 10),
        (0, 0, 0, 12),
    ],
)
def test_no_more_attributes_than_the_limit(limit: int, added: int, held: int, dropped: int) -> None:
    """
    What goes beyond the limit is dropped and counted, also where the rings alone have more.
    """
    span = made(limit, added)

    assert (held, dropped) == (len(span.attributes or {}), span.dropped_attributes)


def test_outcome_is_kept_where_the_application_fills_the_span() -> None:
    """
    The last attributes to come are those of the answer, and the oldest make room for them.
    """
    attributes = made(20, 30).attributes or {}

    assert END == {key: attributes.get(key) for key in END}
