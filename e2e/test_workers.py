"""
A service of several processes: each pushes its own part, and the parts add up to what the scrape sees.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from e2e.programs import Prometheus, Samples, launched_collector, unique, wait_for
from e2e.services.serving import serve

WORKERS = 3
REQUESTS = 40


def test_workers_add_up_over_otlp(prometheus_store: Prometheus, tmp_path: Path) -> None:
    """
    Over all instances of the service exactly the requests that were made, as on the page of any worker.
    """
    name = unique("models")
    told = {"PROMETHEUS_ENDPOINT": prometheus_store.url, "OTEL_KIT_PROMETHEUS_APP_METRICS": "true"}
    counted = f'http_requests_total{{service_name="{name}"}}'
    with (
        launched_collector(told, tmp_path / "collector") as running,
        serve("e2e.services.models:app", name, running.url, tmp_path, workers=WORKERS) as service,
    ):
        # at once, so that no worker can take them all
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: service.ask("GET", "/generate/gpt-4").status, range(REQUESTS)))
        wait_for(lambda: prometheus_store.sum(counted) >= REQUESTS, "all are counted", timeout=25)
        page = Samples(service.page())

    assert [200] * REQUESTS == answers
    assert REQUESTS == page.sum("http_requests_total") == prometheus_store.sum(counted)
    assert 1 < len({sample.labels["instance"] for sample in prometheus_store.query(counted)}) <= WORKERS
