"""
One odd record in a batch: what a store would refuse the whole request for, beside the records of another sender.

Each test is a row of docs/explanation/guarantees.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from e2e import otlp
from e2e.faults.files import FRONT
from e2e.programs import Collector, Jaeger, Loki, Prometheus, Tempo, collector, unique, wait_for

# Loki makes a label of a name: nothing is left of these; the others are here to show that it takes them.
NAMELESS = (
    "",
    " ",
    "-",
    "***",
    "_",
    "__",
    "____",
    "__-__",
    ".",
    '"',
    "{",
    "\n",
    "\x00",
    "ключ",
    "日本",
    "٣",
    "é" * 300,
)
NAMED = ("1", "12", "1a", "-1", "_1", "__a__", "ünï", "k\x00", "a\nb", "__name__", "service_name", "a.b", "k" * 70_000)
PLACES = ("record", "scope", "resource", "map in a record", "map in a resource")


def odd_logs(place: str, name: str, service: str) -> otlp.Request:
    """
    A record of a service with an attribute of this name.
    """
    odd: dict[str, Any] = {"detail": {name: {name: "value"}}} if place.startswith("map") else {name: "value"}
    resource = {**(odd if place.endswith("resource") else {}), "service.name": service}
    request = otlp.logs([otlp.log("odd", attributes=odd if place.endswith("record") else {})], resource)
    if place == "scope":
        request.resource_logs[0].scope_logs[0].scope.attributes.extend(otlp.pairs(odd))
    return request


@pytest.mark.parametrize("place", PLACES)
def test_odd_name_costs_loki_nothing(place: str, tmp_path: Path, loki_store: Loki) -> None:
    """
    Attributes of any name, also of one of which Loki can make no label: they arrive, and so does every neighbour.
    """
    odd, clean = unique("odd"), unique("clean")
    names = (*NAMELESS, *NAMED)
    with collector((*FRONT, "backends/loki.yaml"), {"LOKI_ENDPOINT": loki_store.url}, tmp_path) as running:
        for name in names:
            assert 200 == otlp.send(running.url, odd_logs(place, name, odd)).status
            assert 200 == otlp.send(running.url, otlp.logs([otlp.log("clean")], {"service.name": clean})).status
        wait_for(lambda: taken(running) == 2 * len(names), "all lines taken")

    stored = [loki_store.query(f'{{service_name="{service}"}}') for service in (odd, clean)]
    assert [len(names)] * 2 == [len(lines) for lines in stored]
    # what has a name of its own is left as it is
    expected = 0 if place.startswith("map") else len(NAMELESS)
    assert expected == sum(any(label.startswith("unnamed") for label in line.labels) for line in stored[0])


def taken(running: Collector) -> float:
    """
    Records of which the store has said something.
    """
    metrics = running.metrics()
    return sum(metrics.sum(f"otelcol_exporter_{what}_log_records") for what in ("sent", "send_failed"))


def test_values_of_odd_names_are_kept(tmp_path: Path, loki_store: Loki) -> None:
    """
    A value without a name is found under `unnamed`, and several of one record do not cost it.
    """
    service = unique("odd")
    attributes = {"": "first", "ключ": "second", "日本": "third", "order": "o-1"}
    with collector((*FRONT, "backends/loki.yaml"), {"LOKI_ENDPOINT": loki_store.url}, tmp_path) as running:
        request = otlp.logs([otlp.log("odd", attributes=attributes)], {"service.name": service})
        assert 200 == otlp.send(running.url, request).status
        [line] = wait_for(lambda: loki_store.query(f'{{service_name="{service}"}}'), "the line")

    assert ("first", "o-1") == (line.labels["unnamed"], line.labels["order"])
    assert line.labels["unnamed_"] in ("second", "third")


def test_number_that_is_none_is_kept_within_the_limits_of_loki(tmp_path: Path, loki_store: Loki) -> None:
    """
    NaN and Infinity among too many attributes, or too large ones: the record arrives in bounds.
    """
    service = unique("odd")
    numbers = {"none": float("nan"), "in": {"side": float("inf"), "text": "kept"}}
    records = [
        otlp.log("many", attributes={**numbers, **{f"key{number:03}": "value" for number in range(300)}}),
        otlp.log("large", attributes={"note": "x" * 70_000, **numbers}),
        otlp.log("small", attributes=numbers),
    ]
    with collector((*FRONT, "backends/loki.yaml"), {"LOKI_ENDPOINT": loki_store.url}, tmp_path) as running:
        assert 200 == otlp.send(running.url, otlp.logs(records, {"service.name": service, **numbers})).status
        wait_for(lambda: taken(running) == len(records), "all lines taken")

    stored = {line.text: line.labels for line in loki_store.query(f'{{service_name="{service}"}}')}
    assert {"many", "large", "small"} == set(stored)
    assert ("NaN", "Infinity", "kept") == tuple(stored["small"][name] for name in ("none", "in_side", "in_text"))


@pytest.mark.parametrize("name", ["", "-", "ключ"])
def test_odd_name_costs_prometheus_nothing(name: str, tmp_path: Path, prometheus_store: Prometheus) -> None:
    """
    A resource, a point or an exemplar with a name of which no label can be made: points and RED metrics of all arrive.
    """
    odd, clean, metric = unique("odd"), unique("clean"), unique("odd").replace("-", "_")
    brisk = {"connectors": {"span_metrics": {"metrics_flush_interval": "1s"}}}
    told = {"PROMETHEUS_ENDPOINT": prometheus_store.url, "OTEL_KIT_PROMETHEUS_APP_METRICS": "true"}
    names = {name: "first", "日本": "second"}
    exemplar = otlp.exemplar(1, otlp.trace_id(), otlp.span_id(), names)
    points = [otlp.sum_of(metric, 7, names, exemplars=[exemplar]), otlp.gauge(f"{metric}_beside", 1.0)]

    def calls(service: str) -> float:
        return prometheus_store.sum(f'traces_span_metrics_calls_total{{service_name="{service}"}}')

    with collector((*FRONT, "backends/prometheus.yaml", brisk), told, tmp_path) as running:
        for service, resource in ((odd, names), (clean, {})):
            request = otlp.traces([otlp.span("GET /", attributes=names)], {**resource, "service.name": service})
            assert 200 == otlp.send(running.url, request).status
        assert 200 == otlp.send(running.url, otlp.metrics(points, {**names, "service.name": odd})).status
        wait_for(lambda: calls(clean) == calls(odd) == 1, "the calls of both services")
        wait_for(lambda: prometheus_store.query(f"{metric}_beside"), "the point beside")

        assert 7 == prometheus_store.sum(f'{{__name__=~"{metric}(_total)?"}}')
        assert 0 == running.metrics().sum("otelcol_exporter_send_failed_metric_points")


@pytest.mark.parametrize("lacking", ["trace_id", "span_id"])
@pytest.mark.parametrize("form", ["none", "zeros"])
def test_span_without_ids_costs_tempo_nothing_else(
    lacking: str, form: str, tmp_path: Path, tempo_store: Tempo, jaeger_store: Jaeger
) -> None:
    """
    A span without an id is dropped before Tempo and counted; spans of other senders and of its own trace can be read.
    """
    odd, clean = otlp.span("odd"), otlp.span("clean")
    beside = otlp.span("beside", trace=odd.trace_id.hex())
    setattr(odd, lacking, b"" if form == "none" else bytes(len(getattr(odd, lacking))))
    told = {"TEMPO_OTLP_ENDPOINT": tempo_store.otlp_url, "JAEGER_OTLP_ENDPOINT": jaeger_store.otlp_url}
    with collector((*FRONT, "backends/tempo.yaml", "backends/jaeger.yaml"), told, tmp_path) as running:
        for span, service in ((odd, "odd"), (clean, "another"), (beside, "odd")):
            assert 200 == otlp.send(running.url, otlp.traces([span], {"service.name": service})).status
        for store in (tempo_store, jaeger_store):
            for span in (clean, beside):
                trace = span.trace_id.hex()
                wait_for(lambda: store.trace(trace), f"the trace of {span.name}")  # noqa: B023 - asked at once
        numbers = running.metrics()

    assert (1, 0) == tuple(
        numbers.sum(f"otelcol_{name}_spans{more}")
        for name, more in (("processor_filter", "_filtered"), ("exporter_send_failed", ""))
    )
