"""
Tail sampling by `overlays/sampling.yaml`: what is kept, what is counted, and what a kill or a full queue costs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from e2e import otlp
from e2e.programs import Collector, Double, collector, double, wait_for

FILES = ["base.yaml", "backends/tempo.yaml", "overlays/sampling.yaml"]

QUICK = {"OTEL_KIT_COLLECTOR_SAMPLING": "0", "OTEL_KIT_COLLECTOR_SAMPLING_WAIT": "1s"}
"""Nothing of the rest, and decisions after a second."""


@contextmanager
def sampling(
    directory: Path, more: Mapping[str, str], *extra: str | dict[str, Any]
) -> Iterator[tuple[Collector, Double]]:
    """
    A Collector that samples, and the store behind it.
    """
    with double(directory / "store") as store:
        environment = {"TEMPO_OTLP_ENDPOINT": store.url, **QUICK, **more}
        files = [*FILES[:2], *extra, FILES[2]]
        with collector(files, environment, directory / "collector") as running:
            yield running, store


def ask(running: Collector, spans: Iterable[Span]) -> int:
    """
    Send these spans of one service; the answer's status.
    """
    return otlp.send(running.url, otlp.traces(spans, {"service.name": "shop"})).status


def trace(*, error: bool = False, milliseconds: float = 5, route: str = "/items") -> list[Span]:
    """
    A request with one step inside; an error is the step's.
    """
    whole, root = otlp.trace_id(), otlp.span_id()
    step = otlp.span("step", trace=whole, parent=root, kind="INTERNAL", error="no stock" if error else None)
    server = otlp.span(
        f"GET {route}", trace=whole, id=root, milliseconds=milliseconds, attributes={"http.route": route}
    )
    return [step, server]


def spans_by_trace(store: Double) -> Counter[str]:
    """
    How many spans of each trace the store has.
    """
    return Counter(span["traceId"] for span in store.spans())


def decided(running: Collector) -> float:
    """
    Traces about which a decision was made.
    """
    return running.metrics().sum("otelcol_processor_tail_sampling_global_count_traces_sampled")


def ids(traces: Iterable[list[Span]]) -> set[str]:
    """
    The trace ids, in hex.
    """
    return {spans[0].trace_id.hex() for spans in traces}


def send_all(running: Collector, traces: list[list[Span]]) -> None:
    """
    The steps first and the requests' own spans after them, as a tracer exports them.
    """
    for place in (0, 1):
        assert 200 == ask(running, [spans[place] for spans in traces])


def test_every_error_is_kept_and_nothing_of_the_rest(tmp_path: Path) -> None:
    """
    With a share of 0, all traces with an error are kept, whole, and no other.
    """
    errors = [trace(error=True) for _ in range(50)]
    with sampling(tmp_path, {}) as (running, store):
        send_all(running, errors + [trace() for _ in range(200)])
        wait_for(lambda: decided(running) == 250, "all traces are decided")
        wait_for(lambda: len(store.spans()) >= 100, "kept spans arrive")

    assert dict.fromkeys(ids(errors), 2) == spans_by_trace(store)


def test_every_slow_trace_is_kept(tmp_path: Path) -> None:
    """
    A trace that took longer than the threshold is kept, one just below it is not.
    """
    slow, quick = trace(milliseconds=301), trace(milliseconds=290)
    with sampling(tmp_path, {"OTEL_KIT_COLLECTOR_SAMPLING_SLOW_MS": "300"}) as (running, store):
        send_all(running, [slow, quick])
        wait_for(lambda: decided(running) == 2, "both are decided")
        wait_for(store.spans, "the kept one arrives")

    assert ids([slow]) == set(spans_by_trace(store))


def test_named_routes_are_kept(tmp_path: Path) -> None:
    """
    Every trace of a route that was named is kept, template for template.
    """
    named, other = trace(route="/orders/{id}"), trace(route="/orders/{id}/lines")
    routes = '["/auth/login", "/orders/{id}"]'
    with sampling(tmp_path, {"OTEL_KIT_COLLECTOR_SAMPLING_KEEP_ROUTES": routes}) as (running, store):
        send_all(running, [named, other])
        wait_for(lambda: decided(running) == 2, "both are decided")
        wait_for(store.spans, "the kept one arrives")

    assert ids([named]) == set(spans_by_trace(store))


def test_of_a_quiet_route_only_failures_are_kept(tmp_path: Path) -> None:
    """
    A share of 1 keeps everything but the quiet route's traces that went well.
    """
    quiet = [trace(route="/poll") for _ in range(20)]
    failed, other = trace(route="/poll", error=True), trace()
    more = {"OTEL_KIT_COLLECTOR_SAMPLING": "1", "OTEL_KIT_COLLECTOR_SAMPLING_QUIET_ROUTES": "[/poll]"}
    with sampling(tmp_path, more) as (running, store):
        send_all(running, [*quiet, failed, other])
        wait_for(lambda: decided(running) == 22, "all are decided")
        wait_for(lambda: len(store.spans()) >= 4, "the kept ones arrive")

    assert ids([failed, other]) == set(spans_by_trace(store))


def test_the_rest_is_kept_by_its_share(tmp_path: Path) -> None:
    """
    0.25 keeps a quarter of the traces: of 2000 all but surely between 400 and 600.
    """
    with sampling(tmp_path, {"OTEL_KIT_COLLECTOR_SAMPLING": "0.25"}) as (running, _):
        send_all(running, [trace() for _ in range(2000)])
        wait_for(lambda: decided(running) == 2000, "all are decided")
        kept = running.metrics().sum("otelcol_processor_tail_sampling_global_count_traces_sampled", sampled="true")

    assert 400 <= kept <= 600


def test_red_metrics_count_what_is_not_kept(tmp_path: Path) -> None:
    """
    Requests are counted before sampling: 300 in the metrics, 10 in the store of traces.
    """
    with double(tmp_path / "metrics") as metrics:
        quickly: dict[str, Any] = {
            "connectors": {"span_metrics": {"metrics_flush_interval": "1s"}},
            "exporters": {"otlp_http/prometheus": {"metrics_endpoint": f"{metrics.url}/v1/metrics"}},
        }
        more = {"PROMETHEUS_ENDPOINT": metrics.url}
        with sampling(tmp_path, more, "backends/prometheus.yaml", quickly) as (running, store):
            send_all(running, [trace(error=number < 10) for number in range(300)])
            wait_for(lambda: decided(running) == 300, "all are decided")
            wait_for(lambda: requests_counted(metrics) >= 300, "the last of the metrics arrive")
            wait_for(lambda: len(store.spans()) >= 20, "the kept ones arrive")

    assert (300, 10) == (requests_counted(metrics), len(spans_by_trace(store)))


def requests_counted(metrics: Double) -> int:
    """
    Server spans in the newest export of the calls' counter.
    """
    calls = [metric for metric in metrics.series() if metric["name"] == "traces.span.metrics.calls"]
    points = calls[-1]["sum"]["dataPoints"] if calls else []
    return sum(int(point["asInt"]) for point in points if "SPAN_KIND_SERVER" in str(point["attributes"]))


def test_a_late_span_follows_the_decision(tmp_path: Path) -> None:
    """
    Spans that come after the decision join their kept trace, and do not revive one that was not kept.
    """
    kept, left = trace(error=True), trace()
    with sampling(tmp_path, {}) as (running, store):
        assert 200 == ask(running, [kept[0], left[0]])
        wait_for(lambda: decided(running) == 2, "both are decided")
        assert 200 == ask(running, [kept[1], left[1]])
        wait_for(lambda: len(store.spans()) >= 2, "the late span arrives")

    assert dict.fromkeys(ids([kept]), 2) == spans_by_trace(store)


def test_errors_survive_the_bound_on_memory(tmp_path: Path) -> None:
    """
    With room for 40 traces, 400 failed ones are all kept: senders wait, nothing is thrown out to make room.
    """
    errors = [trace(error=True) for _ in range(400)]
    with sampling(tmp_path, {"OTEL_KIT_COLLECTOR_SAMPLING_TRACES": "40"}) as (running, store):
        for start in range(0, 400, 20):
            assert 200 == ask(running, [span for spans in errors[start : start + 20] for span in spans])
        wait_for(lambda: len(store.spans()) >= 800, "all of them arrive", timeout=40)

    assert dict.fromkeys(ids(errors), 2) == spans_by_trace(store)


def test_a_stop_decides_what_waits(tmp_path: Path) -> None:
    """
    SIGTERM amid the wait: the errors are in the store or its queue on disk, and arrive after the next start.
    """
    errors = [trace(error=True) for _ in range(30)]
    with sampling(tmp_path, {"OTEL_KIT_COLLECTOR_SAMPLING_WAIT": "30s"}) as (running, store):
        send_all(running, errors)
        assert 0 == running.stop(10)
        running.start()
        wait_for(lambda: len(store.spans()) >= 60, "all of them arrive")

    assert ids(errors) == set(spans_by_trace(store))


def test_a_kill_loses_no_more_than_what_waits(tmp_path: Path) -> None:
    """
    kill -9: what was decided is safe, what waited for its decision is gone although the sender was told 200.
    """
    early, late = [trace(error=True) for _ in range(20)], [trace(error=True) for _ in range(20)]
    last = trace(error=True)
    with sampling(tmp_path, {}) as (running, store):
        send_all(running, early)
        wait_for(lambda: decided(running) == 20, "the early ones are decided")
        send_all(running, late)
        running.kill()
        running.start()
        send_all(running, [last])
        wait_for(lambda: ids([last]) <= set(spans_by_trace(store)), "one that came after the kill arrives")

    assert ids([*early, last]) == set(spans_by_trace(store))


def test_a_full_queue_behind_it_is_counted(tmp_path: Path) -> None:
    """
    The sender has its 200 before the decision, so what the queue then refuses is lost: the counter says how much.
    """
    nobody: dict[str, Any] = {"exporters": {"otlp_http/tempo": {"endpoint": "http://127.0.0.1:9"}}}
    small = {"OTEL_KIT_QUEUE_BYTES": "300000"}
    with sampling(tmp_path, small, nobody) as (running, _):
        for _ in range(30):
            assert 200 == ask(running, [span for _ in range(100) for span in trace(error=True)])
        wait_for(lambda: decided(running) == 3000, "all are decided")
        lost = wait_for(lambda: running.metrics().sum("otelcol_exporter_enqueue_failed_spans"), "a loss is counted")

    assert 0 < lost < 6000
