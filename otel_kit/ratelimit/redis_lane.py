"""
The calls of Redis that one event loop makes: what goes into each, and how long anybody waits.

Owns the places for calls, the 50 ms and the probe. Knows nothing of URLs, rules or the log.

A request that comes alone is put to Redis at once. Those that come while all places are taken
share the next call, so that a few connections carry a burst of any size. A request waits at most
50 ms in all: for a place, a name, a connection, TLS and the answer together. Its call goes on for a
while, since a connection may come of it, and is then cancelled.

The 50 ms are counted in ticks, and a tick that comes late counts as one in time: when the loop was busy
with something else meanwhile, Redis is not to blame, and its answer may be there already.

What becomes of Redis is no single request's affair: the clock, the probe and what is said of both run outside of all.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from otel_kit.context import quiet_context
from otel_kit.faults import fault
from otel_kit.ratelimit import redis_script
from otel_kit.ratelimit.redis_breaker import Breaker, FailureKind, failure_kind
from otel_kit.ratelimit.redis_call import Call, Request
from otel_kit.ratelimit.redis_client import RedisClient, Script
from otel_kit.ratelimit.storage import Outcome, StorageAway, Window

__all__ = ["PLACES", "Lane"]

PLACES = 4
MAX_REQUESTS = 256
"""Of one call: it holds Redis up for about two milliseconds."""

PATIENCE_SECONDS = 0.045
TICK_SECONDS = 0.005
LATE_TICK_SECONDS = 0.010
LATE_CALL_SECONDS = 0.9
"""Its place is free again before the next probe."""
BEGIN_SECONDS = 0.5
PROBE_EVERY_SECONDS = 1.0
CLOSE_SECONDS = 0.5

SCRIPT = Script(redis_script.SCRIPT, redis_script.DIGEST)


class Lane:
    """
    Places, requests and probe of the running event loop.
    """

    def __init__(self, client: RedisClient, breaker: Breaker) -> None:
        self.loop = asyncio.get_running_loop()
        self._client = client
        self._breaker = breaker
        self._busy = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._pending: deque[Request] = deque()
        self._waiting: deque[Request] = deque()
        self._patience = 0.0
        self._ticked_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._beginning: asyncio.Task[None] | None = None
        self._probing: asyncio.Task[None] | None = None
        self._ending: AsyncGenerator[None, None] | None = None
        self._is_closed = False
        self._quiet = quiet_context()
        breaker.show()

    def ask(self, windows: Sequence[Window]) -> asyncio.Future[Outcome]:
        """
        What becomes of a request; fails with `StorageAway` within 50 ms.
        """
        request = Request(windows, self.loop.create_future(), self._patience)
        self._pending.append(request)
        self._waiting.append(request)
        if self._timer is None:
            self._ticked_at = time.monotonic()
            self._timer = self.loop.call_later(TICK_SECONDS, self._tick, context=self._quiet)
        if self._busy < PLACES:
            self._busy += 1
            self._spawn(self._work())
        return request.answer

    async def begin(self) -> None:
        """
        Open connections before a request needs them, waiting 50 ms for it.

        To connect may take longer than that. Until it has come to an end, requests that wait in vain say nothing of
        Redis; when it fails, limits are local at once.
        """
        self._beginning = self._spawn(self._open_connections())
        await asyncio.wait({self._beginning}, timeout=PATIENCE_SECONDS)

    def keep_probing(self) -> None:
        """
        See to it that a task asks whether Redis is back; there is one at a time.
        """
        if self._probing is None or self._probing.done():
            self._probing = self._quiet.copy().run(self._spawn, self._probe_until_back())

    async def close(self) -> None:
        """
        Let nobody wait any longer, and close the connections.
        """
        await self._end()
        if self._ending is not None:
            await self._ending.aclose()

    async def _end(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for request in self._waiting:
            request.give_up()
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
            await asyncio.wait_for(self._client.close(), CLOSE_SECONDS)
        except Exception as error:
            fault("ratelimit", error)

    async def _until_loop_ends(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await self._end()

    async def _watch_loop(self) -> None:
        # a loop ends its asynchronous generators before it is closed: the only sign of its end that it gives
        if self._ending is None:
            self._ending = self._until_loop_ends()
            await self._ending.__anext__()

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _work(self) -> None:
        """
        Call Redis until nobody is left to be asked for.
        """
        try:
            await self._watch_loop()
            while self._pending:
                call = self._next_call()
                if call.requests:
                    await self._make(call)
        finally:
            self._busy -= 1

    def _next_call(self) -> Call:
        pending = self._pending
        requests: list[Request] = []
        while pending and len(requests) < MAX_REQUESTS:
            request = pending.popleft()
            if not request.answer.done():
                requests.append(request)
        return Call(requests, asyncio.current_task())

    async def _make(self, call: Call) -> None:
        groups = self._groups(call.requests)
        rows = [redis_script.pack([request.windows for request in group]) for group in groups]
        try:
            answers = await self._client.run(SCRIPT, rows)
            verdicts = [self._settle(group, answer) for group, answer in zip(groups, answers, strict=True)]
        except Exception as error:
            # of the library, of Redis or of the network: it has many names and one consequence
            verdicts = [failure_kind(error)]
        finally:
            call.end()
        if call.is_late:
            return
        failure = next((verdict for verdict in verdicts if isinstance(verdict, str)), None)
        if failure is not None:
            self._failed(failure)
        elif True in verdicts:
            self._breaker.succeeded()

    def _groups(self, requests: list[Request]) -> list[list[Request]]:
        """
        Requests that one run of the script can judge: on a Cluster, only what lives in one slot.
        """
        if not self._client.is_cluster:
            return [requests]
        groups: dict[str, list[Request]] = {}
        for request in requests:
            groups.setdefault(request.windows[0].key.partition("}")[0], []).append(request)
        return list(groups.values())

    def _settle(self, group: list[Request], answer: Any) -> FailureKind | bool:
        """
        Tell each request what became of it.

        Returns:
            Whether Redis has written, or how it failed. A refused request only reads, which a replica or a Redis
            without memory can do as well.
        """
        if isinstance(answer, Exception):
            return failure_kind(answer)
        outcomes = redis_script.unpack(answer, [request.windows for request in group])
        for request, outcome in zip(group, outcomes, strict=True):
            if not request.answer.done():
                request.answer.set_result(outcome)
        return any(outcome.refused is None for outcome in outcomes)

    def _tick(self) -> None:
        now = time.monotonic()
        elapsed = now - self._ticked_at
        self._patience += elapsed if elapsed < LATE_TICK_SECONDS else TICK_SECONDS
        self._ticked_at = now
        waiting = self._waiting
        while waiting and (waiting[0].answer.done() or waiting[0].since + PATIENCE_SECONDS <= self._patience):
            request = waiting.popleft()
            if request.answer.done():
                continue
            request.give_up()
            call = request.call
            if call is not None and not call.is_late:
                call.is_late = True
                self.loop.call_later(LATE_CALL_SECONDS, call.cancel)
                if self._beginning is None or self._beginning.done():
                    self._failed("timeout")
        self._timer = self.loop.call_later(TICK_SECONDS, self._tick, context=self._quiet) if waiting else None

    def _failed(self, kind: FailureKind, *, at_once: bool = False) -> None:
        if self._quiet.copy().run(self._breaker.failed, kind, at_once=at_once):
            for request in self._pending:
                request.give_up()
            self._pending.clear()
            self.keep_probing()

    async def _open_connections(self) -> None:
        await self._watch_loop()
        row = redis_script.pack([_probe_windows()])
        try:
            (answer,) = await asyncio.wait_for(self._client.run(SCRIPT, [row]), BEGIN_SECONDS)
            if not isinstance(answer, Exception):
                others = (self._client.run(SCRIPT, [row]) for _ in range(1, PLACES))
                await asyncio.wait_for(asyncio.gather(*others), BEGIN_SECONDS)
        except Exception as error:
            answer = error
        if isinstance(answer, Exception):
            self._failed(failure_kind(answer), at_once=True)

    async def _probe_until_back(self) -> None:
        try:
            # what is in the pool may lead to the Redis that is gone
            await self._client.drop_idle()
        except Exception as error:
            fault("ratelimit", error)
        while self._breaker.is_open:
            await asyncio.sleep(PROBE_EVERY_SECONDS)
            try:
                await self.ask(_probe_windows())
            except StorageAway:
                continue
            self._breaker.close()


def _probe_windows() -> tuple[Window]:
    # it must write: a replica can be read, and so can a Redis that is out of memory
    return (Window(1000, 1, "sliding-window-counter", f"otel-kit:1:{{{uuid.uuid4().hex}}}:probe"),)
