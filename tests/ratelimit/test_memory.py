"""
The storage of one process: the strategies of `limits` over our windows, all or nothing, for tasks and threads.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from limits import RateLimitItemPerMinute
from limits.aio.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError

from otel_kit.ratelimit.memory import BoundedStorage, MemoryWindows
from otel_kit.ratelimit.storage import ADMITTED, Strategy, Window
from otel_kit.ratelimit.windows import Windows

STRATEGIES: tuple[Strategy, ...] = ("sliding-window-counter", "moving-window")


def window(
    amount: int, seconds: int = 60, strategy: Strategy = "moving-window", key: str = "k", cost: int = 1
) -> Window:
    """
    A window, by what differs.
    """
    return Window(amount, seconds, strategy, key, cost)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_lets_the_amount_pass_and_no_more(strategy: Strategy) -> None:
    """
    Of fifteen requests ten pass, and the eleventh is told when to come again.
    """
    storage = MemoryWindows()
    outcomes = [storage.acquire([window(10, strategy=strategy)]) for _ in range(15)]

    assert [ADMITTED] * 10 == outcomes[:10]
    assert [(0, 0)] * 5 == [(outcome.refused, outcome.remaining) for outcome in outcomes[10:]]
    assert all(59.0 < outcome.reset_after <= 60.0 for outcome in outcomes[10:])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_exactly_the_amount_passes_from_many_threads(strategy: Strategy) -> None:
    """
    Threads that ask at the same time get the amount between them.
    """
    storage = MemoryWindows()
    gate = threading.Barrier(8)

    def ask() -> int:
        gate.wait(10)
        return sum(storage.acquire([window(100, strategy=strategy)]) is ADMITTED for _ in range(50))

    with ThreadPoolExecutor(8) as pool:
        passed = sum(future.result(30) for future in [pool.submit(ask) for _ in range(8)])

    assert 100 == passed


def test_threads_never_take_from_one_window_alone() -> None:
    """
    Also where threads change places all the time, several windows are taken together or not at all.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    storage = MemoryWindows()
    both = [window(200, key="wide"), window(100, key="narrow")]
    gate = threading.Barrier(4)

    def ask() -> int:
        gate.wait(10)
        return sum(storage.acquire(both) is ADMITTED for _ in range(200))

    try:
        with ThreadPoolExecutor(4) as pool:
            passed = sum(future.result(30) for future in [pool.submit(ask) for _ in range(4)])
    finally:
        sys.setswitchinterval(before)

    assert 100 == passed
    assert 100 == sum(storage.acquire(both[:1]) is ADMITTED for _ in range(200))


async def test_exactly_the_amount_passes_from_many_tasks() -> None:
    """
    Tasks of one loop get the amount between them.
    """
    storage = MemoryWindows()

    async def ask() -> bool:
        await asyncio.sleep(0)
        return storage.acquire([window(100)]) is ADMITTED

    assert 100 == sum(await asyncio.gather(*(ask() for _ in range(300))))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_refused_request_takes_from_no_window(strategy: Strategy) -> None:
    """
    Of several windows all take or none.
    """
    storage = MemoryWindows()
    both = [window(10, strategy=strategy, key="wide"), window(3, strategy=strategy, key="narrow")]
    refused = [storage.acquire(both).refused for _ in range(8)]

    assert [None] * 3 + [1] * 5 == refused
    assert 7 == sum(storage.acquire(both[:1]) is ADMITTED for _ in range(10))


def test_the_window_with_the_longest_wait_refuses() -> None:
    """
    Where several windows are full, the one to wait for is named.
    """
    storage = MemoryWindows()
    both = [window(1, 10, key="short"), window(1, 3600, key="long")]
    storage.acquire(both)

    assert 1 == storage.acquire(both).refused


def test_a_dear_request_is_told_what_is_left() -> None:
    """
    The rest of a window is named where the request wanted more.
    """
    storage = MemoryWindows()
    storage.acquire([window(10, cost=7)])
    outcome = storage.acquire([window(10, cost=5)])

    assert (0, 3) == (outcome.refused, outcome.remaining)


@pytest.mark.parametrize("strategy", [SlidingWindowCounterRateLimiter, MovingWindowRateLimiter])
async def test_the_library_sees_a_storage_like_any_other(strategy: type[SlidingWindowCounterRateLimiter]) -> None:
    """
    Strategies of `limits` hit, test, read and clear our storage as they do their own.
    """
    limiter = strategy(BoundedStorage(Windows()))
    item = RateLimitItemPerMinute(2)
    hits = [await limiter.hit(item, "client") for _ in range(3)]
    full = await limiter.test(item, "client")
    stats = await limiter.get_window_stats(item, "client")
    await limiter.clear(item, "client")

    assert ([True, True, False], False, 0) == (hits, full, stats.remaining)
    assert await limiter.test(item, "client")


async def test_fixed_windows_are_refused() -> None:
    """
    The strategy that lets twice the amount pass is not to be had by accident.
    """
    storage = BoundedStorage(Windows())

    for asked in (storage.incr("k", 60), storage.get("k"), storage.get_expiry("k")):
        with pytest.raises(ConfigurationError):
            await asked


async def test_the_storage_is_always_there() -> None:
    """
    Memory answers its check, and closing it keeps what it holds.
    """
    storage = MemoryWindows()
    storage.acquire([window(1)])
    await storage.start()
    await storage.close()

    assert "memory" == storage.state()
    assert 0 == storage.acquire([window(1)]).refused
    assert await BoundedStorage(storage.windows).check()
