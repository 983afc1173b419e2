"""
Faults of the kit itself: counted always, logged seldom, never raised.

Owns the count behind `otel_kit_internal_errors_total{component}` and the one log line a
component may write in ten seconds. Knows nothing of metrics or log layouts.
"""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType

__all__ = ["counts", "fault"]

LOG_EVERY_SECONDS = 10.0

_logger = logging.getLogger("otel_kit")
_lock = threading.Lock()
_counts: dict[str, int] = {}
_logged_at: dict[str, float] = {}


def fault(component: str, error: BaseException | str, **where: str) -> None:
    """
    Count one fault of `component`, and log it unless one was logged in the last ten seconds.

    Args:
        component: A short, fixed name: it becomes a label, so the set must stay closed.
        error: The exception, or a fixed sentence. Of an exception only the type is logged, and the line of code
            that raised it, since its text may hold what the policy has not seen yet.
        where: What helps to find it, for the line alone: names from the code, and nothing that a client sent.
    """
    now = time.monotonic()
    with _lock:
        _counts[component] = _counts.get(component, 0) + 1
        quiet = now - _logged_at.get(component, -LOG_EVERY_SECONDS) < LOG_EVERY_SECONDS
        if not quiet:
            _logged_at[component] = now
    if not quiet:
        kind = error if isinstance(error, str) else type(error).__qualname__
        if isinstance(error, BaseException) and error.__traceback__ is not None:
            where["raised_at"] = _raised_at(error.__traceback__)
        facts = {"component": component, "error.type": kind, "faults": _counts[component]}
        _logger.warning("otel_kit.fault", extra={**where, **facts})


def _raised_at(trace: TracebackType) -> str:
    """
    The innermost place in the code, as `module:line`.
    """
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"


def counts() -> dict[str, int]:
    """
    Faults since the process started, by component.
    """
    with _lock:
        return dict(_counts)


def after_fork() -> None:
    """
    Start from zero in a forked child: its parent counts its own.
    """
    global _lock
    _lock = threading.Lock()
    _counts.clear()
    _logged_at.clear()
