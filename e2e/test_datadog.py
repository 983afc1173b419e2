"""
Datadog, which no test can reach: what knocks at its door, and what that says once decoded.

A recording server stands for the door: paths, headers, compression. A second Collector stands for the store.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from e2e import otlp
from e2e.collectors import items_of
from e2e.doors import RESOURCE, SIGNALS, knocking, sending
from e2e.programs import Collector, Double, double, wait_for
from e2e.recorder import Recorder
from e2e.services.serving import serve_pair
from e2e.spans import plain

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
DELTA = 1
KINDS = ("sum", "gauge", "histogram", "exponentialHistogram")


def datadog(url: str) -> dict[str, str]:
    """
    Variables of a Datadog that is elsewhere.
    """
    return {"DD_API_KEY": "0123456789abcdef0123456789abcdef", "DD_OTLP_ENDPOINT": url}


class Datadog(NamedTuple):
    """
    A Collector that sends to Datadog, and what stands for Datadog.
    """

    collector: Collector
    store: Double

    def metrics(self, name: str) -> list[dict[str, Any]]:
        """
        Each metric of this name that came, oldest first.
        """
        return [metric for metric in self.store.series() if metric["name"] == name]

    def points(self, name: str, **attributes: str) -> list[dict[str, Any]]:
        """
        Their points that have these attributes, with `_` for a dot; waits until there is one.
        """
        wanted = {key.replace("_", "."): value for key, value in attributes.items()}

        def found() -> list[dict[str, Any]]:
            points = [point for metric in self.metrics(name) for kind in KINDS for point in points_of(metric, kind)]
            return [point for point in points if wanted.items() <= plain(point.get("attributes", ())).items()]

        return wait_for(found, f"points of {name} {wanted}", timeout=25)

    def sum(self, name: str, **attributes: str) -> float:
        """
        All deltas together.
        """
        return sum(float(point.get("asInt") or point["asDouble"]) for point in self.points(name, **attributes))


def points_of(metric: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """
    The points of a metric that is of this kind, else none.
    """
    points: list[dict[str, Any]] = metric.get(kind, {}).get("dataPoints", [])
    return points


@pytest.fixture(scope="module")
def datadogs_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Datadog]:
    """
    One of each signal has been sent; statistics come each half second rather than each tenth.
    """
    quickly = {"connectors": {"span_metrics/datadog": {"metrics_flush_interval": "500ms"}}}
    directory = tmp_path_factory.mktemp("datadog")
    with double(directory / "store") as store, sending(directory, "datadog", datadog(store.url), quickly) as running:
        yield Datadog(running, store)


@pytest.fixture(scope="module")
def datadogs_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """
    Where Datadog listens.
    """
    with knocking(tmp_path_factory, "datadog", datadog) as door:
        yield door


@pytest.mark.parametrize("path", SIGNALS)
def test_datadog_is_asked_in_its_own_way(datadogs_door: Recorder, path: str) -> None:
    """
    Each signal comes to its OTLP path with the key, the wish for tags, and zstd.
    """
    request = datadogs_door.first(path)

    assert datadog("")["DD_API_KEY"] == request.headers["dd-api-key"]
    assert (
        '{"resource_attributes_as_tags": true, "instrumentation_scope_metadata_as_tags": true}'
        == (request.headers["dd-otel-metric-config"])
    )
    assert ("zstd", ZSTD_MAGIC) == (request.headers["content-encoding"], request.body[:4])
    assert "application/x-protobuf" == request.headers["content-type"]


@pytest.mark.parametrize(
    ("signal", "group", "items"),
    [("traces", "Spans", "spans"), ("logs", "Logs", "logRecords"), ("metrics", "Metrics", "metrics")],
)
def test_datadog_can_name_environment_service_and_version(
    datadogs_store: Datadog, signal: str, group: str, items: str
) -> None:
    """
    Every signal has the three attributes that Datadog makes env, service and version of.
    """
    kept = wait_for(lambda: datadogs_store.store.kept(signal), signal)
    resource, _ = next(items_of(kept[0], group, items))

    assert RESOURCE.items() <= plain(resource["attributes"]).items()


@pytest.mark.parametrize(
    ("name", "age_seconds", "deltas"), [("young_total", 0, [5, 3, 7]), ("old_total", 3600, [3, 7])]
)
def test_datadog_gets_what_is_new(datadogs_store: Datadog, name: str, age_seconds: int, deltas: list[int]) -> None:
    """
    A counter at 5, 8 and 15 goes out as 5, 3 and 7; one that is older than the Collector has an unknown first share.
    """
    start = time.time_ns() - age_seconds * 10**9
    for value in (5, 8, 15):
        request = otlp.metrics([otlp.sum_of(name, value, {"kind": "paid"}, start=start)], RESOURCE)
        assert 200 == otlp.send(datadogs_store.collector.url, request).status
    wait_for(lambda: len(datadogs_store.points(name)) >= len(deltas), "the points")

    assert deltas == [int(point["asInt"]) for point in datadogs_store.points(name)]
    assert {DELTA} == {metric["sum"]["aggregationTemporality"] for metric in datadogs_store.metrics(name)}


def test_datadog_gauges_stay_gauges(datadogs_store: Datadog) -> None:
    """
    What is no sum is not turned into one.
    """
    assert [7.0] == [point["asDouble"] for point in datadogs_store.points("shelf_items")]


def test_datadog_has_statistics_of_spans(datadogs_store: Datadog) -> None:
    """
    Requests and durations by service and route are sent as deltas, as Datadog's APM pages want them.
    """
    name = {"service_name": "shop", "span_name": "POST /orders", "http_route": "/orders"}
    datadogs_store.points("traces.span.metrics.duration", **name)
    durations = datadogs_store.metrics("traces.span.metrics.duration")

    assert 1 == datadogs_store.sum("traces.span.metrics.calls", **name)
    assert {("s", DELTA)} == {
        (metric["unit"], metric["exponentialHistogram"]["aggregationTemporality"]) for metric in durations
    }


def test_requests_of_our_services_add_up_in_datadog(datadogs_store: Datadog, tmp_path: Path) -> None:
    """
    Deltas of the kit's request counter, and those of the statistics, add up to what was asked over several exports.
    """
    ours, counted = {"endpoint": "/chat/{model}"}, "http_requests_total"
    with serve_pair(datadogs_store.collector.url, tmp_path) as services:
        for asked, known in ((3, 3), (4, 7)):
            answers = [services.assistant.ask("POST", "/chat/gpt-4").status for _ in range(asked)]
            assert [200] * asked == answers
            wait_for(lambda known=known: datadogs_store.sum(counted, **ours) >= known, "they are counted")  # type: ignore[misc]
        spans = {"service_name": services.assistant.service_name, "http_route": "/chat/{model}"}
        wait_for(lambda: datadogs_store.sum("traces.span.metrics.calls", **spans) >= 7, "the statistics know them")

    assert (7, 7) == (datadogs_store.sum(counted, **ours), datadogs_store.sum("traces.span.metrics.calls", **spans))
