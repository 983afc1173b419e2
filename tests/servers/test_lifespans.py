"""
The kit without a server: test clients, plain calls, several applications, forks. Each in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any, NamedTuple

import pytest

from tests.otlp_receiver import OtlpReceiver
from tests.servers.serving import ROOT, environment_of


class Run(NamedTuple):
    """
    What a program said, and when it had ended, by the clock that all processes share.
    """

    result: dict[str, Any]
    lines: list[dict[str, Any]]
    ended: float


def run(scenario: str, receiver: OtlpReceiver) -> Run:
    """
    Run a scenario to its end.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.servers.scenarios", scenario],
        cwd=ROOT,
        env=environment_of(receiver.url),
        capture_output=True,
        timeout=60,
        check=False,
    )
    ended = time.monotonic()
    assert 0 == done.returncode, done.stderr.decode()
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return Run(json.loads(done.stderr.splitlines()[-1]), lines, ended)


def request_lines(ran: Run) -> int:
    """
    Lines of requests on standard output.
    """
    return sum(line["message"] == "request_completed" for line in ran.lines)


def test_second_lifespan_works_as_the_first() -> None:
    """
    The end of each lifespan delivers what belongs to it, the application's last words included.
    """
    with OtlpReceiver() as receiver:
        ran = run("test_client_twice", receiver)
        said = [record.body.string_value for record in receiver.logs]

    assert ([3.0, 6.0], 6, 6) == (ran.result["delivered"], len(receiver.spans), request_lines(ran))
    assert (2, 2) == (said.count("shop.opened"), said.count("shop.closed"))


@pytest.mark.parametrize("scenario", ["test_client_without_lifespan", "plain_asgi"])
def test_without_a_lifespan_the_end_of_the_process_delivers(scenario: str) -> None:
    """
    Requests before which nobody has started the application are observed and delivered all the same.
    """
    with OtlpReceiver() as receiver:
        ran = run(scenario, receiver)

    assert ([200] * 3, 3, 3) == (ran.result["statuses"], len(receiver.spans), request_lines(ran))


def test_two_applications_share_a_process() -> None:
    """
    Each answer has one id, the numbers add up, and the end of one lifespan leaves the other application at work.
    """
    with OtlpReceiver() as receiver:
        ran = run("two_applications", receiver)

    assert {"ids": [1, 1], "in_progress": 2.0, "after": 200, "total": 5.0} == ran.result
    assert (5, 5) == (len(receiver.spans), request_lines(ran))


def test_set_up_twice_doubles_nothing() -> None:
    """
    One handle, one span, one count, one line.
    """
    with OtlpReceiver() as receiver:
        ran = run("set_up_twice", receiver)

    assert ({"same": True, "total": 1.0}, 1, 1) == (ran.result, len(receiver.spans), request_lines(ran))


def test_undo_takes_everything_out() -> None:
    """
    The application answers as it did before, and logging is as it was found.
    """
    with OtlpReceiver() as receiver:
        ran = run("undone", receiver)

    assert {"with": True, "without": False, "status": 200, "page": 404, "logging": True} == ran.result
    assert 1 == sum(scope.name == "otel_kit" for _, scope, _ in receiver.spans_with_owner())


def test_set_up_alone_starts_nothing() -> None:
    """
    A server's parent that only sets the application up and forks has no thread and no socket of the kit.
    """
    with OtlpReceiver() as receiver:
        ran = run("only_set_up", receiver)

    assert {"threads": ["MainThread"], "sockets": 0} == ran.result
    assert [] == receiver.attempts


@pytest.mark.parametrize(("mode", "succeeds"), [("ok", True), ("refuse", False), ("hang", False)])
def test_flush_says_whether_something_is_left(mode: str, succeeds: bool) -> None:
    """
    It takes the time it was given at most, and the kit goes on working even after its shutdown.
    """
    with OtlpReceiver(mode=mode) as receiver:
        ran = run("flushed", receiver)

    assert (succeeds, succeeds, 200) == (ran.result["flushed"], ran.result["ended"], ran.result["again"])
    assert ran.result["seconds"] <= 3.0
    assert (2 if succeeds else 0) == len(receiver.spans)


def test_parent_and_forked_child_deliver_each_its_own() -> None:
    """
    The child's request is counted, traced and logged once, and so is the parent's.
    """
    with OtlpReceiver() as receiver:
        ran = run("forked", receiver)

    assert ({"status": 0, "total": 1.0}, 2, 2) == (ran.result, len(receiver.spans), request_lines(ran))


def test_parent_that_has_only_logged_ends_soon() -> None:
    """
    A server's parent ends after its workers, which have used the time up: a hanging collector gets little more.
    """
    with OtlpReceiver(mode="hang") as receiver:
        ran = run("parent_that_logs", receiver)

    assert 0 == ran.result["status"]
    assert ran.ended - ran.result["until"] <= 2.0
