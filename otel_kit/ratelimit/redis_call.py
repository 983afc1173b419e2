"""
Requests that wait for Redis, and the call that some of them share.

Owns who is told what when a call ends, or doesn't. Knows nothing of connections and clocks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from otel_kit.ratelimit.storage import Outcome, StorageAway, Window

__all__ = ["Call", "Request"]


class Request:
    """
    One request's windows, and who waits for what becomes of it.
    """

    __slots__ = ("answer", "call", "since", "windows")

    def __init__(self, windows: Sequence[Window], answer: asyncio.Future[Outcome], since: float) -> None:
        self.windows = windows
        self.answer = answer
        self.since = since
        self.call: Call | None = None

    def give_up(self) -> None:
        """
        Let it go on without Redis.
        """
        if not self.answer.done():
            self.answer.set_exception(StorageAway())


class Call:
    """
    Requests that are put to Redis together.
    """

    __slots__ = ("is_late", "requests", "task")

    def __init__(self, requests: list[Request], task: asyncio.Task[Any] | None) -> None:
        self.requests = requests
        self.task = task
        self.is_late = False
        for request in requests:
            request.call = self

    def cancel(self) -> None:
        """
        End it, unless it has ended.
        """
        if self.task is not None:
            self.task.cancel()

    def end(self) -> None:
        """
        Leave nobody waiting.
        """
        self.task = None
        for request in self.requests:
            request.give_up()
