"""
One process that asks a storage many times at once; several of these share a Redis.

    python -m e2e.redis_hits URL AMOUNT STRATEGY COUNT

Says "ready", waits for a line, asks, and prints as JSON how many passed, were refused, or met no storage.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from typing import cast

from otel_kit.ratelimit.redis_storage import RedisWindows
from otel_kit.ratelimit.storage import Outcome, StorageAway, Strategy, Window

__all__ = ["ask", "window"]


def window(
    client: str = "somebody",
    amount: int = 100,
    *,
    seconds: int = 60,
    strategy: Strategy = "sliding-window-counter",
    rate: str = "rate",
    cost: int = 1,
) -> Window:
    """
    A window as rules would make it.
    """
    return Window(amount, seconds, strategy, f"otel-kit:1:{{{client}}}:{strategy}:{rate}", cost)


async def ask(storage: RedisWindows, windows: list[Window]) -> str:
    """
    What became of one request: passed, refused or away.
    """
    try:
        outcome: Outcome = await storage.acquire(windows)
    except StorageAway:
        return "away"
    return "passed" if outcome.refused is None else "refused"


async def ask_at_once(url: str, amount: int, strategy: Strategy, count: int) -> dict[str, int]:
    """
    Ask `count` times without waiting for any answer, and count the answers.
    """
    storage = RedisWindows(url)
    await storage.start()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    windows = [window(amount=amount, strategy=strategy)]
    answers = await asyncio.gather(*(ask(storage, windows) for _ in range(count)))
    await storage.close()
    return Counter(answers)


if __name__ == "__main__":
    _, url, amount, strategy, count = sys.argv
    print(json.dumps(asyncio.run(ask_at_once(url, int(amount), cast(Strategy, strategy), int(count)))))
