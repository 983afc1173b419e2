"""
The tutorial "from a log line to its trace", done as a reader does it, with the real programs.

Blocks are taken from top to bottom: `py` is saved as the file that the line before it names, `console` is run,
`text` is compared with what the last command printed (`…` stands for anything). A command that goes on until it is
stopped stays up. Ports are free ones, data lies in the test's directory, and that is all that differs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.binaries import ROOT, find
from e2e.process import Running, answers_ok, clean_environment, free_port

PAGE = ROOT / "docs/tutorial-log-to-trace.md"
FENCE = re.compile(r"^```(py|console|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_HERE = ("make ", "pip install")
READY = {
    "loki": ("3100", "/ready"),
    "tempo": ("3200", "/ready"),
    "collector": ("13133", "/"),
    "uvicorn": ("8000", "/docs"),
}
ARRIVES_SECONDS = 30.0


class Reader:
    """
    One reader with a checkout, some terminals, and ports that are free.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ports = {port: str(free_port()) for port in ("3100", "3200", "14318", "4318", "8000", "13133")}
        self.running: dict[str, Running] = {}
        self.command = ""
        self.environment = clean_environment(directory, self._told())
        (directory / "collector").symlink_to(ROOT / "collector")
        (directory / "bin").mkdir()
        for name in ("loki", "tempo"):
            (directory / "bin" / name).symlink_to(find(name))

    def _told(self) -> dict[str, str]:
        ports = self.ports
        return {
            "PATH": f"{self.directory / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": f"{ROOT}:{self.directory}",
            "LOKI_HTTP_PORT": ports["3100"],
            "LOKI_GRPC_PORT": str(free_port()),
            "TEMPO_HTTP_PORT": ports["3200"],
            "TEMPO_GRPC_PORT": str(free_port()),
            "TEMPO_GOSSIP_PORT": str(free_port()),
            "TEMPO_OTLP_PORT": ports["14318"],
            "OTEL_KIT_COLLECTOR_BINARY": str(find("collector")),
            "OTEL_KIT_HTTP_PORT": ports["4318"],
            "OTEL_KIT_GRPC_PORT": str(free_port()),
            "OTEL_KIT_HEALTH_PORT": ports["13133"],
            "OTEL_KIT_SELF_PORT": str(free_port()),
            "OTEL_KIT_QUEUE_DIR": str(self.directory / "queue"),
            # the default, at a port that is free
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{ports['4318']}",
        }

    def do(self, command: str) -> None:
        """
        Run a block of commands; the one that shows something is kept for the comparison.
        """
        if command.startswith(NOT_HERE):
            return
        command = re.sub(r"\$\(\.ci/programs (\w+)\)", r"\1", command.strip())
        command = command.replace("otel-kit collector", f"{sys.executable} -m otel_kit collector")
        command = re.sub(r"(?<=:)(\d+)\b|(?<=--port )(\d+)", lambda m: self.ports.get(m[0], m[0]), command)
        for name, (port, path) in READY.items():
            if re.search(rf"(^|\s){name}\s", command) and "curl" not in command:
                self.start(name, command, int(self.ports[port]), path)
                return
        self.command = command
        self.seen()

    def start(self, name: str, command: str, port: int, path: str) -> None:
        """
        Start what stays up, in a terminal of its own.
        """
        line = ["bash", "-c", re.sub(r"^((?:\w+=\S+ )*)", r"exec env \1", command)]
        log = self.directory / f"{name}.log"
        running = Running(name, line, log, self.environment, lambda: answers_ok(port, path), 40)
        self.running[name] = running
        running.start()

    def seen(self) -> str:
        """
        What the last command prints now.
        """
        done = subprocess.run(
            ["bash", "-uc", self.command],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout

    def compare(self, text: str) -> None:
        """
        Ask again until each line is there: what was sent arrives a moment later.
        """
        patterns = [".*".join(re.escape(part) for part in line.split("…")) for line in text.splitlines()]
        deadline = time.monotonic() + ARRIVES_SECONDS
        while True:
            shown = self.seen().replace("\r", "")
            lines = [shown.replace("\n", " "), *shown.splitlines()]
            missing = [one for one in patterns if not any(re.fullmatch(one, line) for line in lines)]
            if not missing:
                return
            assert time.monotonic() < deadline, f"{self.command}\nshows no {missing}:\n{shown[:3000]}"
            time.sleep(0.3)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """
    A reader who goes home in the end.
    """
    reader = Reader(tmp_path)
    yield reader
    for running in reader.running.values():
        running.kill()


def test_the_tutorial_does_what_it_says(reader: Reader) -> None:
    """
    Every command works, every output is as shown, also that of a store which was away for a while.
    """
    text = PAGE.read_text(encoding="utf-8")
    for block in FENCE.finditer(text):
        language, content = block[1], block[2]
        if language == "py":
            name = re.findall(r"`(\w+\.py)`", text[: block.start()])[-1]
            (reader.directory / name).write_text(content, encoding="utf-8")
        elif language == "text":
            reader.compare(content)
        elif "/order/cake" in content:
            # the prose before it says so
            reader.running["loki"].stop()
            reader.do(content)
            reader.running["loki"].start()
        else:
            reader.do(content)

    assert {"loki", "tempo", "collector", "uvicorn"} == set(reader.running)
