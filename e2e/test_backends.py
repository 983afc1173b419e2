"""
What single backend files and the base let through: metrics by one way at a time, one class a record, bounded requests.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e import otlp
from e2e.programs import FILES, Collector, Double, Loki, collector, double, unique, wait_for
from otel_kit.telemetry.worker import BATCH_BYTES

MIB = 1024 * 1024
LARGEST_MESSAGE = 4 * MIB
"""What a gRPC peer takes when nobody tells it otherwise."""

BACKENDS = sorted(path.stem for path in (FILES / "backends").iterdir())
APP_METRICS = "OTEL_KIT_PROMETHEUS_APP_METRICS"
RED = {"traces.span.metrics.calls", "traces.span.metrics.duration"}


@contextmanager
def to_prometheus(directory: Path, more: Mapping[str, str], *files: str) -> Iterator[tuple[Collector, Double]]:
    """
    A Collector whose Prometheus is a double, under the double's own path.
    """
    with double(directory / "store") as store:
        there = {"exporters": {"otlp_http/prometheus": {"metrics_endpoint": f"{store.url}/v1/metrics"}}}
        soon = {"connectors": {"span_metrics": {"metrics_flush_interval": "1s"}}}
        loaded = ["base.yaml", "redaction.yaml", "backends/prometheus.yaml", *files, there, soon]
        with collector(loaded, {"PROMETHEUS_ENDPOINT": store.url, **more}, directory / "collector") as running:
            yield running, store


def push(running: Collector) -> None:
    """
    A span, and metrics of an application, of the kit, and of a browser's invention.
    """
    for scope, name in (("shop", "orders"), ("otel_kit", "otel_kit.items.accepted"), ("", "nameless")):
        request = otlp.metrics([otlp.sum_of(name, 1)], {"service.name": "shop"}, scope=scope)
        assert 200 == otlp.send(running.url, request).status
    assert 200 == otlp.send(running.url, otlp.traces([otlp.span("GET /")], {"service.name": "shop"})).status


def names(store: Double) -> set[str]:
    """
    Of all metrics that came.
    """
    return {metric["name"] for metric in store.series()}


@pytest.mark.parametrize("environment", [{}, {APP_METRICS: "false"}], ids=["unset", "false"])
def test_sends_prometheus_no_metric_that_it_scrapes(environment: dict[str, str], tmp_path: Path) -> None:
    """
    Only what the Collector counts itself goes out; what services push is dropped there, and counted.
    """
    with to_prometheus(tmp_path, environment) as (running, store):
        push(running)
        wait_for(lambda: RED <= names(store), "the counts of spans")
        filtered = running.metrics().sum("otelcol_processor_filter_datapoints_filtered")

    assert 3 == filtered
    assert RED == names(store)


def test_sends_prometheus_what_services_push_when_asked(tmp_path: Path) -> None:
    """
    With the variable their metrics go out beside the Collector's.
    """
    pushed = {"orders", "otel_kit.items.accepted", "nameless"}
    with to_prometheus(tmp_path, {APP_METRICS: "true"}) as (running, store):
        push(running)
        wait_for(lambda: RED | pushed <= names(store), "all of it")

    assert RED | pushed == names(store)


@pytest.mark.parametrize("wanted", ["true", "false"])
def test_sends_prometheus_the_machines_metrics(wanted: str, tmp_path: Path) -> None:
    """
    Metrics of the host go out either way.
    """
    with to_prometheus(tmp_path, {APP_METRICS: wanted}, "overlays/host.yaml") as (_, store):
        wait_for(lambda: {"system.cpu.time", "system.memory.usage"} <= names(store), "metrics of the machine")


CLASSES = [
    ("audit", 17, "audit"),
    ("security", 17, "security"),
    ("application", 17, "error"),
    ("application", 9, "application"),
    ("error", 9, "error"),
    (None, 17, "error"),
    (None, 9, "application"),
    ("made-up", 9, "application"),
    ("made-up", 17, "error"),
    (7, 9, "application"),
    (["audit"], 9, "application"),
]


def test_gives_a_record_one_of_four_classes(tmp_path: Path) -> None:
    """
    Audit before security before error before application, whatever the sender wrote.
    """
    with double(tmp_path / "store") as store:
        environment = {"OTLP_FORWARD_ENDPOINT": store.url}
        files = ["base.yaml", "redaction.yaml", "backends/otlp.yaml"]
        with collector(files, environment, tmp_path / "collector") as running:
            records = [
                otlp.log(str(number), severity=severity, attributes={} if given is None else {"log.class": given})
                for number, (given, severity, _) in enumerate(CLASSES)
            ]
            assert 200 == otlp.send(running.url, otlp.logs(records, {"service.name": "shop"})).status
            wait_for(lambda: len(CLASSES) == len(store.records()), "all records")

    found = {
        int(record["body"]["stringValue"]): next(
            each["value"] for each in record["attributes"] if "log.class" == each["key"]
        )
        for record in store.records()
    }
    assert {number: {"stringValue": kept} for number, (_, _, kept) in enumerate(CLASSES)} == found


def queues() -> Iterator[tuple[str, dict[str, Any]]]:
    """
    The queue of each exporter of a backend of record.
    """
    for backend in BACKENDS:
        tree = yaml.safe_load((FILES / "backends" / f"{backend}.yaml").read_text(encoding="utf-8"))
        for name, exporter in tree["exporters"].items():
            queue = exporter.get("sending_queue", {})
            if "storage" in queue:
                yield name, queue


@pytest.mark.parametrize(("name", "queue"), list(queues()), ids=lambda value: value if isinstance(value, str) else "")
def test_bounds_queue_and_request_in_bytes(name: str, queue: dict[str, Any]) -> None:
    """
    Every queue of record is bounded by the same variable, and no request is larger than a gRPC peer takes.
    """
    assert "bytes" == queue["sizer"]
    assert "${env:OTEL_KIT_QUEUE_BYTES:-1073741824}" == queue["queue_size"]
    # without a batch a request stays as large as its sender made it
    batch = queue.get("batch", {"min_size": 0, "max_size": BATCH_BYTES})
    assert batch["min_size"] <= batch["max_size"] < LARGEST_MESSAGE


def test_takes_the_largest_batch_of_the_kit() -> None:
    """
    The kit closes a batch at a size that leaves room for one more item and its frame below the receiver's limit.
    """
    base = yaml.safe_load((FILES / "base.yaml").read_text(encoding="utf-8"))
    taken = base["receivers"]["otlp"]["protocols"]["grpc"]["max_recv_msg_size_mib"] * MIB

    assert LARGEST_MESSAGE == taken
    assert 2 * BATCH_BYTES < taken


@pytest.mark.parametrize(("size", "status"), [(3.9, 200), (4.1, 503)])
def test_takes_a_message_of_four_mib_over_grpc(size: float, status: int, tmp_path: Path) -> None:
    """
    A gRPC message just below the limit is taken, one just above is refused to its sender.
    """
    files = ["base.yaml", "redaction.yaml"]
    with collector(files, {}, tmp_path / "collector") as running:
        plain = {"endpoint": f"127.0.0.1:{running.grpc}", "tls": {"insecure": True}, "compression": "none"}
        direct = {"sending_queue": {"enabled": False}, "retry_on_failure": {"enabled": False}}
        tree = {
            "exporters": {"otlp_grpc": {**plain, **direct}},
            "service": {"pipelines": {"logs/relay": {"receivers": ["forward/logs"], "exporters": ["otlp_grpc"]}}},
        }
        with collector(["base.yaml", tree], {}, tmp_path / "relay", name="relay") as relay:
            request = otlp.logs([otlp.log("x" * int(size * MIB))], {"service.name": "shop"})
            answer = otlp.send(relay.url, request)
        accepted = running.metrics().sum("otelcol_receiver_accepted_log_records")

    assert (200 == status) == (200 == answer.status)
    assert (1 if 200 == status else 0) == accepted


SHAPES: dict[str, dict[str, Any]] = {
    "an hour ahead": {"time_ns": time.time_ns() + 3600 * 10**9},
    "no time": {"time_ns": 0},
    "list": {"attributes": {"list": ["v" * 100] * 1000}},
    "deep": {"attributes": {"a": {"b": {f"k{number}": "v" * 1000 for number in range(200)}}}},
    "long names": {"attributes": {"j" * 5000: "v", "k" * 70_000: "v"}},
    "bytes": {"attributes": {"bytes": b"q" * 70_000}},
    "control characters": {"attributes": {f"c{number}": "\x01" * 900 for number in range(60)}},
    "three bytes a letter": {"attributes": {"letters": "€" * 30_000}},
    "list of a resource": {"resource": {"process.command_args": ["v" * 100] * 1000}},
    "large resource": {"resource": {f"r{number}": "v" * 600 for number in range(100)}},
    "long names of a resource": {"resource": {"r" * 30_000: "v"}},
    "long scope": {"scope": "s" * 70_000},
    "bytes as a body": {"body": b"q" * 300_000},
    "list as a body": {"body": ["v" * 3000] * 100},
    "map as a body": {"body": {"key": "v" * 300_000}},
}


@pytest.fixture(scope="module")
def to_loki(loki_store: Loki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """
    A Collector with the real Loki behind it.
    """
    files = ["base.yaml", "redaction.yaml", "backends/loki.yaml"]
    with collector(files, {"LOKI_ENDPOINT": loki_store.url}, tmp_path_factory.mktemp("to-loki")) as running:
        yield running


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_keeps_a_record_within_what_loki_takes(shape: dict[str, Any], to_loki: Collector, loki_store: Loki) -> None:
    """
    Whatever a sender makes of a record, the real Loki stores it, and it can be found by its correlation id.
    """
    given = {"body": "text", "attributes": {}, "resource": {}, "scope": "shop", **shape}
    resource, scope = {**given.pop("resource"), "service.name": unique("shapes")}, given.pop("scope")
    record = otlp.log(
        given.pop("body"), **{**given, "attributes": {**given["attributes"], "correlation_id": "c-of-this-shape"}}
    )
    assert 200 == otlp.send(to_loki.url, otlp.logs([record], resource, scope=scope)).status
    query = f'{{service_name="{resource["service.name"]}"}} | correlation_id="c-of-this-shape"'
    lines = wait_for(lambda: loki_store.query(query), "the record in Loki")

    assert 1 == len(lines)
    assert len(lines[0].text.encode()) <= 256 * 1024
