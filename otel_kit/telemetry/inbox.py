"""
The near side of an export queue: where the application's threads leave items.

Owns the bounds, in items and in bytes. `offer` takes no lock, so that it may be called from
anywhere (a signal handler, a finalizer, a log call inside a lock) and costs under a
microsecond: a deque's append is atomic, and the byte count, which two threads may get wrong by
an item, starts anew each time the worker takes everything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import MutableSequence
from typing import Any

from otel_kit.wake import Wake

__all__ = ["Entry", "Inbox"]

Entry = tuple[Any, int, int]
"""
An item, its estimated bytes, and how many items it counts for in the accounts.
"""


class Inbox:
    """
    Items that no worker has taken yet, and how much a worker holds besides.
    """

    __slots__ = ("bytes_waiting", "dormant", "held", "held_bytes", "max_bytes", "max_items", "waiting", "wake")

    def __init__(self, max_items: int, max_bytes: int) -> None:
        self.max_items = max_items
        self.max_bytes = max_bytes
        self.clear()

    def clear(self) -> None:
        """
        Forget everything, as a forked child must.
        """
        self.waiting: deque[Entry] = deque()
        self.bytes_waiting = 0
        self.held = 0
        self.held_bytes = 0
        # True while an offer has to rouse the worker: it sleeps without a timer, or there is none
        self.dormant = True
        self.wake = Wake()

    def move_to(self, backlog: MutableSequence[Entry]) -> None:
        """
        Give everything that waits to the worker; hold the accounts' lock.
        """
        waiting, size, count = self.waiting, 0, 0
        # counted first: what comes in meanwhile waits for the next time
        for _ in range(len(waiting)):
            entry = waiting.popleft()
            backlog.append(entry)
            size += entry[1]
            count += 1
        self.bytes_waiting = max(self.bytes_waiting - size, 0) if waiting else 0
        self.held += count
        self.held_bytes += size

    def release(self, entries: int, size: int) -> None:
        """
        Note that the worker has done with items it held.
        """
        self.held = max(self.held - entries, 0)
        self.held_bytes = max(self.held_bytes - size, 0)
