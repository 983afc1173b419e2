"""
A blocking step beside another, at the process's end.

Owns the thread and that there may be none to have. Knows nothing of what the step does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from otel_kit.faults import fault

__all__ = ["Beside"]


class Beside:
    """
    A blocking step in a thread of its own: an output that nobody reads must not use up the exporters' time.
    """

    def __init__(self, step: Callable[[], bool]) -> None:
        self._step = step
        self._done = False
        self._thread: threading.Thread | None = threading.Thread(target=self._run, name="otel_kit.end", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no thread can be started while the interpreter ends
            self._thread = None
            self._run()

    def _run(self) -> None:
        try:
            self._done = self._step()
        except Exception as error:
            fault("shutdown", error)

    def result(self, deadline: float) -> bool:
        """
        Whether the step has come to its good end, waiting until the deadline.
        """
        if self._thread is not None:
            self._thread.join(max(deadline - time.monotonic(), 0.0))
        return self._done
