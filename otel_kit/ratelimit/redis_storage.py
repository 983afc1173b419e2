"""
Windows that all processes count together, in Redis.

Owns the storage that rules see, one `Lane` for each event loop that asks. What holds while Redis is away is
the rules' affair: they are told by `StorageAway`, at once while the breaker is open.

What limits hold then: each process counts by itself, so with four workers up to four times the amount passes in all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from otel_kit.ratelimit.redis_breaker import Breaker
from otel_kit.ratelimit.redis_client import RedisClient
from otel_kit.ratelimit.redis_lane import PLACES, Lane
from otel_kit.ratelimit.storage import Outcome, StorageAway, StorageState, Window

__all__ = ["RedisWindows"]


class RedisWindows:
    """
    A `Storage` on one Redis, Sentinels or a Cluster.

    Args:
        url: As `limits` spells it.

    Raises:
        ConfigurationError: The URL can't be used. A Redis that can't be reached is none: see `state`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._checked: RedisClient | None = RedisClient(url, 2 * PLACES)
        self._breaker = Breaker()
        self._lanes: dict[asyncio.AbstractEventLoop, Lane] = {}
        self._lane: Lane | None = None

    async def start(self) -> None:
        """
        Open connections before a request needs them, and say so when there are none; takes 50 ms at most.
        """
        await self._lane_of_loop().begin()

    def acquire(self, windows: Sequence[Window]) -> Awaitable[Outcome]:
        """
        Take each window's cost from all of the windows, or nothing from any of them, in one round trip.

        Raises:
            StorageAway: Now, while the breaker is open; or when awaited, within 50 ms.
        """
        lane = self._lane
        if lane is None or lane.loop is not asyncio.get_running_loop():
            lane = self._lane_of_loop()
        if self._breaker.is_open:
            lane.keep_probing()
            raise StorageAway
        return lane.ask(windows)

    def state(self) -> StorageState:
        """
        `shared`, or `local` while Redis is away.
        """
        return "local" if self._breaker.is_open else "shared"

    async def close(self) -> None:
        """
        Close this loop's connections; the next `acquire` may open new ones.
        """
        lane = self._lanes.pop(asyncio.get_running_loop(), None)
        if lane is self._lane:
            self._lane = None
        if lane is not None:
            await lane.close()

    def _lane_of_loop(self) -> Lane:
        loop = asyncio.get_running_loop()
        lane = self._lanes.get(loop)
        if lane is None:
            self._lanes = {known: other for known, other in self._lanes.items() if not known.is_closed()}
            client, self._checked = self._checked or RedisClient(self._url, 2 * PLACES), None
            lane = self._lanes[loop] = Lane(client, self._breaker)
        self._lane = lane
        return lane
