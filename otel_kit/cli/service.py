"""
The example service as a child process.

Owns where the example lies, the child's environment, its log lines and its end: whatever
happens to this process short of a kill, the child does not outlive it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from otel_kit.errors import OtelKitError

__all__ = ["NotServing", "Service", "example_directory"]

PACKAGE = Path(__file__).resolve().parent.parent
STOP_SECONDS = 3.0
KEPT_TEXT = 30

_READY = re.compile(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")
_OWN_VARIABLES = re.compile(
    r"OTEL_|(LOG_LEVEL|ENABLE_JSON_LOGGING|ENVIRONMENT|APP_VERSION|CORS_ORIGINS|RATELIMIT_ENABLED)$"
)


class NotServing(OtelKitError):
    """
    The example did not start.
    """


def example_directory() -> Path:
    """
    Where the example's backend lies: inside of an installed package, else beside it in a checkout.
    """
    inside = PACKAGE / "_examples" / "goblin" / "backend"
    return inside if inside.is_dir() else PACKAGE.parent / "examples" / "goblin" / "backend"


class Service:
    """
    The example, served by uvicorn on a free port of loopback.

    Raises:
        NotServing: What it needs is not installed, or it ended before it was ready.
    """

    def __init__(self, otlp_endpoint: str, patience_seconds: float) -> None:
        self.lines: list[dict[str, Any]] = []
        """Its JSON log lines so far, as data."""
        self.port = 0
        self.text: list[str] = []
        """The last of what it said that is no JSON line."""
        self._changed = threading.Condition()
        self._ended = False
        command = [sys.executable, "-m", "uvicorn", "main:app", "--host", "127.0.0.1", "--port", "0"]
        self._process = subprocess.Popen(
            command,
            cwd=example_directory(),
            env=_environment(otlp_endpoint),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self._wait_until_ready(patience_seconds)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> int:
        """
        End it as an orchestrator would, and read what it has still to say; its exit status.
        """
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(1.0)
        return self._process.returncode

    def lines_of(self, correlation_id: str) -> list[dict[str, Any]]:
        """
        The log lines that carry this id.
        """
        return [line for line in self.lines if line.get("correlation_id") == correlation_id]

    def _wait_until_ready(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: bool(self.port) or self._ended, seconds)
        if not self.port:
            said = "\n".join(self.text) or "it said nothing"
            raise NotServing(f"the example did not start\n{said}")

    def _read(self) -> None:
        output = self._process.stdout
        assert output is not None
        with output:
            for raw in output:
                with self._changed:
                    self._take(raw.decode("utf-8", "replace").rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _take(self, text: str) -> None:
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        if not isinstance(line, dict):
            self.text = [*self.text, text][-KEPT_TEXT:]
            return
        self.lines.append(line)
        ready = _READY.search(str(line.get("message")))
        if ready:
            self.port = int(ready[1])


def _environment(otlp_endpoint: str) -> dict[str, str]:
    """
    The caller's, without settings that would lead the telemetry elsewhere.
    """
    kept = {name: value for name, value in os.environ.items() if not _OWN_VARIABLES.match(name)}
    in_checkout = (PACKAGE.parent / "pyproject.toml").is_file()
    paths = [str(PACKAGE.parent)] * in_checkout + [kept.get("PYTHONPATH", "")]
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "ENABLE_JSON_LOGGING": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_BLRP_SCHEDULE_DELAY": "200",
    }
