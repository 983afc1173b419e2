"""
Readiness and start-up, and the checks that run by themselves.
"""

from __future__ import annotations

import asyncio

import pytest

from otel_kit.faults import counts
from otel_kit.health import Health
from otel_kit.health.refresh import Refresh
from otel_kit.health_layout import CheckReport
from tests.health.asking import ask_route, health_of, new_gauge, value_of


async def statuses(health: Health) -> tuple[int, int]:
    """
    Of `/startupz` and of `/readyz`.
    """
    return (await ask_route(health, "/startupz")).status, (await ask_route(health, "/readyz")).status


async def test_the_way_through_a_life() -> None:
    """
    Started comes with the end of start-up and stays; ready goes as soon as the service is told to end.
    """
    health = health_of()
    health.opening()
    starting = await statuses(health)
    health.start()
    serving = await statuses(health)
    health.stopping()
    draining = await statuses(health)
    await health.close()

    assert [(503, 503), (200, 200), (200, 503)] == [starting, serving, draining]


async def test_not_ready_says_why() -> None:
    """
    And runs no check while the answer is known anyway.
    """
    runs: list[int] = []
    health = health_of({"database": lambda: runs.append(1)})
    health.opening()
    asked = await ask_route(health, "/readyz")

    assert {"status": "not_ready", "reason": "starting", "services": {}} == asked.document
    assert [] == runs


@pytest.mark.parametrize(("critical", "status"), [(True, 503), (False, 200)])
async def test_only_critical_checks_take_readiness(critical: bool, status: int) -> None:
    """
    A degraded service goes on being sent requests.
    """
    health = health_of()
    health.checks.add("cache", lambda: False, critical=critical)

    assert status == (await ask_route(health, "/readyz")).status
    await health.close()


async def test_a_server_without_lifespan_is_ready() -> None:
    """
    A request that comes before any lifespan has begun tells that there is none.
    """
    health = health_of()

    assert (200, 200) == await statuses(health)
    await health.close()


async def test_a_second_lifespan() -> None:
    """
    What was closed starts over.
    """
    health = health_of()
    for _ in range(2):
        health.opening()
        health.start()
        health.stopping()
        await health.close()
    health.opening()
    health.start()

    assert (200, 200) == await statuses(health)
    await health.close()


async def test_checks_run_while_nobody_asks() -> None:
    """
    The gauge has its value soon after the start, and a new one with each run.
    """
    gauge, values = new_gauge(), [asyncio.Event(), asyncio.Event()]
    health = health_of({"database": lambda: not values[0].is_set()}, gauge=gauge, interval_seconds=1.1)
    note = health._notices.note

    def noting(answer: CheckReport) -> None:
        note(answer)
        values[0 if answer.healthy else 1].set()

    health.checks.listen(noting)
    health.start()
    seen = []
    for value in values:
        await asyncio.wait_for(value.wait(), 5)
        seen.append(value_of(gauge, "database"))
    await health.close()

    assert [1.0, 0.0] == seen


async def test_closing_ends_every_task() -> None:
    """
    Runs that hang are cancelled; nothing is left on the loop.
    """
    before = asyncio.all_tasks()
    health = health_of({"hangs": lambda: asyncio.sleep(60)})
    health.start()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await health.close()

    assert before == asyncio.all_tasks()


async def test_closing_leaves_a_stubborn_check_behind() -> None:
    """
    The end comes in bounded time, and the loop's end doesn't wait for the check either.
    """
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        begun.set()
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    before = asyncio.all_tasks()
    health = health_of({"stubborn": stubborn})
    health.start()
    await asyncio.wait_for(begun.wait(), 5)
    await asyncio.wait_for(health.close(), 5)
    left = asyncio.all_tasks()
    let_go.set()

    assert before == left


def test_a_loop_that_ends_without_a_word() -> None:
    """
    Nothing is said of tasks destroyed, and the next loop starts its own.
    """
    health = health_of({"database": lambda: asyncio.sleep(60)})

    async def serve() -> int:
        health.start()
        await asyncio.sleep(0.01)
        return (await ask_route(health, "/health")).status

    assert [200, 200] == [asyncio.run(serve()) for _ in range(2)]


async def test_a_fault_does_not_end_the_refresh() -> None:
    """
    It is counted, and the next run comes.
    """
    runs = 0
    again = asyncio.Event()

    async def fail() -> None:
        nonlocal runs
        runs += 1
        if runs > 1:
            again.set()
        raise ValueError

    faults = counts().get("health", 0)
    refresh = Refresh(fail, 0.01)
    refresh.start()
    await asyncio.wait_for(again.wait(), 5)
    for task in refresh.stop():
        await asyncio.wait({task})

    assert counts()["health"] - faults >= 2
