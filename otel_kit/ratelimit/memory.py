"""
Limits in one process's memory: the strategies of `limits` over windows of our own.

Owns the storage class that `limits` is given, and the way its coroutines are run without a loop.
Imported when serving begins, not at set-up: the library takes its time to load.

`limits`' own memory storage starts a task for each request and never gives up a client; this one
waits for nothing, so a coroutine over it comes to its end at the first step.
"""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from limits import RateLimitItemPerSecond
from limits.aio.storage import MovingWindowSupport, Storage
from limits.aio.storage.base import SlidingWindowCounterSupport
from limits.aio.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError

from otel_kit.ratelimit.shelf import Shelf
from otel_kit.ratelimit.storage import ADMITTED, Outcome, StorageState, Window
from otel_kit.ratelimit.windows import Windows

__all__ = ["BoundedStorage", "MemoryWindows"]

T = TypeVar("T")


class KeyedItem(RateLimitItemPerSecond):
    """
    A rate whose windows are found by the given key as it is.
    """

    def key_for(self, *identifiers: Any) -> str:
        """
        The first identifier: our keys name the rate themselves.
        """
        return str(identifiers[0])


class BoundedStorage(Storage, MovingWindowSupport, SlidingWindowCounterSupport):
    """
    What `limits` asks of a storage, answered from bounded windows.

    The sliding window counter has no previous window here: groups of requests leave one by one.
    """

    STORAGE_SCHEME = None

    def __init__(self, windows: Windows) -> None:
        super().__init__()
        self.windows = windows

    @property
    def base_exceptions(self) -> type[Exception]:
        """
        What may go wrong in a storage of this kind: nothing that should be wrapped.
        """
        return MemoryError

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """
        One request of a moving window.
        """
        return self.windows.take(key, limit, expiry, amount, exact=True)

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """
        When what is left of the window began, in epoch seconds, and what it holds.
        """
        wait = self.windows.wait(key, limit, expiry, limit, exact=True)
        return time.time() - expiry + wait, self.windows.held(key, expiry, exact=True)

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """
        One request of a sliding window counter.
        """
        return self.windows.take(key, limit, expiry, amount, exact=False)

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """
        Count and time left of the previous window (there is none), then of the current one.
        """
        held = self.windows.held(key, expiry, exact=False)
        return 0, 0.0, held, self.windows.wait(key, held, expiry, 1, exact=False)

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        """
        Forget one key.
        """
        self.windows.clear(key)

    async def clear(self, key: str) -> None:
        """
        Forget one key.
        """
        self.windows.clear(key)

    async def reset(self) -> int | None:
        """
        Forget everything.
        """
        return self.windows.reset()

    async def check(self) -> bool:
        """
        Always there.
        """
        return True

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """
        Fixed windows let twice the amount pass across their edge; there are none here.
        """
        raise ConfigurationError("fixed windows are not offered")

    async def get(self, key: str) -> int:
        """
        See `incr`.
        """
        raise ConfigurationError("fixed windows are not offered")

    async def get_expiry(self, key: str) -> float:
        """
        See `incr`.
        """
        raise ConfigurationError("fixed windows are not offered")


for _name in ("acquire_entry", "acquire_sliding_window_entry"):
    # the library wraps each method twice, to translate errors that can't come up in memory
    setattr(BoundedStorage, _name, inspect.unwrap(getattr(BoundedStorage, _name)))


class MemoryWindows:
    """
    The storage of one process, for any number of threads and loops.

    By default it holds at most 100,000 windows of a client's own, about 210 bytes each where clients come once and
    640 at most, and a million cells that others share, 44 bytes each.
    """

    def __init__(self, windows: Windows | None = None) -> None:
        self.windows = windows or Windows()
        storage = BoundedStorage(self.windows)
        self._engines = {
            "sliding-window-counter": SlidingWindowCounterRateLimiter(storage),
            "moving-window": MovingWindowRateLimiter(storage),
        }
        self._items: dict[tuple[int, int], KeyedItem] = {}
        self._lock = threading.Lock()

    def acquire(self, windows: Sequence[Window]) -> Outcome:
        """
        Take from all windows or from none; never waits.
        """
        with self._lock:
            if len(windows) == 1:
                amount, seconds, strategy, key, cost = windows[0]
                hit = self._engines[strategy].hit(self._item(amount, seconds), key, cost=cost)
                return ADMITTED if _run(hit) else self._refusal(windows)
            if all(self._would_pass(window) for window in windows):
                for amount, seconds, strategy, key, cost in windows:
                    _run(self._engines[strategy].hit(self._item(amount, seconds), key, cost=cost))
                return ADMITTED
            return self._refusal(windows)

    def take(self, shelf: Shelf, client: str, amount: int) -> bool:
        """
        Take one from one window of a rate, without a word on when it may be asked again.
        """
        with self._lock:
            return self.windows.take_from(shelf, client, amount)

    def state(self) -> StorageState:
        """
        Always this process's memory.
        """
        return "memory"

    async def start(self) -> None:
        """
        Nothing to open.
        """

    async def close(self) -> None:
        """
        Nothing to let go: windows outlive a second lifespan of the same application.
        """

    def _would_pass(self, window: Window) -> bool:
        amount, seconds, strategy, key, cost = window
        return _run(self._engines[strategy].test(self._item(amount, seconds), key, cost=cost))

    def _item(self, amount: int, seconds: int) -> KeyedItem:
        item = self._items.get((amount, seconds))
        if item is None:
            item = self._items[amount, seconds] = KeyedItem(amount, seconds)
        return item

    def _refusal(self, windows: Sequence[Window]) -> Outcome:
        waits = [
            self.windows.wait(key, amount, seconds, cost, exact=strategy == "moving-window")
            for amount, seconds, strategy, key, cost in windows
        ]
        refused = max(range(len(waits)), key=waits.__getitem__)
        remaining = 0
        for position, (amount, seconds, strategy, key, _) in enumerate(windows):
            exact = strategy == "moving-window"
            held = self.windows.held(key, seconds, exact=exact)
            if position == refused:
                remaining, held = amount - held, amount
            self.windows.see(key, held, seconds, exact=exact)
        # a wait of 0 would say that it passes: the clock has gone on since the refusal
        return Outcome(refused, max(waits[refused], 0.001), max(remaining, 0))


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    """
    The result of a coroutine that waits for nothing.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError("a storage in memory must not wait")
