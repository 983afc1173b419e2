"""
What `/health/all` asks: one check for each service that this one cannot do without.

Owns the checks. Their routes, their documents and `service_health_status` are the kit's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

import notes

__all__ = ["CHECKS"]


def check_sandbox() -> None:
    """
    Raises when code can't be run: the sandbox needs a directory that can be written.
    """
    with tempfile.TemporaryFile() as probe:
        probe.write(b"goblin")


CHECKS: dict[str, Callable[[], Any]] = {"chroma": notes.heartbeat, "sandbox": check_sandbox}
