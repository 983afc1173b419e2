"""
Two agents, two gateways, one loopback: traces stay whole, errors are kept, and what one dead gateway costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from e2e import otlp
from e2e.certificates import Authority
from e2e.programs import Double, collector, double, wait_for
from e2e.tiers import Tiers, ids, members, send, share, spans_of, stored, trace, traces_in, two_tiers

pytestmark = pytest.mark.timeout(180)

SAMPLED = {"OTEL_KIT_COLLECTOR_SAMPLING": "0", "OTEL_KIT_COLLECTOR_SAMPLING_WAIT": "2s"}
"""Nothing of the rest, and decisions after two seconds."""


def test_no_trace_is_split(tmp_path: Path) -> None:
    """
    Spans of one trace that came through different agents meet at one gateway; both gateways have work.
    """
    traces = [trace() for _ in range(200)]
    with two_tiers(tmp_path) as tiers:
        share(tiers, traces)
        wait_for(lambda: stored(tiers.stores).total() >= 800, "all spans arrive")
        first, second = (traces_in(store) for store in tiers.stores)

    assert (set(), ids(traces)) == (first & second, first | second)
    assert min(len(first), len(second)) > 50


def test_errors_are_kept_whole(tmp_path: Path) -> None:
    """
    A trace whose error came through one agent and whose root came through the other is kept with all four spans.
    """
    failed, fine = [trace(error=True) for _ in range(100)], [trace() for _ in range(300)]
    with two_tiers(tmp_path, SAMPLED, "backends/tempo.yaml", "overlays/sampling.yaml") as tiers:
        share(tiers, failed + fine)
        wait_for(lambda: decided(tiers) == 400, "all traces are decided")
        wait_for(lambda: stored(tiers.stores).total() >= 400, "kept spans arrive")

    assert dict.fromkeys(spans_of(failed), 1) == stored(tiers.stores)


def decided(tiers: Tiers) -> float:
    """
    Traces about which a gateway has decided.
    """
    name = "otelcol_processor_tail_sampling_global_count_traces_sampled"
    return sum(gateway.metrics().sum(name) for gateway in tiers.gateways)


def test_red_metrics_of_both_gateways_add_up(tmp_path: Path) -> None:
    """
    Each gateway counts its share of the requests before it samples; together they count all 300.
    """
    with double(tmp_path / "metrics") as metrics:
        quickly: dict[str, Any] = {
            "connectors": {"span_metrics": {"metrics_flush_interval": "1s"}},
            "exporters": {"otlp_http/prometheus": {"metrics_endpoint": f"{metrics.url}/v1/metrics"}},
        }
        files = ("backends/tempo.yaml", "backends/prometheus.yaml", quickly, "overlays/sampling.yaml")
        with two_tiers(tmp_path, {**SAMPLED, "PROMETHEUS_ENDPOINT": metrics.url}, *files) as tiers:
            share(tiers, [trace() for _ in range(300)])
            wait_for(lambda: sum(requests_counted(metrics).values()) >= 300, "all are counted")

    assert (2, 300) == (len(requests_counted(metrics)), sum(requests_counted(metrics).values()))


def requests_counted(metrics: Double) -> dict[str, int]:
    """
    Server spans by gateway, from the newest export of each.
    """
    counts: dict[str, int] = {}
    for metric in metrics.series():
        if metric["name"] == "traces.span.metrics.calls":
            for point in metric["sum"]["dataPoints"]:
                labels = {label["key"]: label["value"].get("stringValue") for label in point["attributes"]}
                if labels["span.kind"] == "SPAN_KIND_SERVER":
                    counts[labels["collector.instance.id"]] = int(point["asInt"])
    return counts


SECURED = (
    "redaction.yaml",
    "backends/tempo.yaml",
    "overlays/token.yaml",
    "overlays/tls.yaml",
    "gateway/listen.yaml",
)
"""The gateways' files beside the base."""


def secured(directory: Path) -> tuple[dict[str, str], dict[str, str]]:
    """
    Variables of gateways that want TLS and a token, and of agents that have both.
    """
    authority = Authority(directory / "certificates")
    own = authority.sign("gateway")
    gateway = {
        "OTEL_KIT_GATEWAY_ADDRESS": "127.0.0.1",
        "OTEL_KIT_COLLECTOR_TOKEN": "f3a9c1",
        "OTEL_KIT_COLLECTOR_TLS_CERT": str(own.certificate),
        "OTEL_KIT_COLLECTOR_TLS_KEY": str(own.key),
    }
    return gateway, {"OTEL_KIT_GATEWAY_CA": str(authority.root), "OTEL_KIT_GATEWAY_TOKEN": "f3a9c1"}


def test_agents_show_a_token_and_speak_tls(tmp_path: Path) -> None:
    """
    Gateways that want TLS and a token get both from `gateway/secured.yaml`.
    """
    gateway, agent = secured(tmp_path)
    traces = [trace() for _ in range(20)]
    with two_tiers(tmp_path, gateway, *SECURED, secured=agent) as tiers:
        share(tiers, traces)
        wait_for(lambda: stored(tiers.stores).total() >= 80, "all spans arrive")

    assert spans_of(traces) == set(stored(tiers.stores))


def test_gateways_take_the_word_of_agents_they_know(tmp_path: Path) -> None:
    """
    What a known agent says is clean is not searched again; here the agent has not looked, so it can be seen.
    """
    gateway, agent = secured(tmp_path)
    told = otlp.span("GET /items", attributes={"note": "password=hunter2xyz"})
    with two_tiers(tmp_path, gateway, *SECURED, secured=agent) as tiers:
        assert 200 == send(tiers.agents[0], otlp.traces([told], {"service.name": "shop"}))
        wait_for(lambda: stored(tiers.stores), "the span arrives")
        kept = str([span for store in tiers.stores for span in store.spans()])

    assert "hunter2xyz" in kept


def test_gateways_are_found_by_one_name(tmp_path: Path) -> None:
    """
    A file of the user's own names a host instead of the list; what it resolves to gets the spans.
    """
    traces = [trace() for _ in range(20)]
    with two_tiers(tmp_path) as tiers:
        by_name = {"static": None, "dns": {"hostname": "127.0.0.1", "port": str(tiers.gateways[0].grpc)}}
        own = {"exporters": {"load_balancing": {"resolver": by_name}}}
        files = ["base.yaml", "overlays/gateway.yaml", own]
        with collector(files, members(tiers.gateways), tmp_path / "named", binary="collector-lb") as agent:
            assert 200 == send(agent, otlp.traces([span for each in traces for span in each], {"service.name": "shop"}))
            wait_for(lambda: stored(tiers.stores).total() >= 80, "all spans arrive")

    assert ids(traces) == traces_in(tiers.stores[0])


def test_logs_and_metrics_arrive_once(tmp_path: Path) -> None:
    """
    Every record and every point comes through, and all points of a service by the same gateway.
    """
    names = {f"orders_{number}" for number in range(40)}
    with two_tiers(tmp_path, {}, "backends/otlp.yaml") as tiers:
        for running in tiers.agents:
            service = {"service.name": running.name}
            assert 200 == send(running, otlp.logs([otlp.log(name) for name in names], service))
            assert 200 == send(running, otlp.metrics([otlp.sum_of(name, 1) for name in names], service))
        wait_for(lambda: counted(tiers, "records") >= 80 and counted(tiers, "series") >= 80, "all arrive")
        assert (80, 80) == (counted(tiers, "records"), counted(tiers, "series"))
        owners = [service_names(store) for store in tiers.stores]

    assert set() == owners[0] & owners[1]


def counted(tiers: Tiers, what: str) -> int:
    """
    `records` or `series` in both stores.
    """
    return sum(len(getattr(store, what)()) for store in tiers.stores)


def service_names(store: Double) -> set[str]:
    """
    The services whose metrics this store has.
    """
    resources = [owner["resource"] for batch in store.kept("metrics") for owner in batch["resourceMetrics"]]
    return {
        attribute["value"]["stringValue"]
        for resource in resources
        for attribute in resource["attributes"]
        if attribute["key"] == "service.name"
    }


def test_a_stopped_gateway_loses_nothing(tmp_path: Path) -> None:
    """
    One gateway is away for some seconds: agents go on accepting, and when it is back every span is stored.
    """
    with two_tiers(tmp_path) as tiers:
        sent = sent_around(tiers, tiers.gateways[1].stop)

    assert set() == spans_of(sent) - set(stored(tiers.stores))


def test_a_killed_gateway_loses_nothing_without_sampling(tmp_path: Path) -> None:
    """
    kill -9 of a gateway: what it confirmed is in its queue on disk, what it did not is sent again.
    """
    with two_tiers(tmp_path) as tiers:
        sent = sent_around(tiers, tiers.gateways[1].kill)

    assert set() == spans_of(sent) - set(stored(tiers.stores))


def sent_around(tiers: Tiers, end: Callable[[], Any]) -> list[list[Span]]:
    """
    Traces sent before, while and after the second gateway is away; returned when the last of them is stored.
    """
    sent: list[list[Span]] = []
    for number in range(60):
        if number == 20:
            end()
        if number == 40:
            tiers.gateways[1].start()
        batch = [trace() for _ in range(10)]
        share(tiers, batch)
        sent += batch
        time.sleep(0.1)
    wait_for(lambda: spans_of(sent) <= set(stored(tiers.stores)), "all spans are stored", timeout=60)
    return sent


def test_a_living_gateway_gets_little_twice(tmp_path: Path) -> None:
    """
    While the other one is away a batch is repeated seldom: five seconds of it double at most four batches once.
    """
    with two_tiers(tmp_path) as tiers:
        tiers.gateways[1].stop()
        for _ in range(25):
            share(tiers, [trace() for _ in range(10)])
            time.sleep(0.2)
        stores = [tiers.stores[0]]
        twice = {span for span, times in stored(stores).items() if times > 1}

    assert max(stored(stores).values()) <= 3
    assert len(twice) <= len(stored(stores)) / 2


def test_an_agent_killed_before_a_dead_gateway_loses_nothing(tmp_path: Path) -> None:
    """
    Both gateways away, then kill -9 of an agent: what it had accepted is on its disk and arrives in the end.
    """
    traces = [trace() for _ in range(100)]
    with two_tiers(tmp_path) as tiers:
        for gateway in tiers.gateways:
            gateway.stop()
        share(tiers, traces)
        for running in tiers.agents:
            running.kill()
            running.start()
        for gateway in tiers.gateways:
            gateway.start()
        wait_for(lambda: spans_of(traces) <= set(stored(tiers.stores)), "all spans are stored", timeout=60)

    assert spans_of(traces) == set(stored(tiers.stores))


def test_a_gateway_that_leaves_the_list_is_not_waited_for(tmp_path: Path) -> None:
    """
    An agent that is started again without the dead gateway sends what waited for it to the other one.
    """
    traces = [trace() for _ in range(100)]
    with two_tiers(tmp_path) as tiers:
        tiers.gateways[1].stop()
        share(tiers, traces)
        for running in tiers.agents:
            running.stop()
            running.environment |= members(tiers.gateways[:1])
            running.start()
        wait_for(lambda: spans_of(traces) <= set(stored(tiers.stores[:1])), "all spans are at the first gateway")

    assert ids(traces) == traces_in(tiers.stores[0])


def test_an_agent_stops_in_time_before_a_dead_gateway(tmp_path: Path) -> None:
    """
    With no gateway there and a full minute of retries ahead, SIGTERM ends the agent within five seconds.
    """
    with two_tiers(tmp_path) as tiers:
        for gateway in tiers.gateways:
            gateway.stop()
        share(tiers, [trace() for _ in range(50)])
        time.sleep(1)

        assert 0 == tiers.agents[0].stop(5)
