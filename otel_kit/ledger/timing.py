"""
`with` blocks and decorators that watch a stretch of code.

Owns how sync and async functions are wrapped. Knows nothing of cells: what to do at both ends
is handed in.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar, cast

__all__ = ["Around", "ExceptionCount", "InProgress", "Timer"]

Function = TypeVar("Function", bound=Callable[..., Any])
Self = TypeVar("Self", bound="Around")


class Around:
    """
    A context manager that is also a decorator, of plain functions and coroutine functions.
    """

    def _begin(self) -> Around:
        # each call of a decorated function needs its own, where there is something to remember
        return self

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def __call__(self, function: Function) -> Function:
        """
        The function, watched each time it runs.
        """
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def run(*args: Any, **named: Any) -> Any:
                with self._begin():
                    return await function(*args, **named)
        else:

            @functools.wraps(function)
            def run(*args: Any, **named: Any) -> Any:
                with self._begin():
                    return function(*args, **named)

        return cast(Function, run)


class Timer(Around):
    """
    Reports the time that the block took, also when it fails.

    Args:
        report: Takes it.
        per_second: Of the unit that is reported: 1 for seconds, 1000 for milliseconds.
    """

    def __init__(self, report: Callable[[float], None], per_second: float = 1.0) -> None:
        self._report = report
        self._per_second = per_second
        self._started = 0.0

    def _begin(self) -> Around:
        return Timer(self._report, self._per_second)

    def __enter__(self: Self) -> Self:
        cast(Timer, self)._started = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._report(max(0.0, time.perf_counter() - self._started) * self._per_second)


class ExceptionCount(Around):
    """
    Counts the exceptions of the given class that leave the block.
    """

    def __init__(self, count: Callable[[], None], kinds: type[BaseException] | tuple[type[BaseException], ...]) -> None:
        self._count = count
        self._kinds = kinds

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, self._kinds):
            self._count()


class InProgress(Around):
    """
    Counts up while the block runs.
    """

    def __init__(self, up: Callable[[], None], down: Callable[[], None]) -> None:
        self._up = up
        self._down = down

    def __enter__(self: Self) -> Self:
        cast(InProgress, self)._up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._down()
