"""
Whoever speaks OTLP, in any language and by any of its protocols, is found in the stores by one correlation id.

Nothing of this package is in the sender, but for the last test: requests are built by hand.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from e2e import otlp
from e2e.programs import Collector, Jaeger, Loki, Prometheus, Tempo, launched_collector, unique, wait_for
from e2e.services.serving import serve

PROTOCOLS = ("protobuf", "gzip", "json", "grpc")


class Stores(NamedTuple):
    """
    Every store, and the Collector before them.
    """

    collector: Collector
    loki: Loki
    tempo: Tempo
    jaeger: Jaeger
    prometheus: Prometheus

    def send(self, request: otlp.Request, protocol: str = "protobuf") -> None:
        """
        Have the Collector take it.
        """
        if protocol == "grpc":
            otlp.send_by_grpc(self.collector.grpc, request)
            return
        answer = otlp.send(self.collector.url, request, compress=protocol == "gzip", as_json=protocol == "json")
        assert 200 == answer.status, answer

    def send_logs(self, name: str, *records: otlp.LogRecord) -> None:
        """
        Records of a service with this name alone.
        """
        self.send(otlp.logs(records, {"service.name": name}))


@pytest.fixture(scope="module")
def stores(
    loki_store: Loki,
    tempo_store: Tempo,
    jaeger_store: Jaeger,
    prometheus_store: Prometheus,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stores]:
    """
    A Collector with all four, which passes on metrics too.
    """
    told = {
        "LOKI_ENDPOINT": loki_store.url,
        "TEMPO_OTLP_ENDPOINT": tempo_store.otlp_url,
        "JAEGER_OTLP_ENDPOINT": jaeger_store.otlp_url,
        "PROMETHEUS_ENDPOINT": prometheus_store.url,
        "OTEL_KIT_PROMETHEUS_APP_METRICS": "true",
    }
    with launched_collector(told, tmp_path_factory.mktemp("collector")) as running:
        yield Stores(running, loki_store, tempo_store, jaeger_store, prometheus_store)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_correlation_id_is_found_everywhere(stores: Stores, protocol: str) -> None:
    """
    By each protocol, one id finds the line in Loki and the trace in Tempo and Jaeger, and all name the same trace.
    """
    name, id, trace, span = unique("sender"), uuid.uuid4().hex, otlp.trace_id(), otlp.span_id()
    resource, attributes = {"service.name": name}, {"correlation_id": id}
    stores.send(otlp.traces([otlp.span("GET /", trace=trace, id=span, attributes=attributes)], resource), protocol)
    stores.send(otlp.logs([otlp.log("asked", trace=trace, span=span, attributes=attributes)], resource), protocol)
    query = f'{{service_name="{name}"}} | correlation_id="{id}"'
    (line,) = wait_for(lambda: stores.loki.query(query), "the line")

    assert ("asked", trace, span) == (line.text, line.labels["trace_id"], line.labels["span_id"])
    assert [trace] == wait_for(lambda: stores.tempo.search(f'{{ span.correlation_id = "{id}" }}'), "the trace in Tempo")
    assert [trace] == wait_for(lambda: stores.jaeger.search(name, attributes), "the trace in Jaeger")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_metrics_arrive_by_their_prometheus_names(stores: Stores, protocol: str) -> None:
    """
    A unit is appended once, `_total` is not doubled, and the exemplar of a histogram has its trace.
    """
    name, trace = unique("sender"), otlp.trace_id()
    exemplar = otlp.exemplar(0.5, trace, otlp.span_id())
    series = [
        otlp.sum_of("chat_completions_total", 7, {"model": "gpt-4"}),
        otlp.histogram("http.server.request.duration", [0.05, 0.5, 2], {"http.route": "/"}, exemplars=[exemplar]),
        otlp.gauge("queue.depth", 3, unit="{item}"),
    ]
    stores.send(otlp.metrics(series, {"service.name": name}), protocol)
    selector = f'{{service_name="{name}"}}'
    wait_for(lambda: len(stores.prometheus.query(selector)) >= 8, "all series")
    duration = "http_server_request_duration_seconds"

    assert {
        "chat_completions_total",
        "queue_depth",
        *(f"{duration}_{part}" for part in ("bucket", "count", "sum")),
    } == {sample.name for sample in stores.prometheus.query(selector)} - {"target_info"}
    assert 7 == stores.prometheus.sum(f'chat_completions_total{{service_name="{name}",model="gpt-4"}}')
    assert [trace] == [one.labels["trace_id"] for one in stores.prometheus.exemplars(f"{duration}_bucket{selector}")]


def test_a_label_of_the_metric_is_not_the_resources(stores: Stores) -> None:
    """
    The documented `service_health_status{service_name="chroma"}` keeps its label, though the sender has that name too.
    """
    sender = {"service.name": unique("sender"), "service.instance.id": unique("instance")}
    healthy = [
        otlp.gauge("service_health_status", up, {"service_name": name}) for name, up in (("chroma", 1), ("db", 0))
    ]
    stores.send(otlp.metrics(healthy, sender))
    query = f'service_health_status{{instance="{sender["service.instance.id"]}"}}'
    series = wait_for(lambda: stores.prometheus.query(query), query)

    assert {"chroma": 1, "db": 0} == {sample.labels["service_name"]: sample.value for sample in series}


def test_a_trace_id_may_begin_with_zeros(stores: Stores) -> None:
    """
    Ids are compared in full, with their leading zeros, in all three stores.
    """
    name, id, trace = unique("sender"), uuid.uuid4().hex, "0000" + otlp.trace_id()[4:]
    attributes = {"correlation_id": id}
    stores.send(otlp.traces([otlp.span("GET /", trace=trace, attributes=attributes)], {"service.name": name}))
    stores.send_logs(name, otlp.log("asked", trace=trace, attributes=attributes))
    (line,) = wait_for(lambda: stores.loki.query(f'{{service_name="{name}"}}'), "the line")

    assert trace == line.labels["trace_id"]
    assert [trace] == wait_for(lambda: stores.tempo.search(f'{{ span.correlation_id = "{id}" }}'), "the trace in Tempo")
    assert {trace} == {span.trace_id for span in stores.tempo.trace(trace)}
    assert [trace] == wait_for(lambda: stores.jaeger.search(name, attributes), "the trace in Jaeger")


@pytest.mark.parametrize(
    ("said", "severity", "expected"),
    [
        (None, 9, "application"),
        (None, 17, "error"),
        ("application", 21, "error"),
        ("security", 17, "security"),
        ("audit", 17, "audit"),
    ],
)
def test_a_record_has_one_class(stores: Stores, said: str | None, severity: int, expected: str) -> None:
    """
    How long it is kept: audit before security before error before application, whatever its severity.
    """
    name = unique("sender")
    stores.send_logs(name, otlp.log("x", severity=severity, attributes={"log.class": said} if said else {}))
    (stream,) = wait_for(lambda: stores.loki.streams(f'{{service_name="{name}"}}'), "the stream")

    assert {"service_name": name, "log_class": expected} == stream


def test_a_structured_body_can_be_read_in_loki(stores: Stores) -> None:
    """
    A map becomes JSON text, so that `| json` finds what is inside.
    """
    name = unique("sender")
    stores.send_logs(name, otlp.log({"order": {"id": 7}, "paid": True}))
    wait_for(lambda: stores.loki.query(f'{{service_name="{name}"}}'), "the line")
    (line,) = stores.loki.query(f'{{service_name="{name}"}} | json | order_id="7"')

    assert '{"order":{"id":7},"paid":true}' == line.text


@pytest.mark.parametrize("protocol", ["http/json", "grpc"])
def test_a_service_of_ours_may_choose_its_protocol(stores: Stores, protocol: str, tmp_path: Path) -> None:
    """
    By the protocols that are not its default, too, a request is found in all stores.
    """
    name = unique("models")
    port = stores.collector.grpc if protocol == "grpc" else stores.collector.http
    told = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
    with serve("e2e.services.models:app", name, f"http://127.0.0.1:{port}", tmp_path, told) as service:
        id = service.ask("GET", "/generate/gpt-4").correlation_id
        (trace,) = wait_for(lambda: stores.tempo.search(f'{{ span.correlation_id = "{id}" }}'), "the trace")
        query = f'{{service_name="{name}"}} | correlation_id="{id}"'
        lines = wait_for(lambda: stores.loki.query(query), "the lines")
        counted = f'http_requests_total{{service_name="{name}"}}'
        wait_for(lambda: stores.prometheus.sum(counted) == 1, "the request is counted")

    assert {trace} == {line.labels["trace_id"] for line in lines}
