"""
The service's log, from a file or a command.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.cli.verify.conftest import Run, Verify
from tests.cli.verify.fakes import Fake

QUICK = ("--skip-limits", "--json", "--timeout", "1")


def logs(run: Run) -> tuple[int, str, str]:
    """
    The exit status, and how the check of the log went.
    """
    check = run.check("JSON logs")
    return run.status, check["status"], check["detail"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """
    An empty log file.
    """
    path = tmp_path / "service.log"
    path.touch()
    return path


@pytest.mark.parametrize("source", ["file", "command"])
def test_json_lines_pass(source: str, log: Path, verify: Verify) -> None:
    """
    The request with the known id is found, by either way.
    """
    where = ("--log-file", str(log)) if source == "file" else ("--log-command", f"cat '{log}'")

    assert (0, "passed", "") == logs(verify(Fake(log=log), *where, *QUICK))


def test_plain_text_fails(log: Path, verify: Verify) -> None:
    """
    Lines for people are no JSON; none of them is quoted.
    """
    fake = Fake(log=log, log_line='INFO: 127.0.0.1 - "GET /health HTTP/1.1" 200 OK')
    status, mark, detail = logs(verify(fake, "--log-file", str(log), *QUICK))

    assert (1, "failed") == (status, mark)
    assert "lines (the first is 1) are no JSON object" in detail
    assert "127.0.0.1" not in detail


def test_one_stray_line_fails(log: Path, verify: Verify) -> None:
    """
    It is named by its number; blank lines are none.
    """
    log.write_text('{"message": "started"}\n\nlistening on port 8001\n', encoding="utf-8")
    status, mark, detail = logs(verify(Fake(log=log), "--log-file", str(log), *QUICK))

    assert (1, "failed") == (status, mark)
    assert detail.startswith("line 3 is no JSON object: ")


def test_a_request_line_without_an_id_fails(log: Path, verify: Verify) -> None:
    """
    Every request line has the correlation id.
    """
    log.write_text('{"message": "request_completed"}\n', encoding="utf-8")
    status, mark, detail = logs(verify(Fake(log=log), "--log-file", str(log), *QUICK))

    assert (1, "failed") == (status, mark)
    assert "line 1 is a request's without correlation_id" in detail


def test_another_log_fails(log: Path, verify: Verify) -> None:
    """
    JSON lines, but none of the request that was sent.
    """
    log.write_text('{"message": "started"}\n', encoding="utf-8")
    status, mark, detail = logs(verify(Fake(), "--log-file", str(log), *QUICK))

    assert (1, "failed") == (status, mark)
    assert "no request_completed line has correlation_id" in detail


def test_a_line_that_lacks_fields_fails(log: Path, verify: Verify) -> None:
    """
    The documented fields are the profile's.
    """
    command = f"sed 's/\"path\"/\"way\"/' '{log}'"
    status, mark, detail = logs(verify(Fake(log=log), "--log-command", command, *QUICK))

    assert (1, "failed") == (status, mark)
    assert "the line of a request lacks path" in detail


def test_only_the_end_of_a_long_log_is_read(log: Path, verify: Verify) -> None:
    """
    What lies before the last 10 MB is not judged, and no half line is.
    """
    line = json.dumps({"message": "x" * 1000}) + "\n"
    log.write_text("plain text\n" + line * 10_500, encoding="utf-8")

    assert (0, "passed", "") == logs(verify(Fake(log=log), "--log-file", str(log), *QUICK))


def test_a_command_that_follows_is_ended(log: Path, verify: Verify) -> None:
    """
    It has shown the line that is looked for, and need not end by itself.
    """
    begun = time.monotonic()
    arguments = ("--log-command", f"cat '{log}'; sleep 60", "--skip-limits", "--json", "--timeout", "20")

    assert (0, "passed", "") == logs(verify(Fake(log=log), *arguments))
    assert time.monotonic() - begun < 18


def test_a_command_that_fails_is_said(verify: Verify) -> None:
    """
    It printed nothing and ended with a status of its own.
    """
    status, mark, detail = logs(verify(Fake(), "--log-command", "exit 3", *QUICK))

    assert (1, "failed") == (status, mark)
    assert "non-zero exit status 3" in detail


def test_without_a_log_it_is_for_information(verify: Verify) -> None:
    """
    The documented line, and below it what to give.
    """
    lines = verify(Fake(), "--skip-limits").lines
    where = lines.index("ℹ️  JSON logs in backend output")  # noqa: RUF001

    assert "   not looked at: give --log-file FILE or --log-command CMD" == lines[where + 1]
