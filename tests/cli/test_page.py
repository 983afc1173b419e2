"""
What has moved between two looks at `/metrics`.
"""

from __future__ import annotations

from otel_kit.cli.page import Movement, Page, movements

BEFORE = """
# TYPE orders counter
orders_total{kind="tea"} 2
# TYPE wait_seconds histogram
wait_seconds_bucket{le="1.0"} 1
wait_seconds_sum 0.5
wait_seconds_count 1
# TYPE up gauge
up{name="old"} 1
"""
AFTER = """
# TYPE orders counter
orders_total{kind="tea"} 2
orders_total{kind="a # {b}"} 3 # {trace_id="abc",span_id="def"} 1 1700000000.0
# TYPE wait_seconds histogram
wait_seconds_bucket{le="1.0"} 3
wait_seconds_sum 2.5
wait_seconds_count 3
# TYPE up gauge
up{name="old"} 1
up{name="new"} 0
# EOF
"""


def test_what_has_moved_is_told_by_kind() -> None:
    """
    A counter's increase, a histogram's new observations with their mean, a gauge that is new.
    """
    found = movements(Page(BEFORE), Page(AFTER), ("up", "orders_total", "wait_seconds", "absent"))

    assert [
        Movement("up", '{name="new"}', 0.0),
        Movement("orders_total", '{kind="a # {b}"}', 3.0),
        Movement("wait_seconds", "", 2.0, 1.0),
    ] == found


def test_exemplars_lead_to_traces() -> None:
    """
    The trace id of a series' exemplar, whatever is in its labels.
    """
    assert {("orders_total", '{kind="a # {b}"}'): "abc"} == Page(AFTER).exemplars


def test_series_are_summed_by_a_label() -> None:
    """
    All series of a name, or those with this label.
    """
    page = Page(AFTER)

    assert (5.0, 2.0) == (page.total("orders_total"), page.total("orders_total", 'kind="tea"'))
