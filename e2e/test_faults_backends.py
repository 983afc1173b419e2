"""
A backend dies, hangs or refuses beside others: who gets what, who is told, and whose books say so.

Each test is a row of docs/explanation/guarantees.md.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from e2e import otlp
from e2e.faults.accounts import account, ask, busy_service, settled
from e2e.faults.files import FRONT, OF_RECORD, forward_to
from e2e.faults.records import Numbers, numbered_spans
from e2e.faults.senders import send_once, send_spans
from e2e.faults.stores import store
from e2e.programs import Collector, Loki, Prometheus, collector, unique, wait_for

TO_PROMETHEUS = (*FRONT, "backends/prometheus.yaml")

SMALLEST_QUEUE = {"OTEL_KIT_QUEUE_BYTES": "262144"}
"""One batch of a backend of record has to fit in."""


@pytest.mark.parametrize("state", ["dead", "hanging"])
def test_healthy_neighbour_gets_everything_once(tmp_path: Path, state: str) -> None:
    """
    A backend of record and an optional one are away: the third has each span once, and no sender is refused.
    """
    with store() as healthy, store() as of_record, store() as optional:
        healthy.live()
        if state == "hanging":
            of_record.hang()
            optional.hang()
        files = (*OF_RECORD, "backends/tempo.yaml", "backends/jaeger.yaml")
        environment = {
            **forward_to(healthy),
            "TEMPO_OTLP_ENDPOINT": of_record.url,
            "JAEGER_OTLP_ENDPOINT": optional.url,
        }
        with collector(files, environment, tmp_path) as running:
            # each of the 300 requests is answered by 200, or this raises
            sent = send_spans(running.url, Numbers(), 3000, batch=10)
            healthy.wait_for("traces", sent)

        assert dict.fromkeys(sent, 1) == healthy.arrivals("traces")


def test_outage_beyond_the_queue_is_told_to_the_sender(tmp_path: Path) -> None:
    """
    A dead backend of record fills its queue: then 503, which senders repeat, and what was acknowledged before arrives.
    """
    numbers, acknowledged = Numbers(), list[str]()
    environment = {**SMALLEST_QUEUE, "OTEL_KIT_QUEUE_BYTES": "1000000"}
    with store() as kept, collector(OF_RECORD, {**forward_to(kept), **environment}, tmp_path) as running:
        while True:
            batch = numbers.take(50)
            answer = otlp.send(running.url, numbered_spans(batch, padding=900))
            if answer.status != 200:
                break
            acknowledged += batch
        refused = running.metrics().sum("otelcol_exporter_enqueue_failed_spans")
        kept.live()
        kept.wait_for("traces", acknowledged)

        assert (503, True, 50) == (answer.status, b"sending queue is full" in answer.body, refused)
        # a span is 1000 bytes: the queue holds as many bytes as were promised, less than a request short
        assert 900 <= len(acknowledged) <= 1000


def test_refused_request_is_at_the_healthy_neighbour(tmp_path: Path) -> None:
    """
    One queue is full: the sender gets 503 although the other backend took the request, and a repetition doubles it.
    """
    numbers = Numbers()
    with store() as healthy, store() as dead:
        healthy.live()
        environment = {**SMALLEST_QUEUE, **forward_to(healthy), "TEMPO_OTLP_ENDPOINT": dead.url}
        with collector((*OF_RECORD, "backends/tempo.yaml"), environment, tmp_path) as running:
            healthy.wait_for("traces", send_spans(running.url, numbers, 200, padding=1000))
            refused = numbers.take(100)
            answers = [send_once(running.url, numbered_spans(refused, padding=1000)) for _ in range(2)]
            wait_for(lambda: healthy.arrivals("traces")[refused[0]] == 2, "the refused request, twice")

        assert [503, 503] == answers


def test_books_of_a_service_through_a_long_outage(tmp_path: Path) -> None:
    """
    The Collector's queue fills, then the service's own: each span is delivered, dropped or queued, to the last one.
    """
    own_queue = {"OTEL_BSP_MAX_QUEUE_SIZE": "64", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "16"}
    with store() as kept, collector(OF_RECORD, {**SMALLEST_QUEUE, **forward_to(kept)}, tmp_path) as running:
        with busy_service(running.url, tmp_path, own_queue) as service:
            asked = 0
            while not (outage := account(service, "traces")).dropped:
                ask(service, 100)
                asked += 100
            kept.live()
            after = settled(service, "traces")

        assert (asked, outage.accepted) == (after.accepted, outage.delivered + outage.dropped + outage.queued)
        assert after.accepted == after.delivered + after.dropped
        wait_for(lambda: len(kept.arrivals("traces")) == after.delivered, f"{after.delivered} spans at the store")


def test_optional_backend_drops_and_counts_at_itself(tmp_path: Path) -> None:
    """
    An optional backend hangs for longer than its queue lasts: no sender is refused, the loss is counted under its name.
    """
    small = {"exporters": {"otlp_http/jaeger": {"sending_queue": {"queue_size": 100_000}}}}
    with store() as healthy, store() as hanging:
        healthy.live()
        hanging.hang()
        environment = {**forward_to(healthy), "JAEGER_OTLP_ENDPOINT": hanging.url}
        with collector((*OF_RECORD, "backends/jaeger.yaml", small), environment, tmp_path) as running:
            sent = send_spans(running.url, Numbers(), 2000, padding=500)
            healthy.wait_for("traces", sent)

            def dropped() -> float:
                return running.metrics().sum("otelcol_exporter_enqueue_failed_spans", exporter="otlp_http/jaeger")

            wait_for(dropped, "spans dropped at Jaeger")
            assert 0 == running.metrics().sum("otelcol_receiver_refused_spans")


@pytest.mark.parametrize(("status", "arrives"), [(429, True), (503, True), (500, False), (401, False)])
def test_answer_of_a_backend_decides(tmp_path: Path, status: int, arrives: bool) -> None:
    """
    A backend of record answers 429, 502, 503 or 504: kept and repeated. Anything else: that batch is dropped, counted.
    """
    numbers = Numbers()
    with store() as kept, collector(OF_RECORD, forward_to(kept), tmp_path) as running:
        kept.refuse(status)
        sent = send_spans(running.url, numbers, 100)
        wait_for(lambda: kept.attempts, "an attempt")
        if not arrives:
            wait_for(lambda: running.metrics().sum("otelcol_exporter_send_failed_spans") == 100, "100 spans failed")
        kept.live()
        last = send_spans(running.url, numbers, 1)
        kept.wait_for("traces", [*sent, *last] if arrives else last)

        assert arrives == (sent[50] in kept.arrivals("traces"))


def test_bad_record_in_a_batch_costs_loki_nothing_else(tmp_path: Path, loki_store: Loki) -> None:
    """
    Loki refuses one record of a batch, 20 h behind its stream: the neighbours are stored, though all count as failed.
    """
    service = unique("neighbours")
    first = otlp.log("first of its stream")
    behind = time.time_ns() - 20 * 3600 * 10**9
    batch = [otlp.log(f"record {number}") for number in range(9)]
    batch.insert(5, otlp.log("bad record", time_ns=behind))
    with collector((*FRONT, "backends/loki.yaml"), {"LOKI_ENDPOINT": loki_store.url}, tmp_path) as running:
        for records in ([first], batch):
            assert 200 == otlp.send(running.url, otlp.logs(records, {"service.name": service})).status
            wait_for(lambda: loki_store.query(f'{{service_name="{service}"}}'), "a line in Loki")
        wait_for(lambda: running.metrics().sum("otelcol_exporter_send_failed_log_records") == 10, "a batch that failed")
        stored = loki_store.query(f'{{service_name="{service}"}}', seconds=30 * 3600)

    assert ["first of its stream", *(f"record {number}" for number in range(9))] == [line.text for line in stored]


def test_bad_point_in_a_batch_costs_prometheus_nothing_else(tmp_path: Path, prometheus_store: Prometheus) -> None:
    """
    Prometheus refuses a whole request for one bad point, so those are dropped before it, and the others are stored.
    """
    name = unique("neighbours").replace("-", "_")
    moments = {"two_days_old": -48 * 3600, "an_hour_old": -3600, "five_minutes_ahead": 300, "an_hour_ahead": 3600}
    batch = [gauge_at(f"{name}_{moment}", seconds) for moment, seconds in moments.items()]
    batch += [otlp.sum_of(f"{name}_delta", 1, delta=True), otlp.gauge(f"{name}_now", 1.0)]
    with collector(TO_PROMETHEUS, to(prometheus_store), tmp_path) as running:
        assert 200 == otlp.send(running.url, otlp.metrics(batch, {"service.name": name})).status
        wait_for(lambda: sent_points(running) == 3, "three points taken")
        numbers = running.metrics()

    assert {"an_hour_old", "now", "five_minutes_ahead"} == stored_points(prometheus_store, name)
    assert (3, 0) == tuple(
        numbers.sum(f"otelcol_{count}")
        for count in ("processor_filter_datapoints_filtered", "exporter_send_failed_metric_points")
    )


def test_bad_request_costs_prometheus_no_other_request(tmp_path: Path, prometheus_store: Prometheus) -> None:
    """
    A point that contradicts the one before it is refused with its request, counted; the requests beside it are stored.
    """
    name = unique("requests").replace("-", "_")
    first = gauge_at(f"{name}_contradicted", 0)
    second = otlp.gauge(f"{name}_contradicted", 2.0)
    second.gauge.data_points[0].time_unix_nano = first.gauge.data_points[0].time_unix_nano
    requests = [[first], [otlp.gauge(f"{name}_lost", 1.0), second], [otlp.gauge(f"{name}_kept", 1.0)]]
    with collector(TO_PROMETHEUS, to(prometheus_store), tmp_path) as running:
        for count, request in enumerate(requests, 1):
            assert 200 == otlp.send(running.url, otlp.metrics(request, {"service.name": name})).status
            if count == 1:
                wait_for(lambda: sent_points(running) == 1, "the first request taken")
        wait_for(lambda: sent_points(running) == 2, "two requests taken")
        failed = running.metrics().sum("otelcol_exporter_send_failed_metric_points")

    assert ({"contradicted", "kept"}, 2) == (stored_points(prometheus_store, name), failed)


def to(prometheus_store: Prometheus) -> dict[str, str]:
    """
    The variables that send what services push to this Prometheus.
    """
    return {"PROMETHEUS_ENDPOINT": prometheus_store.url, "OTEL_KIT_PROMETHEUS_APP_METRICS": "true"}


def sent_points(running: Collector) -> float:
    """
    Points that Prometheus has confirmed.
    """
    return running.metrics().sum("otelcol_exporter_sent_metric_points")


def gauge_at(name: str, seconds: int) -> Metric:
    """
    A gauge of 1, so many seconds from now.
    """
    made = otlp.gauge(name, 1.0)
    made.gauge.data_points[0].time_unix_nano = time.time_ns() + seconds * 10**9
    return made


def stored_points(prometheus_store: Prometheus, name: str) -> set[str]:
    """
    What of `name_*` has a point of the last three days or the next half hour: the part of the name that follows.
    """
    later = f'count by (__name__) (last_over_time({{__name__=~"{name}_.*"}}[3d] offset -30m))'
    return {sample.name.removeprefix(f"{name}_") for sample in prometheus_store.query(later)}
