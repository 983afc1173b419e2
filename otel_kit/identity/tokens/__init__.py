"""
Bearer tokens: `Tokens` verifies a JWT and tells its subject.

Imported only where `OTEL_KIT_JWT_KEY` is set, since it brings PyJWT and cryptography along.
"""

from __future__ import annotations

from otel_kit.identity.tokens.verification import Tokens

__all__ = ["Tokens"]
