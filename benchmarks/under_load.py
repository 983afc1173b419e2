"""
Throughput and latency under uvicorn, driven by wrk over loopback.

Server and load generator get a core each (wrk shares its own with the sink). Every server is a fresh process that
answers some seconds of GETs, then of POSTs; the order of variants is shuffled in each round. Processor time is the
server's, exports included, divided by the requests it answered; it is steadier than the rate.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

from benchmarks.exchange import CHAT_BODY, KINDS, UnexpectedAnswer
from benchmarks.processes import Child, Sink, cpu_seconds, memory_megabytes

CONNECTIONS = 16
WARM_UP_SECONDS = 1
TAIL_SECONDS = 1.2
"""Left after the load for exporters to send what they hold, so that their processor time is counted."""

SCRIPT = """
wrk.method = "%s"
wrk.headers["Content-Type"] = "application/json"
wrk.body = %s
"""

SUMMARY = """
done = function(summary, latency, requests)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format('{"requests": %d, "duration": %d, "failed": %d, "p50": %f, "p99": %f}\\n',
    summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass
class Load:
    """One variant and one kind of request; one entry a round."""

    rate: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Microseconds of the server's processor time an answered request."""

    share: list[float] = field(default_factory=list)
    """Rate as a share of that of `bare` in the same round."""

    megabytes: float = 0.0
    answered: int = 0


Measured = dict[str, dict[str, Load]]


def available() -> bool:
    """
    Whether wrk is installed and there are two cores to keep apart.
    """
    return shutil.which("wrk") is not None and len(os.sched_getaffinity(0)) >= 2


def measure(variants: list[str], sink: Sink, rounds: int, seconds: int) -> Measured:
    """
    `rounds` fresh servers of every variant, each under load for `seconds` a kind of request.
    """
    server_core, load_core = sorted(os.sched_getaffinity(0))[:2]
    measured: Measured = {variant: {kind: Load() for kind in KINDS} for variant in variants}
    for _ in range(rounds):
        for variant in random.sample(variants, len(variants)):
            server = Child("serve", variant, cores={server_core}, environment=sink.environment(variant))
            try:
                port = server.read()["port"]
                for kind in KINDS:
                    load_server(server.process.pid, port, kind, seconds, load_core, measured[variant][kind])
            finally:
                server.close()
        for variant in variants:
            for kind, load in measured[variant].items():
                load.share.append(load.rate[-1] / measured["bare"][kind].rate[-1])
    return measured


def load_server(pid: int, port: int, kind: str, seconds: int, core: int, load: Load) -> None:
    """
    Warm up, then one measured stretch of one kind of request.
    """
    warm_up = run_wrk(port, kind, WARM_UP_SECONDS, core)
    time.sleep(TAIL_SECONDS)
    cpu_before = cpu_seconds(pid)
    result = run_wrk(port, kind, seconds, core)
    time.sleep(TAIL_SECONDS)
    load.cpu.append((cpu_seconds(pid) - cpu_before) * 1e6 / result["requests"])
    load.rate.append(result["requests"] / (result["duration"] / 1e6))
    load.p50_ms.append(result["p50"] / 1000)
    load.p99_ms.append(result["p99"] / 1000)
    load.megabytes = max(load.megabytes, memory_megabytes(pid))
    load.answered += int(warm_up["requests"] + result["requests"])


def run_wrk(port: int, kind: str, seconds: int, core: int) -> dict[str, float]:
    """
    wrk's own summary of one kind of request.
    """
    body = json.dumps(CHAT_BODY.decode()) if kind == "POST" else "nil"
    return run_script(SCRIPT % (kind, body), f"http://127.0.0.1:{port}{KINDS[kind].path}", seconds, core)


def run_script(script: str, url: str, seconds: int, core: int) -> dict[str, float]:
    """
    wrk's own summary of the requests that a script asks for; one thread, closed loop.

    Raises:
        UnexpectedAnswer: An answer was not a success, or none came.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script + SUMMARY)
        file.flush()
        command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", file.name]
        output = subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout
    result: dict[str, float] = json.loads(output.splitlines()[-1])
    if result["failed"] or not result["requests"]:
        raise UnexpectedAnswer(f"wrk on {url}: {result}")
    return result


def middle(values: list[float]) -> float:
    """
    Median, or not-a-number before the first round.
    """
    return statistics.median(values) if values else float("nan")
