"""
Secrets planted at every way into a service of ours, searched for in every store behind its Collector.

The service says each of nineteen kinds at every place that it has (`tests/planted_app.py`); the stores are real,
and a double takes what would go to the others.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from e2e.asking import ask
from e2e.programs import GROUND, ConfigFile, Jaeger, Loki, Prometheus, Tempo, collector, double, unique, wait_for
from e2e.questions import LogLine
from tests.next_service import next_service
from tests.planted import BENIGN, PLANTED, RULES, found_in, texts_of
from tests.servers.serving import serve
from tests.test_planted_secrets import EVERYWHERE, plant

FORMS = 2
"""Of the five in which a secret is written, alone and in a sentence; all five are planted by `tests/`."""

KINDS = (*PLANTED, *RULES)
SAID = FORMS * len(KINDS) + len(BENIGN)
SECRETS = [secret for _, secret in (*PLANTED.values(), *RULES.values())]
STORES = ("loki", "tempo", "jaeger", "prometheus", "others")

MOMENTS = re.compile(r"UnixNano$|^startTime$|^duration$|timestamp$")

FILES: list[ConfigFile] = [
    *GROUND,
    *(f"backends/{backend}.yaml" for backend in ("loki", "tempo", "jaeger", "prometheus", "otlp")),
    {"connectors": {name: {"metrics_flush_interval": "1s"} for name in ("span_metrics", "service_graph")}},
]


@pytest.fixture(scope="module")
def stores(
    loki_store: Loki,
    tempo_store: Tempo,
    jaeger_store: Jaeger,
    prometheus_store: Prometheus,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, bytes]:
    """
    All that is in each store of the service that was told every secret.
    """
    directory = tmp_path_factory.mktemp("planted")
    name = unique("planted")
    with double(directory / "others") as others:
        told = {
            "LOKI_ENDPOINT": loki_store.url,
            "TEMPO_OTLP_ENDPOINT": tempo_store.otlp_url,
            "JAEGER_OTLP_ENDPOINT": jaeger_store.otlp_url,
            "PROMETHEUS_ENDPOINT": prometheus_store.url,
            "OTEL_KIT_PROMETHEUS_APP_METRICS": "true",
            "OTLP_FORWARD_ENDPOINT": others.url,
        }
        with collector(FILES, told, directory / "collector") as running:
            plant_all(directory, running.url, name)
            loki_query = f'{{service_name="{name}"}}'
            wait_for(lambda: len(loki_store.query(f'{loki_query} |= "said "')) >= 2 * SAID, "the lines", timeout=30)
            tempo_query = f'{{ resource.service.name = "{name}" && name =~ "say .*" }}'
            wait_for(lambda: len(tempo_store.search(tempo_query, limit=2000)) >= len(KINDS), "traces", timeout=30)
            wait_for(lambda: prometheus_store.names(f'{{service_name="{name}"}}'), "the metrics", timeout=30)
        return {
            "loki": as_text(loki_store.query(loki_query)),
            "tempo": as_text([ask(f"{tempo_store.url}/api/traces/{trace}") for trace in all_traces(tempo_store, name)]),
            "jaeger": as_text(ask(f"{jaeger_store.url}/api/traces", service=name, limit=20000, lookback="1h")),
            "prometheus": as_text(all_series(prometheus_store, name)),
            "others": as_text([others.kept(signal) for signal in ("traces", "metrics", "logs")]),
        }


def plant_all(directory: Path, collector_url: str, name: str) -> None:
    """
    Serve, plant, stop: everything is sent when this returns.
    """
    told = {**EVERYWHERE, "OTEL_SERVICE_NAME": name, "OTEL_METRIC_EXPORT_INTERVAL": "1000"}
    with (
        next_service() as following,
        serve(
            "uvicorn",
            directory,
            app="tests.planted_app:app",
            collector=collector_url,
            environment={**told, "APP_NEXT_SERVICE": following.url},
        ) as server,
    ):
        for kind in KINDS:
            plant(server, texts_of(kind)[:FORMS])
        plant(server, list(BENIGN))
        server.stop()


def as_text(answer: Any) -> bytes:
    """
    A store's answer as text, with every character as it is.
    """
    return json.dumps(without_times(answer), ensure_ascii=False).encode()


def without_times(value: Any) -> Any:
    """
    The answer but for moments: nineteen digits may hold eight of a card number by chance.
    """
    if isinstance(value, LogLine):
        return without_times({**value.labels, "line": value.text})
    if isinstance(value, list | tuple):
        return [without_times(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {key: without_times(inner) for key, inner in value.items() if not MOMENTS.search(key)}


def all_traces(store: Tempo, name: str) -> list[str]:
    """
    Ids of all traces of the service.
    """
    return store.search(f'{{ resource.service.name = "{name}" }}', limit=20000)


def all_series(store: Prometheus, name: str) -> list[Any]:
    """
    All series of the service with their values, exemplars and descriptions.
    """
    selector = f'{{service_name="{name}"}}'
    return [store.query(selector), store.exemplars(selector), ask(f"{store.url}/api/v1/metadata")]


@pytest.mark.parametrize("store", STORES)
def test_no_secret_is_in_a_store(stores: dict[str, bytes], store: str) -> None:
    """
    Of nineteen kinds and the user's own rules not even a piece is there.
    """
    assert [] == found_in(stores[store], SECRETS)


@pytest.mark.parametrize("store", STORES)
def test_what_was_said_is_in_the_store(stores: dict[str, bytes], store: str) -> None:
    """
    It was searched where there is something to find: masks, and ordinary values as they were.
    """
    assert stores[store].count(b"REDACTED") > len(KINDS)
    assert [] == [value for value in BENIGN if value.encode() not in stores[store]]
