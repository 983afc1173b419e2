"""
The command as a user runs it, and servers that answer as they are told.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from otel_kit.cli.doctor.remarks import Remark
from tests.otlp_receiver import free_port

ROOT = Path(__file__).parents[3]


def doctor(directory: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """
    The command in a directory, with these variables and no others of the kit's or OpenTelemetry's.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    quiet = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_KIT_HEALTH_PORT": str(free_port())}
    return subprocess.run(
        [sys.executable, "-m", "otel_kit", "doctor", *arguments],
        cwd=directory,
        env={**kept, "PYTHONPATH": str(ROOT), **quiet, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def document(directory: Path, *arguments: str, **variables: str) -> Any:
    """
    What it says with `--json`.
    """
    return json.loads(doctor(directory, "--json", *arguments, **variables).stdout)


def lines(remarks: list[Remark]) -> list[str]:
    """
    Findings as one line each.
    """
    return [f"{one.level}: {one.what}: {one.remedy}" for one in remarks]


class RedisDouble:
    """
    As much of Redis as a login, a `PING` and one run of a script need.

    Args:
        login: What `AUTH` has to bring; empty lets anybody in.
        replies: What it says to these commands, in place of what is well.
    """

    def __init__(self, login: tuple[str, ...] = (), **replies: bytes) -> None:
        self.login = login
        self.replies = {"PING": b"+PONG", "EVALSHA": b"+-1 0 1 -1 0 1", **replies}
        self.commands: list[list[str]] = []
        self.port = 0

    def answer(self, words: list[str], known: bool) -> bytes:
        """
        The reply to one command.
        """
        self.commands.append(words)
        if words[0] == "AUTH":
            return b"+OK" if tuple(words[1:]) == self.login else b"-WRONGPASS invalid username-password pair"
        return self.replies.get(words[0], b"+OK") if known or not self.login else b"-NOAUTH Authentication required."


@contextmanager
def serving(redis: RedisDouble) -> Iterator[RedisDouble]:
    """
    Let it listen on a free port of loopback.
    """

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            known = False
            while head := self.rfile.readline():
                words = [self._word() for _ in range(int(head[1:]))]
                reply = redis.answer(words, known)
                known = known or (words[0] == "AUTH" and reply == b"+OK")
                self.wfile.write(reply + b"\r\n")

        def _word(self) -> str:
            size = int(self.rfile.readline()[1:])
            return self.rfile.read(size + 2)[:-2].decode()

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        redis.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield redis
        server.shutdown()
