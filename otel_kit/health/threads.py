"""
A plain function in a daemon thread, one at a time.

Owns the threads. They are daemons of our own and not of a pool: a function that never returns must not hold up the
end of the process, which waits for the threads of `asyncio.to_thread` and its like.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import inspect
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

__all__ = ["ThreadCall", "ThreadSlot", "close_unawaited"]


class ThreadCall:
    """
    One call in flight, or its end.
    """

    def __init__(self, name: str, function: Callable[[], Any]) -> None:
        self.begun = time.monotonic()
        self._claimed = False
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
        self._end.add_done_callback(self._discard)

    def _discard(self, end: concurrent.futures.Future[Any]) -> None:
        if not self._claimed and end.exception() is None:
            close_unawaited(end.result())

    async def wait(self, until: float) -> bool:
        """
        Wait up to a moment (monotonic seconds), on any loop; whether the function has returned by then.
        """
        left = until - time.monotonic()
        if self.done or left <= 0:
            return self.done
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[None] = loop.create_future()

        def tell(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended meanwhile: nobody is waiting
                loop.call_soon_threadsafe(_settle, arrived)

        self._end.add_done_callback(tell)
        await asyncio.wait({arrived}, timeout=left)
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
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._call: ThreadCall | None = None

    def enter(self, function: Callable[[], Any]) -> ThreadCall:
        """
        The call in flight, else a new one.

        Raises:
            RuntimeError: The system gives no further thread.
        """
        with self._lock:
            if self._call is None or self._call.done:
                self._call = ThreadCall(self._name, function)
            return self._call
