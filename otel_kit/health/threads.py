"""
A plain function in a daemon thread, one at a time.

Owns the threads. They are daemons of our own and not of a pool: a function that never returns must not hold up the
end of the process, which waits for the threads of `asyncio.to_thread` and its like. A call that hangs, as one on a lost
socket does, is given up in the end: what it asks may long be well again.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import inspect
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from otel_kit.health.allowance import Allowance

__all__ = ["ThreadCall", "ThreadSlot", "close_unawaited"]

MAX_GIVEN_UP = 3
"""Threads of one check that hang and are waited for no more; the next one has to wait until one of them ends."""

_logger = logging.getLogger("otel_kit.health")


class ThreadCall:
    """
    One call in flight, or its end.
    """

    def __init__(self, name: str, function: Callable[[], Any]) -> None:
        self.begun = time.monotonic()
        self._claimed = self._abandoned = False
        self._end: concurrent.futures.Future[Any] = concurrent.futures.Future()
        # the context of whoever asks is that of a check: it belongs to no request
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._call, function), name=name, daemon=True).start()

    @property
    def done(self) -> bool:
        """
        Whether the function has returned.
        """
        return self._end.done()

    def result(self) -> Any:
        """
        What the function returned; raises what it raised.
        """
        self._claimed = True
        return self._end.result(0)

    def abandon(self) -> None:
        """
        Nobody waits for the result any more: a coroutine among the returned is closed, now or when it comes.
        """
        if not self._abandoned:  # each time that a call which hangs is asked for ends here
            self._abandoned = True
            self._end.add_done_callback(self._discard)

    def _discard(self, end: concurrent.futures.Future[Any]) -> None:
        if not self._claimed and end.exception() is None:
            close_unawaited(end.result())

    async def wait(self, allowance: Allowance) -> bool:
        """
        Wait for as long as is allowed, on any loop; whether the function has returned by then.

        What holds up the loop may hold up a thread as well: code that keeps the interpreter's lock does.
        """
        if self.done or allowance.is_over():
            return self.done
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[None] = loop.create_future()

        def tell(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended meanwhile: nobody is waiting
                loop.call_soon_threadsafe(_settle, arrived)

        self._end.add_done_callback(tell)
        await allowance.wait(arrived)
        return self.done

    def _call(self, function: Callable[[], Any]) -> None:
        try:
            value = function()
        except BaseException as error:  # SystemExit, too: it would end nothing but this thread, unseen
            self._end.set_exception(error)
            return
        self._end.set_result(value)


def _settle(arrived: asyncio.Future[None]) -> None:
    if not arrived.done():
        arrived.set_result(None)


def close_unawaited(value: object) -> None:
    """
    Close a coroutine that has not begun; Python would complain of it.
    """
    if inspect.iscoroutine(value) and inspect.getcoroutinestate(value) == inspect.CORO_CREATED:
        value.close()


class ThreadSlot:
    """
    Room for one call: whoever comes while it is in flight joins it.

    Args:
        check: The name of the check, for the thread and for the log.
        patience_seconds: A call that has been in flight for so long is given up by whoever comes next.
    """

    def __init__(self, check: str, patience_seconds: float) -> None:
        self._check = check
        self._patience_seconds = patience_seconds
        self._lock = threading.Lock()
        self._call: ThreadCall | None = None
        self._given_up: list[ThreadCall] = []

    def enter(self, function: Callable[[], Any]) -> ThreadCall:
        """
        The call in flight, else a new one.

        Raises:
            RuntimeError: The system gives no further thread.
        """
        with self._lock:
            before = self._call if self._call is not None and not self._call.done else None
            if before is not None and not self._may_give_up(before):
                return before
            call = self._call = ThreadCall(f"otel_kit.check.{self._check}", function)
            if before is not None:
                self._given_up.append(before)
        if before is not None:
            self._say(before)
        return call

    def _may_give_up(self, call: ThreadCall) -> bool:
        if time.monotonic() - call.begun < self._patience_seconds:
            return False
        self._given_up = [hanging for hanging in self._given_up if not hanging.done]
        return len(self._given_up) < MAX_GIVEN_UP

    def _say(self, call: ThreadCall) -> None:
        # its rate is bounded: a check gives up one call in the time of its patience
        fields = {
            "check": self._check,
            "hung_seconds": round(time.monotonic() - call.begun, 3),
            "detail": "its call hangs and is left to itself; the check runs anew",
        }
        _logger.warning("otel_kit.check_given_up", extra=fields)
