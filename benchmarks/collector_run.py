"""
One measured row: a Collector with some of the files of `collector/`, a load, and a store that discards.

Owns the processes of a row and what is read from them. Judges nothing.

The store is a second Collector without a queue. It has a receiver for each branch, so that its own counters say what
arrived by which. Its time and the sender's are theirs; only the measured Collector's counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import CHECKOUT, cpu_seconds, memory_megabytes
from e2e.programs import Collector, collector, free_port

DRAIN_SECONDS = 30.0
"""How long after the load the last items may take to arrive."""

SIGNALS = {"traces": "spans", "logs": "log_records"}

BRANCHES = {
    "tempo": ("TEMPO_OTLP_ENDPOINT", {"traces_url_path": "/v1/traces"}),
    "jaeger": ("JAEGER_OTLP_ENDPOINT", {"traces_url_path": "/v1/traces"}),
    "loki": ("LOKI_ENDPOINT", {"logs_url_path": "/otlp/v1/logs"}),
    "prometheus": ("PROMETHEUS_ENDPOINT", {"metrics_url_path": "/api/v1/otlp/v1/metrics"}),
}
"""The variable that names each store, and the path at which it is asked."""

SIGNAL_OF = {"tempo": "traces", "jaeger": "traces", "loki": "logs"}
"""What must arrive item by item; what Prometheus gets is counted from spans and has no number of its own."""

LAUNCHED = {"GOMEMLIMIT": "320MiB", "GOGC": "150"}
"""What `otel-kit collector run` gives the Collector beside the user's own variables."""

TOKEN = "f3a9c1"
MARK = {"Authorization": f"Bearer {TOKEN}", "x-otel-kit-redacted": "1"}
"""Headers of a sender that redacts."""

UNREDACTED: dict[str, Any] = {
    "service": {"pipelines": {signal: {"processors": ["memory_limiter"]} for signal in ("traces", "metrics", "logs")}}
}


@dataclass(frozen=True)
class Row:
    """What is measured together."""

    name: str
    redacts: bool
    backends: tuple[str, ...] = ()
    marked: bool = False
    """Whether the sender is known by its token and says that it has applied the policy itself."""


@dataclass(frozen=True)
class Rate:
    """What is sent."""

    seconds: float
    spans: int = 10_000
    logs: int = 1_000


@dataclass
class Outcome:
    """What a row cost and what came of what was accepted."""

    row: Row
    cpu_percent: float
    """Of one core, from the first request to the last item's arrival, over the length of the load."""

    anonymous_mebibytes: float
    """Its peak, without the queue's mapped file."""

    sender_percent: float
    others_percent: float
    """Of one core: everything on the machine but the Collector, the store and the sender."""

    sent: dict[str, dict[str, Any]]
    arrived: dict[str, int]
    """By branch, or by signal where there is none."""

    wanted_spans: int

    @property
    def percent_at_full_rate(self) -> float:
        """
        What the whole load would have cost, where a busy machine let only a part of it through.
        """
        accepted: int = self.sent["traces"]["accepted"]
        return self.cpu_percent * max(self.wanted_spans / max(accepted, 1), 1.0)

    def lost(self, name: str) -> int:
        """
        Accepted and not arrived by this branch; negative where something came twice.
        """
        accepted: int = self.sent[SIGNAL_OF.get(name, name)]["accepted"]
        return accepted - self.arrived[name]


def measure(row: Row, rate: Rate) -> Outcome:
    """
    Start, warm up, load, drain, end.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-collector-") as place, running(row, Path(place)) as (own, store):
        settle(row, own, store, answer_of(start_load(row, own.url, Rate(2, rate.spans, rate.logs))))
        before = arrived(row, own, store)
        began = [cpu_seconds(own.pid), cpu_seconds(store.pid), machine_seconds()]
        sender = start_load(row, own.url, rate)
        peak = peak_while(own, sender)
        sent = answer_of(sender)
        sender_seconds = sent.pop("cpu_seconds")
        settle(row, own, store, sent, before)
        after = arrived(row, own, store)
        ended = [cpu_seconds(own.pid), cpu_seconds(store.pid), machine_seconds()]
    spent, store_spent, all_spent = (end - begin for begin, end in zip(began, ended, strict=True))
    others = max(all_spent - spent - store_spent - sender_seconds, 0.0)
    return Outcome(
        row=row,
        cpu_percent=100 * spent / rate.seconds,
        anonymous_mebibytes=peak,
        sender_percent=100 * sender_seconds / rate.seconds,
        others_percent=100 * others / rate.seconds,
        sent=sent,
        arrived={name: after[name] - before[name] for name in after},
        wanted_spans=round(rate.spans * rate.seconds),
    )


@contextmanager
def running(row: Row, place: Path) -> Iterator[tuple[Collector, Collector]]:
    """
    The measured Collector and the store behind it.
    """
    ports = {backend: free_port() for backend in BRANCHES}
    stores = {BRANCHES[name][0]: f"http://127.0.0.1:{ports[name]}" for name in row.backends}
    environment = {**LAUNCHED, "OTEL_KIT_COLLECTOR_TOKEN": TOKEN, **stores}
    files: list[str | dict[str, Any]] = ["base.yaml", "redaction.yaml"]
    files += [f"backends/{name}.yaml" for name in row.backends]
    if row.marked:
        files.append("overlays/token.yaml")
    if not row.redacts:
        files.append(UNREDACTED)
    with (
        collector([sink(ports)], {}, place / "store", name="store") as store,
        collector(files, environment, place / "collector") as own,
    ):
        yield own, store


def sink(ports: dict[str, int]) -> dict[str, Any]:
    """
    A Collector that takes all and keeps nothing.
    """
    receivers = {
        f"otlp/{name}": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}", **BRANCHES[name][1]}}}
        for name, port in ports.items()
    }
    by_signal = {"traces": ["otlp/tempo", "otlp/jaeger"], "logs": ["otlp/loki"], "metrics": ["otlp/prometheus"]}
    reader = {
        "host": "127.0.0.1",
        "port": "${env:OTEL_KIT_SELF_PORT}",
        **dict.fromkeys(("without_type_suffix", "without_units", "without_scope_info"), True),
    }
    return {
        "receivers": receivers,
        "exporters": {"nop": {}},
        "extensions": {"health_check": {"endpoint": "127.0.0.1:${env:OTEL_KIT_HEALTH_PORT}"}},
        "service": {
            "extensions": ["health_check"],
            "telemetry": {"metrics": {"readers": [{"pull": {"exporter": {"prometheus": reader}}}]}},
            "pipelines": {name: {"receivers": each, "exporters": ["nop"]} for name, each in by_signal.items()},
        },
    }


def arrived(row: Row, own: Collector, store: Collector) -> dict[str, int]:
    """
    Items at the store by branch so far; where nothing is behind the Collector, what it received itself, by signal.
    """
    branches = [name for name in row.backends if name in SIGNAL_OF]
    if not branches:
        samples = own.metrics()
        return {signal: int(samples.sum(f"otelcol_receiver_accepted_{item}")) for signal, item in SIGNALS.items()}
    samples = store.metrics()
    return {
        name: int(samples.sum(f"otelcol_receiver_accepted_{SIGNALS[SIGNAL_OF[name]]}", receiver=f"otlp/{name}"))
        for name in branches
    }


def start_load(row: Row, url: str, rate: Rate) -> subprocess.Popen[str]:
    """
    The sender, begun.
    """
    given = ["--seconds", str(rate.seconds), "--spans", str(rate.spans), "--logs", str(rate.logs)]
    headers = [f"--header={name}={value}" for name, value in MARK.items()] if row.marked else []
    command = [sys.executable, "-m", "benchmarks.collector_load", url, *given, *headers]
    return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)


def answer_of(sender: subprocess.Popen[str]) -> dict[str, Any]:
    """
    What the sender says at its end.
    """
    output, _ = sender.communicate()
    if sender.returncode:
        raise SystemExit(f"the sender ended with status {sender.returncode}; what it wrote is above")
    sent: dict[str, Any] = json.loads(output)
    return sent


def peak_while(own: Collector, sender: subprocess.Popen[str]) -> float:
    """
    The largest anonymous memory that was seen until the sender ended.
    """
    peak = 0.0
    while sender.poll() is None:
        peak = max(peak, memory_megabytes(own.pid, "RssAnon"))
        time.sleep(0.25)
    return peak


def settle(
    row: Row, own: Collector, store: Collector, sent: dict[str, dict[str, Any]], before: dict[str, int] | None = None
) -> None:
    """
    Wait until all that was accepted has arrived, or the time to drain is over.

    Args:
        before: What had arrived when sending began; None is nothing.
    """
    deadline = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < deadline:
        here = arrived(row, own, store)
        missing = [
            name
            for name, count in here.items()
            if count - (before or {}).get(name, 0) < sent[SIGNAL_OF.get(name, name)]["accepted"]
        ]
        if not missing:
            return
        time.sleep(0.25)


def machine_seconds() -> float:
    """
    Processor time that all processes of the machine have used.

    Source: proc(5), the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq.
    """
    fields = [int(each) for each in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]]
    return (sum(fields) - fields[3] - fields[4]) / 100
