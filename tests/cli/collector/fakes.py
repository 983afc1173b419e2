"""
A program that behaves as a Collector does towards its launcher, in Python alone.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]

COMPONENTS: dict[str, Sequence[str]] = {
    "receivers": ("otlp", "file_log", "host_metrics"),
    "processors": (
        "memory_limiter",
        "batch",
        "redaction",
        "transform",
        "filter",
        "resource",
        "tail_sampling",
        "cumulative_to_delta",
    ),
    "exporters": ("nop", "otlp_http", "otlp_grpc", "file", "load_balancing"),
    "connectors": ("forward", "span_metrics", "service_graph"),
    "extensions": ("health_check", "file_storage", "bearertokenauth", "sigv4auth", "zpages"),
}

# what it does is told by FAKE: the status with which it ends on SIGTERM, or a word
_PROGRAM = """#!{python}
import json, os, signal, sys, time

sys.dont_write_bytecode = True
if sys.argv[1] == "components":
    print({components!r})
    sys.exit()
if sys.argv[1] == "featuregate":
    sys.exit(1)
if sys.argv[1] == "print-config":
    print(json.dumps(dict(variables=dict(os.environ))))
    sys.exit()
seen = open({seen!r}, "a")

def note(**what):
    seen.write(json.dumps(what) + "\\n")
    seen.flush()

def take(number, frame):
    note(signal=signal.Signals(number).name)
    if number != signal.SIGHUP and behaviour != "hang":
        os._exit(int(behaviour))

behaviour = os.environ.get("FAKE", "0")
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, take)
note(pid=os.getpid(), arguments=sys.argv[1:], environment=dict(os.environ))
if behaviour == "end":
    sys.exit(3)
time.sleep(60)
"""


def components_text(components: Mapping[str, Sequence[str]] = COMPONENTS, version: str = "0.159.0") -> str:
    """
    What a Collector answers to `components`.
    """
    lists = {section: [{"name": name, "module": ""} for name in names] for section, names in components.items()}
    return json.dumps({"buildinfo": {"command": "fake", "version": version}, **lists})


def fake_collector(directory: Path, text: str | None = None) -> Path:
    """
    The program; what it was told and what signals it got stands in `seen` beside it.
    """
    path = directory / "fake-collector"
    answer = components_text() if text is None else text
    path.write_text(
        _PROGRAM.format(python=sys.executable, components=answer, seen=str(directory / "seen")), encoding="utf-8"
    )
    path.chmod(0o755)
    return path


def seen(directory: Path) -> list[dict[str, Any]]:
    """
    What the program noted so far.
    """
    path = directory / "seen"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def launcher_environment(directory: Path, **more: str) -> dict[str, str]:
    """
    The variables of a launcher that listens on free ports and finds the fake.
    """
    names = ("GRPC", "HTTP", "HEALTH", "SELF")
    ports = {f"OTEL_KIT_{name}_PORT": str(port) for name, port in zip(names, free_ports(4), strict=True)}
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(directory),
        "AWS_EC2_METADATA_DISABLED": "true",
        "OTEL_KIT_QUEUE_DIR": str(directory / "queue"),
        "OTEL_KIT_COLLECTOR_BINARY": str(directory / "fake-collector"),
        **ports,
        **more,
    }


def free_ports(count: int) -> list[int]:
    """
    Ports of loopback that nobody holds now, each another one.
    """
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()


def launch(environment: Mapping[str, str], *arguments: str, cwd: Path | None = None) -> subprocess.Popen[str]:
    """
    `otel-kit collector …` as a process of its own.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "otel_kit", "collector", *arguments],
        env=dict(environment),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_signals,
    )


def _heed_signals() -> None:
    # a job in the background of a shell, or under nohup, ignores them, and so would all that it starts
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def finished(environment: Mapping[str, str], *arguments: str, cwd: Path | None = None) -> tuple[int, str, str]:
    """
    Its status and what it wrote, once it has ended by itself.
    """
    process = launch(environment, *arguments, cwd=cwd)
    output, errors = process.communicate(timeout=60)
    return process.returncode, output, errors


def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """
    What the condition gives as soon as it gives something.
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)
    return found
