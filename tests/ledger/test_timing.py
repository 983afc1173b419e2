"""
Blocks and decorators, of plain and of async functions.
"""

from __future__ import annotations

import asyncio

import pytest

from otel_kit.ledger.timing import ExceptionCount, InProgress, Timer


def test_timer_reports_a_block_that_fails() -> None:
    """
    A failure takes time, too.
    """
    seen: list[float] = []

    with pytest.raises(KeyError), Timer(seen.append):
        raise KeyError

    assert 1 == len(seen)
    assert 0.0 <= seen[0] < 10.0


def test_decorated_function_keeps_name_and_result() -> None:
    """
    The decorator changes nothing but the watching.
    """
    seen: list[float] = []

    @Timer(seen.append)
    def double(value: int) -> int:
        return 2 * value

    assert (6, "double") == (double(3), double.__name__)
    assert 1 == len(seen)


async def test_decorated_coroutine_is_watched_to_its_end() -> None:
    """
    What counts is the end of the coroutine, not its making.
    """
    running = [0]
    gate = asyncio.Event()

    def up() -> None:
        running[0] += 1

    def down() -> None:
        running[0] -= 1

    @InProgress(up, down)
    async def wait() -> str:
        await gate.wait()
        return "done"

    tasks = [asyncio.create_task(wait()) for _ in range(3)]
    await asyncio.sleep(0)
    during = running[0]
    gate.set()

    assert ["done"] * 3 == await asyncio.gather(*tasks)
    assert (3, 0) == (during, running[0])


async def test_calls_of_one_timer_do_not_disturb_each_other() -> None:
    """
    Two calls at once are timed apart: the longer one began first.
    """
    seen: list[float] = []
    gate = asyncio.Event()

    @Timer(seen.append)
    async def wait(first: bool) -> None:
        if first:
            await gate.wait()

    slow = asyncio.create_task(wait(True))
    await asyncio.sleep(0.02)
    await wait(False)
    gate.set()
    await slow

    assert seen[0] < seen[1]
    assert seen[1] >= 0.02


def test_counts_the_named_exceptions_only() -> None:
    """
    Others pass uncounted; all pass.
    """
    seen: list[int] = []

    @ExceptionCount(lambda: seen.append(1), (KeyError, OSError))
    def fail(error: Exception) -> None:
        raise error

    for error in (KeyError(), ValueError(), OSError()):
        with pytest.raises(type(error)):
            fail(error)

    assert 2 == len(seen)
