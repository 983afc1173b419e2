"""
Tail sampling behind our services: the traces of failures are kept, whole, and every request is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from e2e.programs import GROUND, ConfigFile, Prometheus, Tempo, collector, wait_for
from e2e.services.serving import Answer, Pair, serve_pair

GOOD = 20
FAILED = 3
FILES: list[ConfigFile] = [
    *GROUND,
    *("backends/tempo.yaml", "backends/prometheus.yaml", "overlays/sampling.yaml"),
    {"connectors": {"span_metrics": {"metrics_flush_interval": "1s"}}},
]


class Sampled(NamedTuple):
    """
    Services behind which only failures are kept, and what they answered.
    """

    services: Pair
    good: list[Answer]
    failed: list[Answer]


@pytest.fixture(scope="module")
def sampled(
    tempo_store: Tempo, prometheus_store: Prometheus, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sampled]:
    """
    Some requests that work and some that fail; of the former none is to be kept.
    """
    directory: Path = tmp_path_factory.mktemp("sampled")
    told = {
        "TEMPO_OTLP_ENDPOINT": tempo_store.otlp_url,
        "PROMETHEUS_ENDPOINT": prometheus_store.url,
        "OTEL_KIT_COLLECTOR_SAMPLING": "0",
        "OTEL_KIT_COLLECTOR_SAMPLING_WAIT": "2s",
    }
    with collector(FILES, told, directory / "collector") as running, serve_pair(running.url, directory) as services:
        good = [services.assistant.ask("POST", "/chat/gpt-4") for _ in range(GOOD)]
        failed = [services.assistant.ask("POST", "/chat/broken") for _ in range(FAILED)]
        yield Sampled(services, good, failed)


def test_failures_are_kept_whole(sampled: Sampled, tempo_store: Tempo) -> None:
    """
    Each failed request has its trace, with the spans of both services.
    """
    assert [502] * FAILED == [answer.status for answer in sampled.failed]
    for answer in sampled.failed:
        query = f'{{ span.correlation_id = "{answer.correlation_id}" }}'
        (found,) = wait_for(lambda query=query: tempo_store.search(query), query)  # type: ignore[misc]
        wait_for(lambda found=found: len(tempo_store.trace(found)) >= 3, f"the spans of {found}")  # type: ignore[misc]

        assert {service.service_name for service in sampled.services} == {
            span.service for span in tempo_store.trace(found)
        }


def test_every_request_is_counted_though_only_failures_are_kept(
    sampled: Sampled, tempo_store: Tempo, prometheus_store: Prometheus
) -> None:
    """
    The Collector's own count of spans knows all of them; the store has the traces of the failures alone.
    """
    assert [200] * GOOD == [answer.status for answer in sampled.good]
    name = sampled.services.assistant.service_name
    calls = f'traces_span_metrics_calls_total{{service_name="{name}",span_kind="SPAN_KIND_SERVER"}}'
    wait_for(lambda: prometheus_store.sum(calls) >= GOOD + FAILED, "all are counted", timeout=25)
    kept = f'{{ resource.service.name = "{name}" }}'
    wait_for(lambda: len(tempo_store.search(kept)) >= FAILED, "the failures are kept")

    assert GOOD + FAILED == prometheus_store.sum(calls)
    assert FAILED == len(tempo_store.search(kept))
