"""
What is lost all the same: the exceptions, each as small as it is said to be.

Each test is a row of docs/explanation/guarantees.md. Those of tail sampling are in test_sampling.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e import otlp
from e2e.faults.accounts import settled
from e2e.faults.files import FRONT, OF_RECORD, forward_to
from e2e.faults.records import Numbers, numbered_spans
from e2e.faults.senders import send_once, send_spans
from e2e.faults.stores import SIGNALS, store
from e2e.programs import Collector, Prometheus, collector, unique, wait_for
from e2e.services.serving import serve


def test_kill_costs_an_optional_backend_what_waited(tmp_path: Path) -> None:
    """
    A kill empties the memory of an optional backend: what it had not taken never arrives; that of record has it.
    """
    numbers = Numbers()
    readable = {"exporters": {"otlp_http/jaeger": {"compression": "gzip"}}}
    with store() as kept, store() as optional:
        environment = {**forward_to(kept), "JAEGER_OTLP_ENDPOINT": optional.url}
        with collector((*OF_RECORD, "backends/jaeger.yaml", readable), environment, tmp_path) as running:
            waited = send_spans(running.url, numbers, 100)
            running.kill()
            kept.live()
            optional.live()
            running.start()
            last = send_spans(running.url, numbers, 1)
            kept.wait_for("traces", [*waited, *last])
            optional.wait_for("traces", last)

        assert {*last} == optional.arrivals("traces").keys()


def test_kill_costs_files_about_a_second(tmp_path: Path) -> None:
    """
    A kill empties the buffer of the files: what is older than that is in them.
    """
    numbers = Numbers()
    written = tmp_path / "files" / "traces.jsonl"
    environment = {"OTEL_KIT_FILE_DIR": str(written.parent)}
    with collector((*FRONT, "backends/file.yaml"), environment, tmp_path) as running:
        older = send_spans(running.url, numbers, 50)
        wait_for(
            lambda: written.exists() and f'"{older[-1]}"' in written.read_text(), "the older spans in the file", 10
        )
        assert 200 == send_once(running.url, numbered_spans(["the newest"]))
        running.kill()

    assert "the newest" not in written.read_text()


class Requests:
    """
    Requests of a service that nobody else has, and how many of them Prometheus knows.
    """

    def __init__(self, store: Prometheus) -> None:
        self._store = store
        self._service = unique("red")

    def serve(self, url: str, count: int) -> None:
        """
        So many spans of one series.
        """
        spans = [otlp.span("GET /orders") for _ in range(count)]
        assert 200 == otlp.send(url, otlp.traces(spans, {"service.name": self._service})).status

    def known(self) -> float:
        """
        Their number, over all series.
        """
        return self._store.sum(f'traces_span_metrics_calls_total{{service_name="{self._service}"}}')


def known_after(end: Callable[[Collector], None], directory: Path, prometheus_store: Prometheus) -> float:
    """
    Ten requests are counted, five not sent yet when the Collector ends, and three come to the next.
    """
    requests = Requests(prometheus_store)
    brisk = {"connectors": {"span_metrics": {"metrics_flush_interval": "2s"}}}
    files = (*FRONT, "backends/prometheus.yaml", brisk)
    with collector(files, {"PROMETHEUS_ENDPOINT": prometheus_store.url}, directory) as running:
        requests.serve(running.url, 10)
        wait_for(lambda: requests.known() == 10, "ten calls", 20)
        requests.serve(running.url, 5)
        end(running)
        running.start()
        requests.serve(running.url, 3)
        wait_for(lambda: requests.known() > 10, "what came after the end", 20)
    return requests.known()


def test_kill_costs_red_metrics_what_was_not_sent_yet(tmp_path: Path, prometheus_store: Prometheus) -> None:
    """
    A kill forgets what was counted from spans since the last time it was sent; counts go on in new series.
    """
    assert 13 == known_after(Collector.kill, tmp_path, prometheus_store)


def test_stop_costs_red_metrics_what_was_not_sent_yet(tmp_path: Path, prometheus_store: Prometheus) -> None:
    """
    So does a stop: the connector sends nothing at its end.
    """
    assert 13 == known_after(Collector.stop, tmp_path, prometheus_store)


def test_new_series_of_red_metrics_is_sent_within_ten_seconds(tmp_path: Path, prometheus_store: Prometheus) -> None:
    """
    With the intervals of the file a series that is new is there, with its value, after its second sending.
    """
    requests = Requests(prometheus_store)
    files = (*FRONT, "backends/prometheus.yaml")
    with collector(files, {"PROMETHEUS_ENDPOINT": prometheus_store.url}, tmp_path) as running:
        requests.serve(running.url, 10)
        begun = time.monotonic()
        wait_for(lambda: requests.known() == 10, "ten calls", 30)
        took = time.monotonic() - begun

    # what Prometheus takes to show them
    assert took < 10 + 4


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_large_records_are_taken(tmp_path: Path, protocol: str) -> None:
    """
    Records of 100 KB, more than one request holds: a service's batches are within the Collector's limits.
    """
    with store() as kept, collector(OF_RECORD, forward_to(kept), tmp_path) as running:
        kept.live()
        port = running.http if protocol == "http/protobuf" else running.grpc
        chosen = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
        with serve("e2e.faults.large:app", "large", f"http://127.0.0.1:{port}", tmp_path, chosen) as service:
            assert [200] * 16 == [service.ask("GET", "/large/100").status for _ in range(16)]
            accounts = [settled(service, signal) for signal in SIGNALS]
        wait_for(lambda: len(kept.arrivals("traces")) == 16, "16 spans at the store", 40)

    assert [0, 0] == [account.dropped for account in accounts]
