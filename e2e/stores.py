"""
Loki, Tempo, Jaeger and Prometheus: one binary each, data in a directory, loopback only.

Owns how each is started; what it can be asked is in `questions.py`, what it is told in `configurations.py` or in
the project's own files.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from e2e import configurations
from e2e.binaries import ROOT, find
from e2e.process import answers_ok, clean_environment, free_port
from e2e.questions import Exemplar, Jaeger, LogLine, Loki, Prometheus, Tempo

__all__ = [
    "Exemplar",
    "Jaeger",
    "LogLine",
    "Loki",
    "Prometheus",
    "Tempo",
    "jaeger",
    "loki",
    "prometheus",
    "tempo",
    "unique",
]


@contextmanager
def loki(directory: Path) -> Iterator[Loki]:
    """
    A Loki of its own, by the project's file.
    """
    port = free_port()
    told = {"LOKI_HTTP_PORT": str(port), "LOKI_GRPC_PORT": str(free_port()), "LOKI_DIR": str(directory / "data")}
    command = [find("loki"), "-config.expand-env=true", "-config.file", ROOT / "collector/loki/loki.yaml"]
    with _running(Loki, "loki", command, directory, port, "/ready", environment=told) as store:
        yield store


@contextmanager
def tempo(directory: Path) -> Iterator[Tempo]:
    """
    A Tempo of its own, by the project's file.
    """
    port, otlp_port = free_port(), free_port()
    told = {
        "TEMPO_HTTP_PORT": str(port),
        "TEMPO_OTLP_PORT": str(otlp_port),
        "TEMPO_GRPC_PORT": str(free_port()),
        "TEMPO_GOSSIP_PORT": str(free_port()),
        "TEMPO_DIR": str(directory / "data"),
    }
    command = [find("tempo"), "-config.expand-env=true", "-config.file", ROOT / "collector/tempo/tempo.yaml"]
    with _running(Tempo, "tempo", command, directory, port, "/ready", environment=told) as store:
        store.otlp_url = f"http://127.0.0.1:{otlp_port}"
        yield store


@contextmanager
def jaeger(directory: Path) -> Iterator[Jaeger]:
    """
    A Jaeger of its own.
    """
    port, otlp_port, grpc_port, health_port = (free_port() for _ in range(4))
    config = _written(directory, "jaeger", configurations.jaeger_config(port, otlp_port, grpc_port, health_port))
    # it would send spans about its own queries to the default address, which is a Collector's
    quiet = {"OTEL_TRACES_SAMPLER": "always_off"}
    command = [find("jaeger"), "--config", config]
    with _running(Jaeger, "jaeger", command, directory, port, "/status", health_port, environment=quiet) as store:
        store.otlp_url = f"http://127.0.0.1:{otlp_port}"
        store.otlp_grpc_port = grpc_port
        yield store


@contextmanager
def prometheus(
    directory: Path, scrape: Mapping[str, Sequence[str]] | None = None, *, scrape_seconds: float = 1.0
) -> Iterator[Prometheus]:
    """
    A Prometheus of its own, with OTLP intake and exemplars.

    Args:
        directory: Takes its data.
        scrape: Targets ("127.0.0.1:8000") by name of the job; `Prometheus.scrape` says it later.
        scrape_seconds: How often it scrapes.
    """
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    jobs = directory / "jobs.json"
    config = _written(directory, "prometheus", configurations.prometheus_config(jobs, scrape_seconds))
    command = [
        *(find("prometheus"), "--config.file", config, "--storage.tsdb.path", directory / "data"),
        *(f"--web.listen-address=127.0.0.1:{port}", "--web.enable-otlp-receiver", "--log.level=warn"),
        "--enable-feature=exemplar-storage",
    ]
    with _running(Prometheus, "prometheus", command, directory, port, "/-/ready") as store:
        store.jobs = jobs
        store.scrape(scrape or {})
        yield store


def unique(name: str) -> str:
    """
    A name that no other test has, for services in stores that are shared.
    """
    return f"{name}-{uuid.uuid4().hex[:8]}"


@contextmanager
def _running(
    kind: type[Any],
    name: str,
    command: Sequence[object],
    directory: Path,
    port: int,
    ready_path: str,
    ready_port: int | None = None,
    *,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Any]:
    directory.mkdir(parents=True, exist_ok=True)

    def is_ready() -> bool:
        return answers_ok(ready_port or port, ready_path)

    store = kind(name, command, directory / f"{name}.log", clean_environment(directory, environment or {}), is_ready)
    store.url = f"http://127.0.0.1:{port}"
    try:
        store.start()
        yield store
    finally:
        store.kill()


def _written(directory: Path, name: str, config: Mapping[str, Any]) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.yaml"
    path.write_text(yaml.safe_dump(dict(config), sort_keys=False), encoding="utf-8")
    return path
