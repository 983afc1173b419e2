"""
The command in this process, away from the variables and files of the test run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from otel_kit.cli import main
from tests.cli.verify.fakes import Fake, serving

MARKS = "✅❌ℹ"  # noqa: RUF001


class Run(NamedTuple):
    """
    One run of the command.
    """

    status: int
    lines: list[str]
    err: str

    @property
    def marked(self) -> list[str]:
        """
        The lines with a mark, and those below a cross.
        """
        above = ["", *self.lines]
        return [
            line
            for line, before in zip(self.lines, above, strict=False)
            if line[0] in MARKS or (line[0] == " " and before[0] == "❌")
        ]

    @property
    def document(self) -> dict[str, Any]:
        """
        What `--json` printed.
        """
        document: dict[str, Any] = json.loads("\n".join(self.lines))
        return document

    def check(self, begin: str) -> dict[str, str]:
        """
        The check in the document whose name begins like this.
        """
        return next(check for check in self.document["checks"] if check["name"].startswith(begin))


Verify = Callable[..., Run]


@pytest.fixture
def verify(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verify:
    """
    Runs `otel-kit verify` in an empty directory: of an address, or of a fake that is served meanwhile.
    """
    for name in ("CORS_ORIGINS", "OTEL_KIT_METRICS_TOKEN", "OTEL_KIT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def run(what: Fake | str, *arguments: str) -> Run:
        capsys.readouterr()
        if isinstance(what, str):
            status = main(["verify", what, *arguments])
        else:
            with serving(what) as url:
                status = main(["verify", url, *arguments])
        out, err = capsys.readouterr()
        return Run(status, out.splitlines(), err)

    return run
