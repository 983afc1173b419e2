"""
A plain check whose call hangs for good, as on a lost socket: it is given up, and the check recovers.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from otel_kit.health.running import Execution, Outcome
from otel_kit.health.threads import MAX_GIVEN_UP

ROOT = Path(__file__).parents[2]


class Database:
    """
    Its calls hang until they are freed, as many as are told to.
    """

    def __init__(self, hanging: int) -> None:
        self.left = hanging
        self.freed = [threading.Event() for _ in range(hanging)]
        self.started: list[threading.Thread] = []

    def ask(self) -> None:
        """
        The check.
        """
        number = len(self.started)
        self.started.append(threading.current_thread())
        if number < len(self.freed):
            self.freed[number].wait(30)

    def free(self, number: int) -> None:
        """
        Have a call that hangs return, and its thread end.
        """
        self.freed[number].set()
        self.started[number].join(10)


@pytest.fixture
def database_of() -> Iterator[Callable[[int], Database]]:
    """
    A database with so many calls that hang; none is left when the test has ended.
    """
    made: list[Database] = []

    def make(hanging: int) -> Database:
        made.append(Database(hanging))
        return made[-1]

    yield make
    for database in made:
        for freed in database.freed:
            freed.set()


def execution_of(database: Database, *, patience_factor: float = 1.5, least: float = 0.0) -> Execution:
    """
    A check that may take 200 ms, and hang for 300 unless told otherwise.
    """
    return Execution("one", database.ask, 0.2, patience_factor=patience_factor, least_patience_seconds=least)


async def run_until(execution: Execution, done: Callable[[Outcome], bool]) -> Outcome:
    """
    Run it again and again, as probes do.
    """
    deadline = time.monotonic() + 30
    outcome = await execution.run()
    while not done(outcome) and time.monotonic() < deadline:
        await asyncio.sleep(0.005)
        outcome = await execution.run()
    return outcome


async def test_a_check_recovers_from_a_call_that_hangs_for_good(database_of: Callable[[int], Database]) -> None:
    """
    The database is well again, and the thread that hangs is left to itself.
    """
    database = database_of(1)
    execution = execution_of(database)
    first = await execution.run()
    recovered = await run_until(execution, lambda outcome: outcome.healthy)

    assert (True, True) == (first.timed_out, recovered.healthy)
    assert (2, True) == (len(database.started), database.started[0].is_alive())


@pytest.mark.parametrize(("factor", "least"), [(1000.0, 0.0), (0.0, 20.0)])
async def test_a_call_is_not_given_up_early(
    database_of: Callable[[int], Database], factor: float, least: float
) -> None:
    """
    It has the longer of both times.
    """
    database = database_of(1)
    execution = execution_of(database, patience_factor=factor, least=least)
    outcomes = [await execution.run() for _ in range(5)]

    assert ({True}, 1) == ({outcome.timed_out for outcome in outcomes}, len(database.started))


async def test_no_more_than_a_few_threads_are_left_behind(database_of: Callable[[int], Database]) -> None:
    """
    With all of them hanging, and one more in flight, nothing is started until one ends.
    """
    database = database_of(MAX_GIVEN_UP + 1)
    execution = execution_of(database)
    await run_until(execution, lambda _: len(database.started) > MAX_GIVEN_UP)
    await asyncio.sleep(0.4)  # the last one has had its time, too
    full = [await execution.run() for _ in range(5)]
    started = len(database.started)
    database.free(0)
    recovered = await run_until(execution, lambda outcome: outcome.healthy)

    assert ({True}, MAX_GIVEN_UP + 1) == ({outcome.timed_out for outcome in full}, started)
    assert (True, MAX_GIVEN_UP + 2) == (recovered.healthy, len(database.started))


async def test_what_was_given_up_says_nothing_any_more(database_of: Callable[[int], Database]) -> None:
    """
    It returns in the end, while others hang: they are not answered by the first.
    """
    database = database_of(MAX_GIVEN_UP + 1)
    execution = execution_of(database)
    await run_until(execution, lambda _: len(database.started) == 2)
    database.free(0)
    outcome = await execution.run()

    assert True is outcome.timed_out


async def test_giving_up_is_said_once(database_of: Callable[[int], Database], caplog: pytest.LogCaptureFixture) -> None:
    """
    One line for one call, however often the check is asked.
    """
    database = database_of(1)
    execution = execution_of(database)
    with caplog.at_level(logging.WARNING, "otel_kit.health"):
        await run_until(execution, lambda outcome: outcome.healthy)
        for _ in range(3):
            await execution.run()
    (line,) = [record for record in caplog.records if record.msg == "otel_kit.check_given_up"]

    assert "one" == line.__dict__["check"]
    assert 0.2 <= line.__dict__["hung_seconds"]


def test_threads_left_behind_do_not_hold_up_the_end() -> None:
    """
    The process ends while they hang.
    """
    program = """
import asyncio, threading, time
from otel_kit.health.running import Execution

async def main():
    started = []
    def hang():
        started.append(1)
        threading.Event().wait()
    execution = Execution("one", hang, 0.01, patience_factor=2.0, least_patience_seconds=0.0)
    deadline = time.monotonic() + 10
    while len(started) < 3 and time.monotonic() < deadline:
        await execution.run()
    print(len(started))

asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, timeout=30, capture_output=True, text=True
    )

    assert (0, "3\n") == (ended.returncode, ended.stdout)
