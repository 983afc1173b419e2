"""
How long a coroutine holds the event loop.

Owns the measure alone. Knows nothing of checks or of what follows from it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any

__all__ = ["Steps"]


class Steps:
    """
    Awaits what `make` gives, and times each step between two waits.
    """

    def __init__(self, make: Callable[[], Awaitable[Any]]) -> None:
        self._make = make
        self.longest = 0.0
        """The longest step so far, in seconds."""
        self.total = 0.0
        """All steps so far, in seconds."""
        self.ended = 0.0
        """When the last step was over, in monotonic seconds."""

    def __await__(self) -> Generator[Any, Any, Any]:
        begun = time.monotonic()
        try:
            inner: Any = self._make().__await__()
            waits_for = next(inner)
            while True:
                self._note(begun)
                try:
                    yield waits_for
                except BaseException as error:  # a cancellation as a rule: the coroutine's to deal with
                    begun = time.monotonic()
                    waits_for = inner.throw(error)
                else:
                    begun = time.monotonic()
                    waits_for = next(inner)
        except StopIteration as end:
            return end.value
        finally:
            self._note(begun)

    def _note(self, begun: float) -> None:
        self.ended = time.monotonic()
        self.longest = max(self.longest, self.ended - begun)
        self.total += self.ended - begun
