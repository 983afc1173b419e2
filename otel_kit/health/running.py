"""
How the function of a check is called, so that it costs nobody more than its time.

Owns where it runs. A plain function runs in a daemon thread: it may block for as long as it likes, and isn't started
again before it returns or is given up. A coroutine function runs on the loop that serves, since connection pools belong
to it. One that blocks the loop, as a `time.sleep` in it does, can't be stopped, but can do so only once or twice, at
start-up as a rule: from then on it runs in a thread, on a loop of its own. What its time is while others hold up the
loop is in `allowance.py`.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from otel_kit.faults import fault
from otel_kit.health.allowance import HELD_UP_SECONDS, Allowance
from otel_kit.health.steps import Steps
from otel_kit.health.threads import ThreadCall, ThreadSlot, close_unawaited

__all__ = ["Execution", "Judge", "Outcome", "judged", "let_go"]

BLOCKING_SECONDS = 0.25
"""
A coroutine that takes so long from one `await` to the next holds up every request; twice in a row is no accident.
"""
SURELY_BLOCKING_SECONDS = 1.0
"""Longer than a pause of a busy machine."""

PATIENCE_FACTOR = 10.0
LEAST_PATIENCE_SECONDS = 20.0
"""A call in a thread has so many times its time, and at least so long, before it counts as hanging for good."""

MAX_ERROR = 4096

_logger = logging.getLogger("otel_kit.health")


class Outcome(NamedTuple):
    """
    How a run went, and why if not well; for how long others held up the loop meanwhile.
    """

    healthy: bool
    error: str | None = None
    timed_out: bool = False
    held_up_seconds: float = 0.0


Judge = Callable[[object], Outcome]
"""What a value that the function has returned means."""


def judged(value: object) -> Outcome:
    """
    Healthy is any value but False.
    """
    return Outcome(False, "the check answered false") if value is False else Outcome(True)


class Execution:
    """
    Calls one check's function, once at a time.

    Args:
        patience_factor: How many times its time a call in a thread may hang before it is given up.
        least_patience_seconds: What it has at least.
    """

    def __init__(
        self,
        name: str,
        function: Callable[[], Any],
        timeout_seconds: float,
        judge: Judge = judged,
        *,
        patience_factor: float = PATIENCE_FACTOR,
        least_patience_seconds: float = LEAST_PATIENCE_SECONDS,
    ) -> None:
        self._name = name
        self._function = function
        self._judge = judge
        self._timeout_seconds = timeout_seconds
        self._late = Outcome(False, f"timed out after {timeout_seconds:g} s", timed_out=True)
        self._on_loop = _is_coroutine_function(function)
        self._blocked_before = False
        self._moved = False
        self._may_move = True
        self._thread = ThreadSlot(name, max(timeout_seconds * patience_factor, least_patience_seconds))
        self._tasks: dict[asyncio.AbstractEventLoop, asyncio.Task[Outcome]] = {}

    def task_on(self, loop: asyncio.AbstractEventLoop) -> asyncio.Task[Outcome] | None:
        """
        The coroutine of this check that is running on the loop.
        """
        return self._tasks.get(loop)

    async def run(self) -> Outcome:
        """
        One run of the function, within its time. Raises nothing of what it raises.
        """
        running = self._tasks.get(asyncio.get_running_loop())
        if running is not None and not running.done():
            let_go(running)  # it was cancelled when its time was over, and has not ended since
            return self._late
        allowance = Allowance(self._timeout_seconds)
        outcome = await (self._await(self._function, allowance) if self._on_loop else self._call(allowance))
        return _held_up(outcome, allowance.lost_seconds)

    async def _call(self, allowance: Allowance) -> Outcome:
        """
        In a thread; what it returns is awaited here if it can be.
        """
        try:
            call = self._thread.enter(self._run_on_own_loop if self._moved else self._function)
        except RuntimeError as error:
            fault("health", error)
            return _failed(error)
        allowance.count_from(call.begun)
        returned = False
        try:
            returned = await call.wait(allowance)
        finally:
            if not returned:
                call.abandon()
        return await self._take(call, allowance) if returned else self._late

    async def _take(self, call: ThreadCall, allowance: Allowance) -> Outcome:
        try:
            value = call.result()
            if not inspect.isawaitable(value):
                return self._judge(value)
        except BaseException as error:
            self._move_back(error)
            return _failed(error)
        try:
            return await self._await(lambda: value, allowance)
        finally:
            close_unawaited(value)

    async def _await(self, make: Callable[[], Awaitable[Any]], allowance: Allowance) -> Outcome:
        """
        On this loop, cancelled when its time is over.
        """
        loop = asyncio.get_running_loop()
        steps = Steps(make)
        for other in [known for known in list(self._tasks) if known.is_closed()]:
            self._tasks.pop(other, None)
        task = self._tasks[loop] = loop.create_task(_guarded(steps, self._judge))
        try:
            await allowance.wait(task, steps)
        finally:
            task.cancel()
        self._judge_steps(steps.longest)
        if not task.done():
            return self._late
        self._tasks.pop(loop, None)
        # one that blocks the loop itself may end before its time-out is noticed
        return task.result() if allowance.covers(steps.ended) else self._late

    def _judge_steps(self, seconds: float) -> None:
        """
        Move the function to a thread when it blocks the loop.
        """
        blocks = seconds > BLOCKING_SECONDS
        surely = seconds > SURELY_BLOCKING_SECONDS or (blocks and self._blocked_before)
        self._blocked_before = blocks
        if surely and self._may_move:
            self._on_loop, self._moved = False, True
            detail = "it runs in a thread from now on; a check that blocks should be a plain function"
            fields = {"check": self._name, "blocked_seconds": round(seconds, 3), "detail": detail}
            _logger.warning("otel_kit.check_blocks", extra=fields)

    def _move_back(self, error: BaseException) -> None:
        """
        To where its connections are: the block was a pause of the machine's, or is the smaller evil.
        """
        if self._moved and isinstance(error, RuntimeError) and "different" in str(error) and "loop" in str(error):
            self._on_loop, self._moved, self._may_move = _is_coroutine_function(self._function), False, False

    def _run_on_own_loop(self) -> Any:
        async def limited() -> Any:
            value = self._function()
            return await asyncio.wait_for(value, self._timeout_seconds) if inspect.isawaitable(value) else value

        return asyncio.run(limited())


def let_go(task: asyncio.Task[Any]) -> None:
    """
    Have the loop end without this task: one that takes no cancellation would be waited for without end.
    """
    # the documented way for a task to be in no list of all tasks; its loss is meant
    asyncio.tasks._unregister_task(task)
    task._log_destroy_pending = False  # type: ignore[attr-defined]


async def _guarded(steps: Steps, judge: Judge) -> Outcome:
    try:
        return judge(await steps)
    except BaseException as error:  # SystemExit in a task would end the server; CancelledError may be the check's own
        return _failed(error)


def _held_up(outcome: Outcome, seconds: float) -> Outcome:
    error = outcome.error
    if outcome.timed_out and seconds >= HELD_UP_SECONDS:
        error = f"{error}; others held up the event loop for {seconds:.1f} s meanwhile"
    return outcome._replace(error=error, held_up_seconds=seconds)


def _failed(error: BaseException) -> Outcome:
    kind = type(error).__name__
    try:
        text = str(error)[:MAX_ERROR]
    except Exception:  # the text is the application's code, and as good as its author
        text = ""
    return Outcome(False, f"{kind}: {text}" if text else kind)


def _is_coroutine_function(function: Callable[[], Any]) -> bool:
    # an object with an async `__call__` is one, too
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)
