"""
What a request leaves in the metrics of a profile.
"""

from __future__ import annotations

import pytest

from otel_kit import ConfigurationError, Histogram, Summary
from otel_kit.context import RequestRecord
from otel_kit.ledger import Counter, Registry
from otel_kit.ledger.children import HistogramChild
from otel_kit.profiles import Profile, RequestMetric
from otel_kit.profiles.goblin import PROFILE
from otel_kit.request_metrics import RequestMetrics

IDS = ("0" * 31 + "1", "0" * 15 + "1")


def metrics_of(requested: RequestMetric) -> RequestMetrics:
    """
    Of a profile with one metric.
    """
    return RequestMetrics(Profile("harbour", (requested.metric,), (requested,), PROFILE.layout))


def record_of(seconds: float) -> RequestRecord:
    """
    A request that is over.
    """
    record = RequestRecord({"type": "http", "path": "/x", "headers": []}, "an-id")
    record.status_code, record.duration_seconds = 200, seconds
    return record


def new_histogram(name: str = "wait") -> Histogram:
    return Histogram(name, "Wait.", registry=Registry(), buckets=(10.0, 100.0))


def test_a_duration_may_be_in_milliseconds() -> None:
    """
    What is observed is the seconds times the scale, with its exemplar.
    """
    wait = new_histogram()

    metrics_of(RequestMetric("duration", wait, scale=1000)).record(record_of(0.05), IDS)

    assert (50.0, 0.0, 1.0, 0.0) == wait.unlabelled.values()
    assert [50.0] == [exemplar.value for exemplar in wait.unlabelled.exemplars() if exemplar]


@pytest.mark.parametrize(
    ("name", "scale", "observed"),
    [
        ("wait_ms", None, 50.0),
        ("wait_milliseconds", None, 50.0),
        ("wait_seconds", None, 0.05),
        ("wait_us", 1_000_000, 50_000.0),
        ("wait_ms", 1, 0.05),
    ],
)
def test_the_unit_of_a_duration_follows_from_the_name(name: str, scale: float | None, observed: float) -> None:
    """
    As for the metric's own timer, unless a scale says otherwise.
    """
    wait = new_histogram(name)

    metrics_of(RequestMetric("duration", wait, scale=scale)).record(record_of(0.05), None)

    assert observed == wait.unlabelled.values()[0]


def test_a_size_has_no_unit_of_time() -> None:
    """
    Bytes are counted as they are, whatever the metric is called.
    """
    record, size = record_of(0.05), new_histogram("answer_ms")
    record.response_size = 20

    metrics_of(RequestMetric("response_size", size)).record(record, None)

    assert 20.0 == size.unlabelled.values()[0]


def test_a_duration_in_seconds_goes_straight_to_its_cell() -> None:
    """
    Nothing stands between.
    """
    wait = new_histogram()
    metrics = metrics_of(RequestMetric("duration", wait))
    metrics.record(record_of(50.0), None)
    (bundle,) = metrics._bundles.values()

    assert [HistogramChild] == [type(cell) for cell in bundle[1]]
    assert bundle[1][0] is wait.unlabelled


@pytest.mark.parametrize(("scale", "value"), [(1.0, 0.25), (1000.0, 250.0)])
def test_a_duration_may_be_a_summary(scale: float, value: float) -> None:
    """
    Sum and count, though a summary has no place for the exemplar.
    """
    wait = Summary("wait", "Wait.", registry=Registry())

    metrics_of(RequestMetric("duration", wait, scale=scale)).record(record_of(0.25), IDS)

    assert (value, 1.0) == wait.unlabelled.values()


@pytest.mark.parametrize("scale", [0, -1, float("inf"), "1000", True])
def test_a_scale_is_a_number_above_zero(scale: object) -> None:
    """
    Anything else is refused when the profile is made.
    """
    with pytest.raises(ConfigurationError, match="scale"):
        RequestMetric("duration", new_histogram(), scale=scale)  # type: ignore[arg-type]


def test_only_durations_have_a_scale() -> None:
    """
    A count has no unit.
    """
    with pytest.raises(ConfigurationError, match="the role total has no scale"):
        RequestMetric("total", Counter("calls", "Calls.", registry=Registry()), scale=1000)
