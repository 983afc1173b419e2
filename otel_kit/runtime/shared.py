"""
The one runtime of a process: made by the first set-up, joined by later ones.

Owns which it is. A test's fixture has it made in its own way, and takes it away again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from otel_kit.layout import LogLayout
from otel_kit.runtime.process import Runtime
from otel_kit.settings import Settings

__all__ = ["current", "make_by", "put", "shared_runtime"]

_lock = threading.Lock()
_shared: Runtime | None = None
_make: Callable[..., Runtime] = Runtime


def shared_runtime(
    settings: Settings, layout: LogLayout, service_name: str | None, redact: object, module: str | None
) -> tuple[Runtime, bool]:
    """
    The process's runtime, and whether this call has made it.

    Args:
        module: Where the application is made, for a service name that nobody has given.
    """
    global _shared
    with _lock:
        if _shared is not None:
            return _shared, False
        _shared = _make(settings, layout, service_name, redact, module)
        return _shared, True


def current() -> Runtime | None:
    """
    The process's runtime, if an application has been set up.
    """
    return _shared


def make_by(make: Callable[..., Runtime]) -> None:
    """
    Have the process's runtime made by `make`, where there is none yet: by `Runtime`, or as a test needs it.
    """
    global _make
    with _lock:
        _make = make


def put(runtime: Runtime | None) -> None:
    """
    Make this the process's runtime, or have none, as if nothing had been set up.
    """
    global _shared
    with _lock:
        _shared = runtime


def _begin_in_child() -> None:
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_begin_in_child)
