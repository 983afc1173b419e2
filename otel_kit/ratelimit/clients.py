"""
Who a request counts against, and what it costs: the two things that a user's function may say.

Owns the check of what such a function returns, and the name of a client in keys. Knows nothing of
rules or storages.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import Scope

from otel_kit.faults import fault
from otel_kit.identity import Identity

__all__ = ["cost_of", "custom_identity", "is_preflight", "key_in_memory", "key_start"]

MAX_IDENTITY = 4096
MAX_TIER = 128
KEY_VERSION = 1

_blank = hashlib.blake2b(digest_size=16)


def key_start(identity: Identity, service: str = "") -> str:
    """
    How the keys of all windows of one client begin. Nobody reads the identity out of it.

    Args:
        service: Services that count in one Redis have windows of their own by it.
    """
    digest = _blank.copy()
    digest.update(f"{service}\0{identity.kind}\0{identity.value}".encode("utf-8", "surrogatepass"))
    return f"otel-kit:{KEY_VERSION}:{{{digest.hexdigest()}}}:"


def key_in_memory(identity: Identity) -> str:
    """
    The same for windows that never leave the process: an address, of 64 characters at most, stands for itself.
    """
    return f"{identity.value}:" if identity.kind == "address" else key_start(identity)


def custom_identity(
    identify: Callable[[HTTPConnection], Any], scope: Scope
) -> Identity | Awaitable[Identity | None] | None:
    """
    The identity by the user's function, to be awaited where that is asynchronous; None: the built-in order.

    Never raises: a function that fails, or says what is no identity, is a fault.
    """
    try:
        said = identify(HTTPConnection(scope))
        return _awaited(said) if inspect.isawaitable(said) else _read(said)
    except Exception as error:
        fault("identify", error)
        return None


async def _awaited(pending: Awaitable[Any]) -> Identity | None:
    try:
        return _read(await pending)
    except Exception as error:
        fault("identify", error)
        return None


def _read(said: Any) -> Identity | None:
    if said is None:
        return None
    value, tier = said if isinstance(said, tuple) and len(said) == 2 else (said, None)
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_IDENTITY:
        raise TypeError(f"an identity is a text of 1 to {MAX_IDENTITY} characters")
    if tier is not None and (not isinstance(tier, str) or not 1 <= len(tier) <= MAX_TIER):
        raise TypeError(f"a tier is None or a text of 1 to {MAX_TIER} characters")
    return Identity("custom", value, tier)


def cost_of(cost: int | Callable[[HTTPConnection], int], scope: Scope) -> int:
    """
    What a request costs, at least 1. A function that fails, or says what is no cost, is a fault and costs 1.
    """
    if isinstance(cost, int):
        return cost
    try:
        said = cost(HTTPConnection(scope))
        if isinstance(said, int) and not isinstance(said, bool) and said >= 1:
            return said
        if inspect.iscoroutine(said):
            said.close()
        fault("ratelimit_cost", "a cost must be a whole number from 1")
    except Exception as error:
        fault("ratelimit_cost", error)
    return 1


def is_preflight(scope: Scope) -> bool:
    """
    Whether a browser asks if it may ask; only for requests by `OPTIONS`.
    """
    names = {name for name, _ in scope["headers"]}
    return b"origin" in names and b"access-control-request-method" in names
