"""
Checks on a loop that is held up: others are not to blame for it, and who does it is.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from otel_kit.health.checks import Checks, ask
from otel_kit.health.refresh import Refresh
from otel_kit.health.running import Execution, Outcome
from otel_kit.health_layout import CheckReport
from tests.health.asking import health_of, new_gauge, value_of

TIME = 0.3
"""What a check may take."""
BLOCK = 0.5
"""For how long the loop stands still."""


def hold_up() -> None:
    """
    Something else blocks the loop, as soon as whoever calls this waits.
    """
    asyncio.get_running_loop().call_soon(time.sleep, BLOCK)


async def wait() -> None:
    """
    Takes a third of its time.
    """
    await asyncio.sleep(TIME / 3)


async def wait_held_up() -> None:
    """
    The same on a loop that stands still.
    """
    hold_up()
    await wait()


async def ask_held_up() -> None:
    """
    Four questions, each put when the last one is answered.
    """
    hold_up()
    for _ in range(4):
        await asyncio.sleep(TIME / 20)


async def ask_held_up_late() -> None:
    """
    The loop is held up when a quarter of the time is over.
    """
    await asyncio.sleep(TIME / 4)
    await ask_held_up()


async def block() -> None:
    """
    Holds up the loop itself.
    """
    time.sleep(BLOCK)  # noqa: ASYNC251 - what it is about


async def block_in_steps() -> None:
    """
    The same, letting others go on in between.
    """
    for _ in range(5):
        time.sleep(BLOCK / 5)  # noqa: ASYNC251 - what it is about
        await asyncio.sleep(0)


async def block_before_another() -> None:
    """
    Holds up the loop, and what does so next begins when this has ended.
    """
    hold_up()
    await block()


async def outcome_of(function: Callable[[], Any], seconds: float = TIME) -> Outcome:
    """
    One run.
    """
    return await Execution("one", function, seconds).run()


@pytest.mark.parametrize("check", [wait_held_up, ask_held_up, ask_held_up_late, lambda: ask_held_up()])
async def test_a_check_is_not_to_blame_for_a_loop_that_is_held_up(check: Callable[[], Any]) -> None:
    """
    It gets back what it lost; so does the coroutine that a plain function returns.
    """
    assert Outcome(True) == (await outcome_of(check))._replace(held_up_seconds=0.0)


@pytest.mark.parametrize("blocks", [block, block_in_steps, block_before_another])
async def test_a_check_that_holds_up_the_loop_is_late(blocks: Callable[[], Any]) -> None:
    """
    And those beside it are not.
    """
    checks = Checks(timeout_seconds=TIME)
    for name, function in {"before": wait, "blocks": blocks, "after": wait}.items():
        checks.add(name, function)
    answers = {answer.name: answer.healthy for answer in await ask(checks)}

    assert {"before": True, "blocks": False, "after": True} == answers


async def test_a_thread_that_loses_time_with_the_loop_gets_it_back() -> None:
    """
    What holds up the loop may keep the interpreter's lock.
    """
    returned = threading.Event()
    asyncio.get_running_loop().call_later(BLOCK + 0.05, returned.set)
    hold_up()

    assert (await outcome_of(lambda: returned.wait(10))).healthy


async def test_nobody_waits_for_ever_on_a_loop_that_is_always_held_up() -> None:
    """
    What is lost is given back once: it would take 20 blocks and more to count to the end of the time.
    """
    blocks = 0

    async def keep_blocking() -> None:
        nonlocal blocks
        while True:
            time.sleep(0.25)  # noqa: ASYNC251 - what it is about
            blocks += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(keep_blocking())
    outcome = await outcome_of(lambda: asyncio.sleep(60), 0.5)
    task.cancel()

    assert outcome.timed_out
    assert blocks <= 8


async def test_a_time_out_says_that_the_loop_was_held_up() -> None:
    """
    Whoever reads it knows where to look, too.
    """

    async def hang() -> None:
        hold_up()
        await asyncio.sleep(60)

    said, _, held_up = str((await outcome_of(hang)).error).partition("; ")

    assert ("timed out after 0.3 s", "others held up the event loop for ") == (said, held_up[:34])


@pytest.mark.usefixtures("always_stale")
async def test_a_check_that_failed_on_a_loop_that_was_held_up_is_asked_again_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    The metric is right long before the next interval.
    """
    monkeypatch.setattr("otel_kit.health.refresh.AGAIN_SECONDS", 0.01)
    runs: list[int] = []

    async def lose_patience() -> bool:
        runs.append(1)
        if len(runs) == 1:
            await wait_held_up()
        return len(runs) > 1

    gauge, values, recovered = new_gauge(), [], asyncio.Event()
    health = health_of({"database": lose_patience}, gauge=gauge, interval_seconds=1000.0)
    note = health._notices.note

    def noting(answer: CheckReport) -> None:
        note(answer)
        values.append(value_of(gauge, "database"))
        if answer.healthy:
            recovered.set()

    health.checks.listen(noting)
    health.start()
    await asyncio.wait_for(recovered.wait(), 10)
    await health.close()

    assert [0.0, 1.0] == values


@pytest.mark.parametrize(
    ("held_up", "healthy", "unsure"), [(True, False, True), (True, True, False), (False, False, False)]
)
async def test_which_answer_is_not_sure(held_up: bool, healthy: bool, unsure: bool) -> None:
    """
    One that is bad, of a check that lost time.
    """

    async def answer() -> bool:
        await (wait_held_up() if held_up else asyncio.sleep(0))
        return healthy

    checks = Checks(timeout_seconds=10.0)
    checks.add("one", answer)
    await ask(checks)

    assert unsure is checks.get("one").is_unsure


async def test_what_is_sure_is_asked_for_when_its_time_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    One look that was not sure costs one more.
    """
    monkeypatch.setattr("otel_kit.health.refresh.AGAIN_SECONDS", 0.01)
    looks: list[int] = []
    asked, enough = 0, asyncio.Event()

    async def look() -> None:
        looks.append(1)

    def is_unsure() -> bool:
        nonlocal asked
        asked += 1
        if asked > 10:
            enough.set()
        return len(looks) < 2

    refresh = Refresh(look, 1000.0, is_unsure)
    refresh.start()
    await asyncio.wait_for(enough.wait(), 10)
    for task in refresh.stop():
        await asyncio.wait({task})

    assert 2 == len(looks)
