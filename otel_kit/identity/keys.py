"""
API keys: from what a client sent to the name under which the key is configured.

Owns the comparison. Knows nothing of headers. No key is kept in memory: the settings hold digests.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from otel_kit.identity.model import Identity
from otel_kit.settings import ApiKey

__all__ = ["MAX_KEY_BYTES", "ApiKeys"]

MAX_KEY_BYTES = 512
"""What is longer is no key, and is not hashed."""


class ApiKeys:
    """
    The configured keys.
    """

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._known = tuple((bytes.fromhex(key.sha256), Identity("key", key.name, key.tier)) for key in keys)

    def __bool__(self) -> bool:
        return bool(self._known)

    def find(self, key: bytes) -> Identity | None:
        """
        Whose key it is; None for nobody's. Takes the same time whichever key it is.
        """
        if len(key) > MAX_KEY_BYTES:
            return None
        digest = hashlib.sha256(key).digest()
        found = None
        for known, identity in self._known:  # to the end: an early exit would tell which one it is
            if hmac.compare_digest(known, digest):
                found = identity
        return found
