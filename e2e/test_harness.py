"""
What the harness does when something is wrong: it says so, and what to do about it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from e2e.programs import MissingProgram, NotReady, Running, find, free_port, wait_for
from e2e.samples import Samples


def test_a_missing_program_names_the_command_that_builds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where neither variable nor cache has it, the text says `make e2e`.
    """
    monkeypatch.delenv("OTEL_KIT_E2E_LOKI", raising=False)
    monkeypatch.setenv("OTEL_KIT_CACHE", str(tmp_path))

    with pytest.raises(MissingProgram, match=r"loki is not there.*OTEL_KIT_E2E_LOKI.*`make e2e`"):
        find("loki")


def test_the_newest_of_the_cache_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A half-built program beside it does not count.
    """
    monkeypatch.delenv("OTEL_KIT_E2E_LOKI", raising=False)
    monkeypatch.setenv("OTEL_KIT_CACHE", str(tmp_path))
    for number, place in enumerate(("loki-v1/loki", "loki-v2/loki", "loki-v3/.building/loki")):
        path = tmp_path / "programs" / place
        path.parent.mkdir(parents=True)
        path.touch(0o755)
        os.utime(path, (number, number))

    assert tmp_path / "programs/loki-v2/loki" == find("loki")


def test_a_program_that_ends_shows_its_log(tmp_path: Path) -> None:
    """
    The failure holds the exit code and the last lines.
    """
    command = ["sh", "-c", "echo the disk is full; exit 3"]
    broken = Running("broken", command, tmp_path / "broken.log", {"PATH": os.environ["PATH"]}, lambda: False)

    with pytest.raises(NotReady, match=r"(?s)broken ended with 3.*the disk is full"):
        broken.start()


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    """
    After its deadline it is gone, with what it started.
    """
    environment = {"PATH": os.environ["PATH"]}
    hanging = Running("hanging", ["sleep", "60"], tmp_path / "log", environment, lambda: False, ready_seconds=0.2)

    with pytest.raises(NotReady, match=r"hanging was not ready in 0\.2 s"):
        hanging.start()

    assert not hanging.is_alive


def test_a_condition_that_never_holds_says_what_it_saw() -> None:
    """
    The last answer is in the text.
    """
    with pytest.raises(AssertionError, match=r"not within 0.1 s: a trace; last answer: \[\]"):
        wait_for(list, "a trace", timeout=0.1)


def test_a_port_is_given_once() -> None:
    """
    Two programs that start at the same time do not get the same.
    """
    ports = [free_port() for _ in range(50)]

    assert 50 == len(set(ports))


def test_a_page_is_read_by_name_and_label() -> None:
    """
    Labels may hold quotes and braces; exemplars and comments are left out.
    """
    page = Samples(
        '# HELP a A.\na_total{path="/{x}",q="\\"1\\""} 2 # {trace_id="ff"} 1 1.5\na_total{path="/"} 3\nb 1e+06\n'
    )

    assert (5, 2, 0) == (page.sum("a_total"), page.sum("a_total", path="/{x}"), page.sum("a_total", path="/y"))
    assert 1_000_000 == page.sum("b")
