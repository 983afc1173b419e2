"""
How long a coroutine holds the loop.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from otel_kit.health.steps import Steps


async def test_waiting_holds_nothing() -> None:
    """
    Time spent at an `await` is not the coroutine's, whatever it returns.
    """

    async def wait() -> int:
        await asyncio.sleep(0.2)
        return 7

    steps = Steps(wait)

    assert 7 == await steps
    assert steps.longest < 0.15


async def test_blocking_holds_the_loop() -> None:
    """
    The longest step counts, wherever it comes.
    """

    async def block() -> None:
        await asyncio.sleep(0)
        time.sleep(0.05)  # noqa: ASYNC251 - what it is about
        await asyncio.sleep(0)

    steps = Steps(block)
    await steps

    assert steps.longest >= 0.05


async def test_all_steps_count() -> None:
    """
    What a coroutine ran in all, however often it waited meanwhile.
    """

    async def block() -> None:
        for _ in range(3):
            time.sleep(0.02)  # noqa: ASYNC251 - what it is about
            await asyncio.sleep(0.2)

    begun = time.monotonic()
    steps = Steps(block)
    await steps

    assert 0.06 <= steps.total < time.monotonic() - begun - 0.5


async def test_errors_go_through() -> None:
    """
    Both ways: what is thrown in, and what comes out of it.
    """
    seen: list[str] = []

    async def clean_up() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            await asyncio.sleep(0)
            raise ValueError("after all") from None

    async def run() -> None:
        await Steps(clean_up)

    task = asyncio.ensure_future(run())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(ValueError, match="after all"):
        await task
    assert ["cancelled"] == seen
