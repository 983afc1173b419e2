"""
`otel-kit collector validate`: the result is read by the Collector, started on trial and asked one thing.

Owns the trial: beside whatever runs, with marks in place of secrets, and over within seconds. A warning
fails it: what a Collector warns of at its start is a fault that shows later.
"""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from otel_kit.cli.collector.child import end, start
from otel_kit.cli.collector.compose import one_line
from otel_kit.cli.collector.masks import trial_environment
from otel_kit.cli.collector.plan import Plan
from otel_kit.cli.collector.problems import Problem
from otel_kit.cli.collector.redirect import Redirected
from otel_kit.cli.collector.show import merged_by, refusal
from otel_kit.environment import MASK

__all__ = ["validate"]

READY_SECONDS = 15.0
END_SECONDS = 3.0
READY = "Everything is ready"
FAILING_LEVELS = ("warn", "error", "dpanic", "panic", "fatal")

_ITEMS: dict[str, dict[str, object]] = {
    "traces": {
        "resourceSpans": [
            {"scopeSpans": [{"spans": [{"traceId": "1" * 32, "spanId": "1" * 16, "name": "trial", "kind": 2}]}]}
        ]
    },
    "metrics": {
        "resourceMetrics": [
            {"scopeMetrics": [{"metrics": [{"name": "trial", "gauge": {"dataPoints": [{"asInt": "1"}]}}]}]}
        ]
    },
    "logs": {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "trial"}}]}]}]},
}


def validate(plan: Plan, told: TextIO) -> list[Problem]:
    """
    Start it briefly; what was wrong.

    Args:
        told: Gets what was done.
    """
    merged_by(plan)
    started = time.monotonic()
    trial, problems = _try_it(plan)
    if any("address already in use" in str(problem) for problem in problems):
        # somebody took one of the free ports between the look and the start
        trial, problems = _try_it(plan)
    if trial.left_out:
        print(f"not started on trial, only read: {', '.join(trial.left_out)}", file=told)
    if not problems:
        pipelines = len(plan.composition.tree["service"]["pipelines"])
        seconds = time.monotonic() - started
        print(f"valid: {pipelines} pipelines started, took a record of each signal, ended; {seconds:.1f} s", file=told)
    return problems


def _try_it(plan: Plan) -> tuple[Redirected, list[Problem]]:
    with tempfile.TemporaryDirectory(prefix="otel-kit-") as scratch, _closed_address() as closed:
        trial = Redirected(plan.composition.tree, Path(scratch), closed)
        return trial, _problems_of(plan, trial)


def _problems_of(plan: Plan, trial: Redirected) -> list[Problem]:
    overlay = trial.scratch / "trial.yaml"
    # a file, as it may repeat what a hand-written file holds, and command lines can be read by anyone
    overlay.write_text(one_line(trial.overlay), encoding="utf-8")
    command = [str(plan.binary.path), *plan.composition.arguments(), "--config", str(overlay)]
    log = trial.scratch / "collector.log"
    with log.open("wb") as output:
        child = start(command, trial_environment(plan.environment), output)
        try:
            ready = _wait_until_ready(child, log)
            problems = _said(log, ready, child.returncode, trial.closed)
            if ready and not problems:
                problems = _answers(plan, trial)
        finally:
            end(child, END_SECONDS)
    return problems


def _wait_until_ready(child: subprocess.Popen[bytes], log: Path) -> bool:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        ended = child.poll() is not None
        if READY in log.read_text(encoding="utf-8", errors="replace"):
            return True
        if ended:
            return False
        time.sleep(0.02)
    return False


def _said(log: Path, ready: bool, status: int | None, closed: str) -> list[Problem]:
    """
    What it warned of before it was ready, and why it did not get there.
    """
    text = log.read_text(encoding="utf-8", errors="replace")
    before = text.partition(READY)[0]
    remedy = "correct what it names, and validate again"
    # that nobody answers at the closed address is the trial's own doing
    warnings = dict.fromkeys(said for said in _warnings(before) if closed not in said)
    problems = [Problem("the Collector warns", said, remedy) for said in warnings]
    if not ready:
        why = refusal(text) if status is not None else f"was not ready after {READY_SECONDS:.0f} s"
        problems.append(Problem("the Collector does not start", why, remedy))
    return problems


def _warnings(text: str) -> Iterator[str]:
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("level") in FAILING_LEVELS:
            details = {key: value for key, value in entry.items() if key in ("error", "name", "otelcol.component.id")}
            yield " ".join([str(entry.get("msg")), *(f"{key}={value}" for key, value in details.items())])


def _answers(plan: Plan, trial: Redirected) -> list[Problem]:
    """
    One item of each signal: a statement that fails on data refuses everything, and only data shows it.
    """
    if not trial.http_port or plan.selection.has("tls") or plan.selection.has("mtls"):
        return []
    answers = ((signal, _answer(trial.http_port, signal, item)) for signal, item in _ITEMS.items())
    remedy = "correct the processor that it names, and validate again"
    return [Problem(f"the Collector refuses {signal}", why, remedy) for signal, why in answers if why]


def _answer(port: int, signal: str, item: Mapping[str, object]) -> str | None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {MASK}"}
    url = f"http://127.0.0.1:{port}/v1/{signal}"
    request = urllib.request.Request(url, json.dumps(item).encode(), headers)
    # a proxy would be asked otherwise, and that is off this machine
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5):
            return None
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(500).decode('utf-8', 'replace').strip()}"
    except OSError as error:
        return str(error)


@contextmanager
def _closed_address() -> Iterator[str]:
    """
    Held, so that nobody gets it meanwhile, and not listened on, so that every connection is refused.
    """
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"
