"""
The seam between rules and the places in which their windows are counted.

Owns what a storage is asked and what it answers. Knows nothing of requests, rules or Redis.

A storage counts in windows. `moving-window` means: at most `amount` within any `seconds`, by the exact
time of each request. `sliding-window-counter` means the same counted by groups: requests that come
within a tenth of the window of each other share one time, that of the latest of them. It never lets
more pass, needs few numbers a client whatever the amount, and may hold a request back for a
tenth of the window longer: a client that comes evenly is safe up to nine tenths of the amount.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Literal, NamedTuple, Protocol

__all__ = ["ADMITTED", "Outcome", "Storage", "StorageAway", "StorageState", "Strategy", "Window"]

Strategy = Literal["sliding-window-counter", "moving-window"]
StorageState = Literal["memory", "shared", "local"]


class Window(NamedTuple):
    """
    One rate of one rule for one client, and what the request at hand costs of it.

    `cost` is from 1 to `amount`. `key` differs by policy, amount, seconds, strategy and client. For a storage that
    others can read it is printable ASCII of at most 80 characters, of the form `otel-kit:1:{client's hash}:rate`; what
    stands between the braces is the same in all windows of one call, so that a Redis Cluster keeps them together.
    In memory an address stands for itself: `client:rate`.
    """

    amount: int
    seconds: int
    strategy: Strategy
    key: str
    cost: int = 1


class Outcome(NamedTuple):
    """
    What became of one request.

    `refused` is the position of the window that refuses, of several the one with the longest wait; None: all passed.
    `reset_after` is the time in seconds until a request of the same cost passes this window, above 0 and
    at most `seconds`; `remaining` is what is left of it now. Both are 0 for a request that passed.

    `used` is what the client now has in use of each window, all of it of the one that refuses. Empty where the
    windows are in this process, which know their peaks.
    """

    refused: int | None
    reset_after: float
    remaining: int
    used: tuple[int, ...] = ()


ADMITTED = Outcome(None, 0.0, 0)


class StorageAway(Exception):
    """
    The storage could not be asked, or has not answered in time: the rules say what holds meanwhile.
    """


class Storage(Protocol):
    """
    Counts windows, for one process or for many.
    """

    def acquire(self, windows: Sequence[Window]) -> Outcome | Awaitable[Outcome]:
        """
        Take each window's cost from all of the windows, or nothing from any of them.

        Raises:
            StorageAway: Now or when awaited. Raised now, without a wait, while the storage is known to be away.
        """

    def state(self) -> StorageState:
        """
        `memory`: one process; `shared`: all processes; `local`: meant to be shared, but away at the moment.
        """

    async def start(self) -> None:
        """
        Try to reach it; never raises, and waits for 50 ms at most.
        """

    async def close(self) -> None:
        """
        Let go of connections; the next `acquire` may open new ones.
        """
