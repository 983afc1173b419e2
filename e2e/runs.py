"""
Both services, asked some times, with Prometheus on one of the two ways to their numbers.

Owns what is started and what is asked; what must then be counted is the tests' business.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from e2e.programs import GROUND, Collector, ConfigFile, Prometheus, Tempo, collector, prometheus, wait_for
from e2e.services.serving import Pair, Service, serve_pair

__all__ = ["CHATS", "FAILURES", "JOBS", "ROUTE", "Run", "run"]

CHATS = 6
FAILURES = 2
ROUTE = "/chat/{model}"
JOBS = ("goblin-assistant", "goblin-models")

SENT_SECONDS = 1.0
"""From what the Collector takes to what Prometheus has: it gathers for 200 ms, and no number tells of that."""

QUICKLY: dict[str, Any] = {
    "connectors": {
        "span_metrics": {"metrics_flush_interval": "1s"},
        "service_graph": {"metrics_flush_interval": "1s", "store": {"ttl": "1s"}},
    }
}


class Run(NamedTuple):
    """
    Services that were asked, the Collector beside them, and the stores behind it.
    """

    services: Pair
    collector: Collector
    prometheus: Prometheus
    tempo: Tempo

    def total(self, metric: str, **labels: str) -> float:
        """
        The sum of a metric's series over every job and instance.
        """
        matchers = ",".join(f"{name}={value!r}" for name, value in labels.items())
        return self.prometheus.sum(f"{metric}{{{matchers}}}")

    def wait(self, metric: str, count: float, **labels: str) -> None:
        """
        Wait until so many are counted.
        """
        wait_for(lambda: self.total(metric, **labels) >= count, f"{count} in {metric} {labels}", timeout=25)

    def settle(self) -> None:
        """
        Wait until both services have pushed twice more, and all of it is where it goes.
        """
        for _ in range(4):
            before = self.pushed_points()
            wait_for(lambda before=before: self.pushed_points() > before, "a push")  # type: ignore[misc]
        time.sleep(SENT_SECONDS)

    def pushed_points(self) -> float:
        """
        Points that the services have pushed so far.
        """
        return self.collector.metrics().sum("otelcol_receiver_accepted_metric_points")


@contextmanager
def run(tempo: Tempo, directory: Path, scrapes: bool) -> Iterator[Run]:
    """
    Start everything, make the requests, and give it to the tests.
    """
    stores = {"TEMPO_OTLP_ENDPOINT": tempo.otlp_url, "OTEL_KIT_PROMETHEUS_APP_METRICS": str(not scrapes).lower()}
    files: list[ConfigFile] = [*GROUND, "backends/tempo.yaml", "backends/prometheus.yaml", QUICKLY]
    with prometheus(directory / "prometheus") as metrics:
        told = {**stores, "PROMETHEUS_ENDPOINT": metrics.url}
        with (
            collector(files, told, directory / "collector") as running,
            serve_pair(running.url, directory) as services,
        ):
            if scrapes:
                metrics.scrape({job: [service.target] for job, service in zip(JOBS, services, strict=True)})
                wait_for(lambda: metrics.sum("up") == len(JOBS), "both are scraped")
            make_requests(services.assistant)
            yield Run(services, running, metrics, tempo)


def make_requests(assistant: Service) -> None:
    """
    Some that work, and some that fail.
    """
    answers = [assistant.ask("POST", "/chat/gpt-4") for _ in range(CHATS)]
    assert [200] * CHATS == [answer.status for answer in answers], answers
    assert [502] * FAILURES == [assistant.ask("POST", "/chat/broken").status for _ in range(FAILURES)]
