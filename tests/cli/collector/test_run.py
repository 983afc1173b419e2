"""
The launcher around its child: signals, the end, and what is refused before the start.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.collector.fakes import fake_collector, finished, launch, launcher_environment, seen, wait_for
from tests.stopwatch import Stopwatch

Run = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """
    Starts `run` with the fake and waits until that is there.
    """
    started: list[subprocess.Popen[str]] = []
    fake_collector(tmp_path)

    def start(**variables: str) -> subprocess.Popen[str]:
        process = launch(launcher_environment(tmp_path, **variables), "run")
        started.append(process)
        wait_for(lambda: seen(tmp_path) or process.poll() is not None)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def signals(directory: Path) -> list[str]:
    """
    The signals that the fake got.
    """
    return [note["signal"] for note in seen(directory) if "signal" in note]


def is_alive(pid: int) -> bool:
    """
    Whether there is such a process that is no mere entry in the table.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_collector_and_its_status_is_passed_on(run: Run, tmp_path: Path, number: int) -> None:
    """
    The child gets the signal itself.
    """
    process = run(FAKE="7")
    process.send_signal(number)

    assert 7 == process.wait(30)
    assert [signal.Signals(number).name] == signals(tmp_path)


def test_a_hangup_is_passed_on_and_ends_nothing(run: Run, tmp_path: Path) -> None:
    """
    A Collector reads its files again.
    """
    process = run()
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: signals(tmp_path))

    assert ["SIGHUP"] == signals(tmp_path)
    assert process.poll() is None


def test_one_that_hangs_is_killed_within_five_seconds(run: Run, tmp_path: Path) -> None:
    """
    After four and a half, and that is said.
    """
    process = run(FAKE="hang")
    with Stopwatch(process.pid) as watch:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)

    assert watch.lasted > 4.4
    assert watch.seconds < 5.0
    assert 128 + signal.SIGKILL == process.returncode
    assert "had not ended 4.5 s after the signal and was killed" in errors
    assert not is_alive(seen(tmp_path)[0]["pid"])


def test_a_second_signal_gives_no_second_term(run: Run, tmp_path: Path) -> None:
    """
    The time counts from the first one.
    """
    process = run(FAKE="hang")
    with Stopwatch(process.pid) as watch:
        process.send_signal(signal.SIGTERM)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)

    assert watch.seconds < 5.0
    assert ["SIGTERM", "SIGINT"] == signals(tmp_path)


def test_the_collector_does_not_outlive_its_launcher(run: Run, tmp_path: Path) -> None:
    """
    Not even when the launcher is killed and can say nothing.
    """
    process = run(FAKE="hang")
    child = seen(tmp_path)[0]["pid"]
    process.kill()

    wait_for(lambda: not is_alive(child))


def test_an_end_of_its_own_is_not_followed_by_a_restart(run: Run, tmp_path: Path) -> None:
    """
    The status is the Collector's; it was started once.
    """
    process = run(FAKE="end")

    assert 3 == process.wait(30)
    assert 1 == len(seen(tmp_path))


def test_the_collector_is_told_files_and_variables(run: Run, tmp_path: Path) -> None:
    """
    Files by their paths, secrets only by variables, and Go's limit at four fifths of the limiter's.
    """
    run(OTEL_KIT_COLLECTOR_TOKEN="hu$$sh", OTEL_KIT_COLLECTOR_MEMORY_MIB="200", LOKI_ENDPOINT="")
    told = seen(tmp_path)[0]

    assert ["--config"] * 4 == told["arguments"][::2]
    assert "hu$$sh" not in " ".join(told["arguments"])
    assert "hu$$$$sh" == told["environment"]["OTEL_KIT_COLLECTOR_TOKEN"]
    assert ("160MiB", "150") == (told["environment"]["GOMEMLIMIT"], told["environment"]["GOGC"])
    assert "LOKI_ENDPOINT" not in told["environment"]


def test_a_limit_of_go_that_is_set_stays(run: Run, tmp_path: Path) -> None:
    """
    Whoever set it knows the machine.
    """
    run(GOMEMLIMIT="1GiB")

    assert "1GiB" == seen(tmp_path)[0]["environment"]["GOMEMLIMIT"]


def test_the_start_says_what_was_picked(run: Run, tmp_path: Path) -> None:
    """
    And what looks as if it had been meant to be.
    """
    process = run(LOKI_ENDPOINT="http://127.0.0.1:9", DD_SITE="datadoghq.eu", LOKI_ENDPIONT="x")
    process.terminate()
    _, errors = process.communicate(timeout=30)

    assert "otel-kit collector: base, redaction, loki (of record)" in errors
    assert "otel-kit collector: without datadog: DD_SITE is set, but DD_API_KEY is not" in errors
    assert "warning: LOKI_ENDPIONT: is not read by the Collector: did you mean LOKI_ENDPOINT?" in errors


def test_the_queue_is_for_the_user_alone(run: Run, tmp_path: Path) -> None:
    """
    It holds telemetry; by default it lies in the user's state directory, one for each port.
    """
    process = run(OTEL_KIT_QUEUE_DIR="", XDG_STATE_HOME=str(tmp_path / "state"), OTEL_KIT_HTTP_PORT="24318")
    process.terminate()
    queue = tmp_path / "state" / "otel-kit" / "collector-24318"

    assert 0o700 == queue.stat().st_mode & 0o777
    assert str(queue) == seen(tmp_path)[0]["environment"]["OTEL_KIT_QUEUE_DIR"]


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    """
    Port and variable, before anything starts.
    """
    fake_collector(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, _, errors = finished(launcher_environment(tmp_path, OTEL_KIT_HTTP_PORT=str(port)), "run")

    assert 2 == status
    assert f"error: OTEL_KIT_HTTP_PORT={port}: the port is taken on 127.0.0.1: " in errors
    assert [] == seen(tmp_path)


def test_a_queue_in_use_is_named(run: Run, tmp_path: Path) -> None:
    """
    Two Collectors on one queue would lose it.
    """
    run()
    status, _, errors = finished(launcher_environment(tmp_path), "run")

    assert 2 == status
    assert f"error: OTEL_KIT_QUEUE_DIR={tmp_path / 'queue'}: is in use by a Collector that runs: " in errors
    assert 1 == len(seen(tmp_path))


def test_the_queue_of_one_that_was_killed_is_free(run: Run, tmp_path: Path) -> None:
    """
    What marks it as in use ends with the process.
    """
    first = run()
    child = seen(tmp_path)[0]["pid"]
    first.kill()
    wait_for(lambda: not is_alive(child))
    run()
    wait_for(lambda: 2 == len(seen(tmp_path)))

    assert child != seen(tmp_path)[1]["pid"]


def test_a_queue_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    """
    Nothing is started without it.
    """
    fake_collector(tmp_path)
    (tmp_path / "file").touch()
    status, _, errors = finished(launcher_environment(tmp_path, OTEL_KIT_QUEUE_DIR=str(tmp_path / "file" / "q")), "run")

    assert 2 == status
    assert f"error: OTEL_KIT_QUEUE_DIR={tmp_path / 'file' / 'q'}: can't be written to (" in errors
    assert [] == seen(tmp_path)


def test_no_descriptor_of_the_launcher_is_inherited(run: Run, tmp_path: Path) -> None:
    """
    The lock on the queue is the launcher's; a child that held it would keep the queue when it hangs.
    """
    run()
    descriptors = Path(f"/proc/{seen(tmp_path)[0]['pid']}/fd")

    assert [] == [link for link in descriptors.iterdir() if ".otel-kit-collector" in os.readlink(link)]
