"""
The docs as a reader meets them: every block runs, every link leads somewhere, every page is fresh.

A page is read from top to bottom in an empty directory. A Python block whose first line is
`# name.py` is saved under that name, any other is a program. A shell block that begins with a
server stays up until the next one does; it gets a free port, whichever of the documented ones is
written. An `output` block is compared with what came out, where `…` stands for anything. Other
blocks are for the eye.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import pytest

from otel_kit.assets.reference import pages
from otel_kit.logs.output import DropReason as LineDropReason
from otel_kit.telemetry.accounts import DROP_REASONS
from tests.curl import STAND_IN

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PORT = re.compile(r"(?<=[: ])(?:8000|8001|3001)\b")
"""That of the docs, and those of the documented systems."""
DEADLINE_SECONDS = 30.0

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SERVER = re.compile(r"^((?:\w+=\S+ )*)((?:uvicorn|gunicorn) .*)$")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_SENTENCE_END = re.compile(r"[a-z0-9`)\"]\. +[A-Z]")

# Asks every route without parameters, as a reader with a browser would.
_VISITOR = """
import importlib, sys
from starlette.testclient import TestClient

app = getattr(importlib.import_module(sys.argv[1]), "app", None)
if app is not None:
    with TestClient(app, raise_server_exceptions=False) as client:
        for path, methods in app.openapi()["paths"].items():
            if "get" in methods and "{" not in path:
                response = client.get(path)
                assert response.status_code < 500, (path, response.text)
                assert response.headers["X-Correlation-ID"], path
"""


class Block(NamedTuple):
    """
    One fenced block and the line it begins on.
    """

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """
    All fenced blocks of a page.
    """
    text = page.read_text(encoding="utf-8")
    return [Block(m[1], m[2], text.count("\n", 0, m.start()) + 1) for m in _FENCE.finditer(text)]


class Reader:
    """
    Does what a page says.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = _free_port()
        self.seen = ""
        self.server: subprocess.Popen[bytes] | None = None
        self.server_output = directory / ".server-output"
        self._output: IO[bytes] | None = None
        if shutil.which("curl") is None:
            (directory / "curl").write_text(f"#!{sys.executable}\n{STAND_IN}", encoding="utf-8")
            (directory / "curl").chmod(0o755)

    def read(self, block: Block) -> None:
        """
        Take one block.
        """
        if block.language == "python":
            self._python(block.text)
        elif block.language == "shell":
            self._shell(PORT.sub(self.port, block.text))
        elif block.language == "output":
            self._compare(PORT.sub(self.port, block.text))

    def _python(self, text: str) -> None:
        name = re.match(r"# ([\w-]+)\.py\n", text)
        if name is None:
            self.seen = self.run([sys.executable, "-c", text])
            return
        (self.directory / f"{name[1]}.py").write_text(text, encoding="utf-8")
        if not name[1].startswith("test_"):
            self.run([sys.executable, "-c", _VISITOR, name[1]])

    def _shell(self, text: str) -> None:
        server = _SERVER.match(text.strip())
        if server is not None:
            self._serve(f"exec env {server[1]}{server[2]}")
            return
        lines = [line for line in text.splitlines() if not _is_judged_otherwise(line)]
        if lines:
            self.seen = self.run(["bash", "-euc", "\n".join(lines)])

    def _serve(self, command: str) -> None:
        self.stop()
        self._output = self.server_output.open("wb")
        self.server = subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.directory,
            env=_environment(),
            stdout=self._output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        server = self.server
        _wait_for(lambda: server.poll() is not None or _listens(int(self.port)))
        assert server.poll() is None, self.server_output.read_text()

    def _compare(self, text: str) -> None:
        wanted = [line for line in text.splitlines() if line.strip()]

        def missing() -> list[str]:
            shown = self.seen + "\n" + (self.server_output.read_text() if self.server_output.exists() else "")
            lines = shown.replace("\r", "").splitlines()
            return [line for line in wanted if not any(_matches(line, one) for one in lines)]

        _wait_for(lambda: not missing(), seconds=10.0)
        assert [] == missing()

    def run(self, command: list[str]) -> str:
        """
        What a command prints; its failure fails the test.
        """
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=DEADLINE_SECONDS * 2,
            check=False,
            text=True,
        )
        assert 0 == done.returncode, done.stdout
        return done.stdout

    def stop(self) -> None:
        """
        End the server, as Ctrl-C or an orchestrator would.
        """
        server, self.server = self.server, None
        if server is not None:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=DEADLINE_SECONDS)
        if self._output is not None:
            self._output.close()
            self._output = None


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """
    A reader in an empty directory.
    """
    reader = Reader(tmp_path)
    yield reader
    reader.stop()


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_runs(page: Path, reader: Reader) -> None:
    """
    A reader who follows the page gets what it shows.
    """
    for block in blocks(page):
        try:
            reader.read(block)
        except AssertionError as error:
            raise AssertionError(f"{page.relative_to(ROOT)}, line {block.line}: {error}") from None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """
    A relative link names a file of the repository.
    """
    targets = [target for target in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in target]

    assert [] == [target for target in targets if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_prose_has_one_sentence_a_line(page: Path) -> None:
    """
    Outside of blocks and tables a line holds one sentence.
    """
    prose = re.sub(r"^\d+\. ", "", _FENCE.sub("", page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    lines = [line for line in prose.splitlines() if line and line[0] not in "|<#"]

    assert [] == [line for line in lines if _SENTENCE_END.search(line)]


@pytest.mark.parametrize("name", pages())
def test_reference_pages_are_those_of_the_code(name: str) -> None:
    """
    What `make docs` would write is what is there.
    """
    assert pages()[name] == (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("reason", sorted({*DROP_REASONS, *LineDropReason.__args__}))  # type: ignore[attr-defined]
def test_every_reason_of_a_loss_is_explained(reason: str) -> None:
    """
    The page on losses has each value of the label `reason`.
    """
    assert f"`{reason}`" in (ROOT / "docs" / "explanation" / "loss-bounds.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_every_make_target_exists(page: Path) -> None:
    """
    `make x` in the docs is a target of the Makefile.
    """
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z0-9-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))

    assert named
    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_every_extra_that_is_installed_exists() -> None:
    """
    `pip install '.[x]'` in the docs names an extra of the package.
    """
    declared = set(re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        extra
        for page in PAGES
        for extras in re.findall(r"pip install '\.\[([\w,]+)\]'", page.read_text(encoding="utf-8"))
        for extra in extras.split(",")
    }

    assert named
    assert named <= declared


def _is_judged_otherwise(line: str) -> bool:
    """
    Whether a line is not for this test: it would run the tests again, or ask a package registry.
    """
    return line.startswith(("make ", "pip install"))


def _environment() -> dict[str, str]:
    """
    A shell with this Python first on its path, no setting of the kit's own, and nobody to send telemetry to.
    """
    here = str(Path(sys.executable).parent)
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    made = {**kept, "PATH": f"{here}:{os.environ['PATH']}:.", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    # a collector that runs on this machine must not get what the docs send
    made["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
    if "otel_kit.testing" not in _entry_points():
        made["PYTEST_ADDOPTS"] = "-p otel_kit.testing"
    return made


def _entry_points() -> set[str]:
    from importlib.metadata import entry_points

    return {point.value for point in entry_points(group="pytest11")}


def _matches(pattern: str, line: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("…"))
    return re.fullmatch(".*".join(parts), line) is not None


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_for(condition: Any, seconds: float = DEADLINE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
