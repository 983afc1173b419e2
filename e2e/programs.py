"""
The door of the harness: every program of these tests, on free loopback ports, gone after the block.

    from e2e.programs import collector, double, find, jaeger, launched_collector, loki, prometheus, tempo, wait_for
    from e2e import otlp
    from e2e.recorder import recorder

`find(name) -> Path`: collector, collector-lb, loki, tempo, jaeger, prometheus, promtool, telemetrygen. Looked for in
    OTEL_KIT_E2E_<NAME>, the checkout's `.build/`, the cache; a missing one raises `MissingProgram`.

Every program is a `Running` (`process.py`): `.pid`, `.is_alive`, `.lines()`, `.tail()`, `.stop(timeout) -> exit code`,
    `.kill()` (SIGKILL), `.start()` again with the same ports and directories. Logs are shown when a test fails.

`collector(files, environment, directory, *, extensions=(), binary="collector", name="collector", start=True)`
    files: names below `collector/`, paths, or dictionaries (written as files), in order. Yields a `Collector`:
    `.url` `.http` `.grpc` `.health` `.self_port` `.queue` `.directory`, `.is_healthy()`, `.metrics() -> Samples`
    (`.sum(name, **labels)`, `.of(...)`, `.names()`), `.entries()` (its log as dictionaries), `.warnings()`.
`launched_collector(environment, directory)`: the same by `otel-kit collector run`.
`double(directory)`: a Collector that stands in for any OTLP store: `.url`, `.grpc`; `.spans()`, `.records()`,
    `.series()`, `.kept(signal)` give OTLP/JSON.

`loki(directory)`, `tempo(directory)`, `jaeger(directory)`, `prometheus(directory, scrape={job: [target]})`: see
    `stores.py`; each has `.url` (what LOKI_ENDPOINT … take; Tempo and Jaeger: `.otlp_url`); what it can be asked is in
    `questions.py`.

`GROUND`: the files before any backend. `wait_for(ask, what, timeout)`: asks until the answer is true, and gives it.

Fixtures (`conftest.py`): `loki_store`, `tempo_store`, `jaeger_store`, `prometheus_store` run once a session and are
    shared, so tell your data apart by a service name or id of your own: `unique("shop")`. `store` is a `double` of
    the test's own.

Services of ours under uvicorn: `serve_pair(collector.url, directory)` in `services/serving.py`.
"""

from __future__ import annotations

from e2e.binaries import ROOT, MissingProgram, find
from e2e.collectors import FILES, GROUND, Collector, ConfigFile, Double, collector, double, launched_collector
from e2e.process import NotReady, Running, free_port, wait_for
from e2e.samples import Sample, Samples
from e2e.stores import Jaeger, Loki, Prometheus, Tempo, jaeger, loki, prometheus, tempo, unique

__all__ = [
    "FILES",
    "GROUND",
    "ROOT",
    "Collector",
    "ConfigFile",
    "Double",
    "Jaeger",
    "Loki",
    "MissingProgram",
    "NotReady",
    "Prometheus",
    "Running",
    "Sample",
    "Samples",
    "Tempo",
    "collector",
    "double",
    "find",
    "free_port",
    "jaeger",
    "launched_collector",
    "loki",
    "prometheus",
    "tempo",
    "unique",
    "wait_for",
]
