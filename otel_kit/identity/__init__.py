"""
Whose request it is: API keys, bearer tokens, addresses.

`Identities` tells an identity from headers and address; `dependencies` asks for one in a route.
"""

from __future__ import annotations

from otel_kit.identity.identities import Identities
from otel_kit.identity.model import Identity

__all__ = ["Identities", "Identity"]
