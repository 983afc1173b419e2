"""
The Collector, from any set of `collector/` files, and a second one that plays any OTLP store.

Owns its ports, its directories and what can be asked of it: its log, its numbers, whether it is
healthy. Which files make sense together is the business of those who call.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from e2e.binaries import ROOT, find
from e2e.process import Running, answers_ok, clean_environment, free_port
from e2e.samples import Samples

__all__ = ["FILES", "GROUND", "Collector", "ConfigFile", "Double", "collector", "double", "launched_collector"]

FILES = ROOT / "collector"
"""The directory of the files that are tested."""

GROUND = ["base.yaml", "redaction.yaml"]
"""What is loaded before any backend."""

ConfigFile: TypeAlias = str | Path | Mapping[str, Any]


class Collector(Running):
    """
    A Collector that runs. `stop`, `kill` and `start` again keep its ports and its queue.
    """

    def __init__(self, command: Sequence[object], directory: Path, more: Mapping[str, str], name: str) -> None:
        self.directory = directory
        self.queue = directory / "queue"
        ports = {f"OTEL_KIT_{each}_PORT": str(free_port()) for each in ("GRPC", "HTTP", "HEALTH", "SELF")}
        environment = {**ports, "OTEL_KIT_QUEUE_DIR": str(self.queue), **more}
        self.grpc, self.http, self.health, self.self_port = (int(environment[port]) for port in ports)
        super().__init__(
            name, command, directory / f"{name}.log", clean_environment(directory, environment), self.is_healthy
        )

    @property
    def url(self) -> str:
        """
        Base URL of its OTLP/HTTP receiver, for `OTEL_EXPORTER_OTLP_ENDPOINT`.
        """
        return f"http://127.0.0.1:{self.http}"

    def is_healthy(self) -> bool:
        """
        Whether its health address answers 200.
        """
        return answers_ok(self.health, "/")

    def metrics(self) -> Samples:
        """
        Its own numbers, as a scrape of them finds them now.
        """
        with urllib.request.urlopen(f"http://127.0.0.1:{self.self_port}/metrics", timeout=5) as response:
            return Samples(response.read().decode())

    def entries(self) -> list[dict[str, Any]]:
        """
        Its log, parsed; lines that are no JSON are left out.
        """
        return [json.loads(line) for line in self.lines() if line.startswith("{") and line.endswith("}")]

    def tail(self, count: int = 25) -> str:
        """
        The end of its log, a line an entry.
        """
        return "\n".join(_short(line)[:300] for line in self.lines()[-count:])

    def warnings(self) -> list[str]:
        """
        What it has said at level warn and above.
        """
        return [
            json.dumps(entry)
            for entry in self.entries()
            if entry.get("level") in ("warn", "error", "dpanic", "panic", "fatal")
        ]


class Double(Collector):
    """
    A Collector that stands in for a store: takes OTLP, decodes any compression, and keeps all as OTLP/JSON.
    """

    def kept(self, signal: str) -> list[dict[str, Any]]:
        """
        What came for `traces`, `metrics` or `logs`, one dictionary a batch. A line that is still written is left out.
        """
        path = self.directory / f"{signal}.jsonl"
        whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
        return [json.loads(line) for line in whole.splitlines()]

    def spans(self) -> list[dict[str, Any]]:
        """
        Every span, as OTLP/JSON has it.
        """
        return [span for batch in self.kept("traces") for _, span in items_of(batch, "Spans", "spans")]

    def records(self) -> list[dict[str, Any]]:
        """
        Every log record, as OTLP/JSON has it.
        """
        return [record for batch in self.kept("logs") for _, record in items_of(batch, "Logs", "logRecords")]

    def series(self) -> list[dict[str, Any]]:
        """
        Every metric of every batch, as OTLP/JSON has it, oldest first.
        """
        return [metric for batch in self.kept("metrics") for _, metric in items_of(batch, "Metrics", "metrics")]


def items_of(batch: Mapping[str, Any], group: str, items: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """
    Each item of an OTLP/JSON batch with its resource.
    """
    for owner in batch.get(f"resource{group}", ()):
        for scope in owner.get(f"scope{group}", ()):
            for item in scope.get(items, ()):
                yield owner.get("resource", {}), item


@contextmanager
def collector(
    files: Sequence[ConfigFile],
    environment: Mapping[str, str],
    directory: Path,
    *,
    extensions: Sequence[str] = (),
    binary: str = "collector",
    name: str = "collector",
    start: bool = True,
) -> Iterator[Collector]:
    """
    A Collector that is ready; it is gone afterwards, in any case.

    Args:
        files: Names below `collector/` ("base.yaml"), paths, or dictionaries that are written as files; in this order.
        environment: Variables of the files; ports and queue directory are set unless given here.
        directory: Takes its queue, its log and what it writes.
        extensions: The whole list of `service.extensions`, where the files' own does not do.
        binary: `collector` or `collector-lb`.
        name: What its log is called.
        start: False leaves `start()` to the caller.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = [_path_of(file, directory, f"{name}-{number}.yaml") for number, file in enumerate(files)]
    if extensions:
        chosen = {"service": {"extensions": list(extensions)}}
        paths.append(_path_of(chosen, directory, f"{name}-extensions.yaml"))
    command = [find(binary), *(part for path in paths for part in ("--config", str(path)))]
    with _ended(Collector(command, directory, environment, name), start) as running:
        yield running


@contextmanager
def launched_collector(
    environment: Mapping[str, str], directory: Path, *, name: str = "collector", start: bool = True
) -> Iterator[Collector]:
    """
    A Collector as a user starts it: `otel-kit collector run` picks the files by these variables.
    """
    directory.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "otel_kit", "collector", "run"]
    more = {"OTEL_KIT_COLLECTOR_BINARY": str(find("collector")), "PYTHONPATH": str(ROOT), **environment}
    with _ended(Collector(command, directory, more, name), start) as running:
        yield running


@contextmanager
def double(directory: Path, *, name: str = "double") -> Iterator[Double]:
    """
    A second Collector in place of a store; `url` for OTLP over HTTP, `grpc` for the other.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = _path_of(_DOUBLE, directory, f"{name}.yaml")
    running = Double([find("collector"), "--config", path], directory, {"DOUBLE_DIRECTORY": str(directory)}, name)
    with _ended(running, True):
        yield running


@contextmanager
def _ended(running: Any, start: bool) -> Iterator[Any]:
    try:
        if start:
            running.start()
        yield running
    finally:
        # killed: how it stops is for the tests that ask for it
        running.kill()


def _short(line: str) -> str:
    if not line.startswith("{"):
        return line
    entry: dict[str, Any] = json.loads(line)
    known = ("level", "ts", "msg", "otelcol.component.id", "error")
    return " ".join(str(entry[name]) for name in known if name in entry)


def _path_of(file: ConfigFile, directory: Path, name: str) -> Path:
    if not isinstance(file, Mapping):
        return FILES / file
    path = directory / name
    path.write_text(yaml.safe_dump(dict(file), sort_keys=False), encoding="utf-8")
    return path


_DOUBLE: dict[str, Any] = {
    "receivers": {
        "otlp": {
            "protocols": {
                "http": {"endpoint": "127.0.0.1:${env:OTEL_KIT_HTTP_PORT}"},
                "grpc": {"endpoint": "127.0.0.1:${env:OTEL_KIT_GRPC_PORT}"},
            }
        }
    },
    "exporters": {
        f"file/{signal}": {"path": f"${{env:DOUBLE_DIRECTORY}}/{signal}.jsonl", "flush_interval": "100ms"}
        for signal in ("traces", "metrics", "logs")
    },
    "extensions": {"health_check": {"endpoint": "127.0.0.1:${env:OTEL_KIT_HEALTH_PORT}"}},
    "service": {
        "extensions": ["health_check"],
        "telemetry": {"metrics": {"level": "none"}, "logs": {"encoding": "json"}},
        "pipelines": {
            signal: {"receivers": ["otlp"], "exporters": [f"file/{signal}"]} for signal in ("traces", "metrics", "logs")
        },
    },
}
