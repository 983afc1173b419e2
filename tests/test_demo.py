"""
`otel-kit demo` as a person runs it: what it shows, how it ends, and what it leaves behind.
"""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from otel_kit.cli import main
from otel_kit.cli.demo import run_demo
from otel_kit.cli.page import Page
from otel_kit.cli.story import Evidence, missing
from otel_kit.cli.traffic import FAILING_CHAT, Answer
from tests.servers.serving import environment_of, wait_until

DEMO = [sys.executable, "-m", "otel_kit", "demo"]
UNHELPFUL = {
    "OTEL_SDK_DISABLED": "true",
    "OTEL_KIT_PROFILE": "nonsense",
    "LOG_LEVEL": "CRITICAL",
    "ENABLE_JSON_LOGGING": "false",
    "HTTP_PROXY": "http://127.0.0.1:9",
}


class Shown(NamedTuple):
    """
    What a run has shown, and how it ended.
    """

    text: str
    status: int
    seconds: float


@pytest.fixture(scope="module")
def shown() -> Shown:
    """
    One whole run, in an environment that would send a service's telemetry nowhere.
    """
    begun = time.monotonic()
    done = subprocess.run(
        DEMO, env=environment_of(None, UNHELPFUL), capture_output=True, text=True, timeout=60, check=False
    )
    assert "" == done.stderr
    return Shown(done.stdout, done.returncode, time.monotonic() - begun)


@pytest.fixture
def running() -> Iterator[subprocess.Popen[str]]:
    """
    A run whose service is up, in a process group of its own.
    """
    process = subprocess.Popen(
        DEMO,
        env=environment_of(None),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "Traffic" in line:
            break
    yield process
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.stdout.close()
    process.wait(10)


def test_it_ends_by_itself(shown: Shown) -> None:
    """
    With status 0 and within twenty seconds.
    """
    assert 0 == shown.status, shown.text
    assert shown.seconds < 20


def test_it_shows_the_request_as_a_tree(shown: Shown) -> None:
    """
    The failed chat request, its spans with their times, and which of them failed.
    """
    rows = r"^  (POST /chat/completions|├─ query goblin_notes|└─ chat mistral-large) +━+ +(\S+) ms (.)$"
    spans = re.findall(rows, shown.text, re.MULTILINE)

    assert ["POST /chat/completions", "├─ query goblin_notes", "└─ chat mistral-large"] == [
        name for name, _, _ in spans
    ]
    assert ["✗", "✓", "✗"] == [mark for _, _, mark in spans]
    assert all(float(milliseconds) > 0 for _, milliseconds, _ in spans)


def test_it_shows_the_error_with_its_cause(shown: Shown) -> None:
    """
    What was raised, where, and what had caused it.
    """
    error = re.search(
        r"TimeoutError: .*\n +at completion\.py:\d+ in \w+\n +caused by (.*)\n +at provider\.py:\d+", shown.text
    )

    assert error is not None
    assert error[1].startswith("provider.StreamStalled: ")


def test_it_shows_the_lines_of_the_request(shown: Shown) -> None:
    """
    The application's own line and the request's.
    """
    assert re.search(r"WARNING goblin\.chat: chat_failed\n", shown.text)
    assert re.search(r"ERROR   goblin_assistant: request_completed\n +method=POST path=/chat/completions", shown.text)


def test_it_shows_what_moved_on_metrics(shown: Shown) -> None:
    """
    Requests, errors, tokens and latency, by their documented names.
    """
    for series in (
        '{method="POST",endpoint="/chat/completions",status_code="504"}',
        '{method="POST",endpoint="/chat/completions",error_type="TimeoutError"}',
        '{provider="mistral_ai",error_type="TimeoutError"}',
    ):
        assert re.search(rf"^    {re.escape(series)} +\+1$", shown.text, re.MULTILINE), series


def test_one_id_is_in_spans_lines_and_records(shown: Shown) -> None:
    """
    The id of the answer is that of every span, of the log lines and of the records over OTLP.
    """
    assert re.search(r"correlation id  [0-9a-f]{8}-[0-9a-f-]{27}\n", shown.text)
    assert re.search(
        r"3 of 3 spans of the trace [0-9a-f]{32}\n +2 log lines, and 2 log records over OTLP\n", shown.text
    )
    assert re.search(r"exemplars on /metrics: .*http_request_duration_seconds_bucket", shown.text)


def test_it_says_where_to_look_next(shown: Shown) -> None:
    """
    The one line, how to serve the example, its metrics page, the docs.
    """
    end = shown.text.partition("Where to look next")[2]

    for named in ("setup_observability(app", "uvicorn main:app", "http://127.0.0.1:8001/metrics", "docs/tutorial.md"):
        assert named in end


def test_the_service_can_be_served_as_it_says(shown: Shown) -> None:
    """
    The two lines work where they were shown, without anything on PATH.
    """
    directory, command = re.findall(r"cd (\S+)\n +(\S+ -m uvicorn main:app) --port 8001\n", shown.text)[0]
    done = subprocess.run(
        ["/bin/sh", "-c", f"cd {directory} && {command} --version"],
        env={"PATH": ""},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert "uvicorn" in done.stdout


def test_the_accounts_are_those_of_what_arrived(shown: Shown) -> None:
    """
    What the collector got is what the service says it delivered, and what came after that is told apart.
    """
    spans, records = re.findall(r"collector got +(\d+) spans, (\d+) log records\n", shown.text)[0]

    assert f"traces: {spans} accepted = {spans} delivered + 0 dropped + 0 queued" in shown.text
    assert f"logs: {records} accepted = {records} delivered + 0 dropped + 0 queued" in shown.text
    assert re.search(r"brought the collector \d+ more log records, and [1-9]\d* data points\n", shown.text)


def test_it_fits_a_terminal_and_has_no_colours_in_a_pipe(shown: Shown) -> None:
    """
    No line but a path is wider than a hundred characters, and no escape code is among them.
    """
    wide = [line for line in shown.text.splitlines() if len(line) > 100 and " cd " not in line]

    assert [] == wide
    assert "\x1b" not in shown.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_its_service(running: subprocess.Popen[str], number: int) -> None:
    """
    Ctrl-C and an orchestrator's signal end it within five seconds, without a trace, and no process stays behind.
    """
    begun = time.monotonic()
    running.send_signal(number)
    rest, _ = running.communicate(timeout=10)

    assert 0 == running.returncode
    assert time.monotonic() - begun < 5
    assert rest.endswith("stopped\n")
    assert "Traceback" not in rest
    wait_until(lambda: not _exists(running.pid), 5.0, "no process of the group is left")


def test_ctrl_c_of_a_terminal_ends_it_too(running: subprocess.Popen[str]) -> None:
    """
    A terminal sends the signal to the service as well.
    """
    os.killpg(running.pid, signal.SIGINT)
    rest, _ = running.communicate(timeout=5)

    assert (0, True) == (running.returncode, rest.endswith("stopped\n"))
    wait_until(lambda: not _exists(running.pid), 5.0, "no process of the group is left")


def test_a_service_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    What the service said on its way down is shown, and the status is 1.
    """
    (tmp_path / "main.py").write_text("raise RuntimeError('out of gold')")
    monkeypatch.setattr("otel_kit.cli.service.example_directory", lambda: tmp_path)
    out = io.StringIO()

    assert 1 == run_demo(out)
    assert "the example did not start" in out.getvalue()
    assert "RuntimeError: out of gold" in out.getvalue()


def test_without_a_server_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where uvicorn is not installed, one line says which extra brings it.
    """
    monkeypatch.setattr("otel_kit.cli.demo.find_spec", lambda name: None)
    out = io.StringIO()

    assert 1 == run_demo(out)
    assert "pip install 'otel-kit[cli]'" in out.getvalue()


def test_what_did_not_show_is_named() -> None:
    """
    A run without spans, lines or metrics keeps none of its promises.
    """
    nothing = Evidence(
        failed=Answer(FAILING_CHAT, 504, 0.1, "some-id", 0),
        spans=[],
        lines=[],
        log_records=0,
        before=Page(""),
        after=Page(""),
        arrived=(1, 0),
        at_the_end=(0, 0),
        stop_seconds=0.0,
    )

    assert {"the request's spans, several and nested", "the error with its cause", "the line of the request"} <= set(
        missing(nothing)
    )
    assert "its log records over OTLP" in missing(replace(nothing, log_records=1))
    assert "accounts that agree with what arrived" in missing(nothing)


@pytest.mark.parametrize("arguments", [["dance"], []])
def test_an_unknown_command_is_answered_by_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """
    Status 2, and the commands that there are.
    """
    with pytest.raises(SystemExit) as end:
        main(arguments)

    assert 2 == end.value.code
    assert "usage: otel-kit" in capsys.readouterr().err


def _exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
