"""
Whose request it is: API keys, bearer tokens, addresses.

`Identities` tells an identity from headers and address; `dependencies` asks for one in a route.
"""

from __future__ import annotations

from otel_kit.identity.addresses import MAX_ADDRESS, client_of
from otel_kit.identity.identities import Identities
from otel_kit.identity.model import Identity

__all__ = ["MAX_ADDRESS", "Identities", "Identity", "client_of"]
