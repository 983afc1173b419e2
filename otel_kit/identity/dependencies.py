"""
FastAPI dependencies that let only holders of a valid key in.

Owns `kit.require_api_key` and `kit.require_tier(...)`: when they refuse, by which answer, and how they
stand in an application's OpenAPI. Who holds a key is the business of `Identities`.

Annotations are no strings in this module: FastAPI 0.115 can't resolve them on an object with `__call__`.
"""

import re
from typing import Any

from fastapi import Depends
from fastapi.openapi.models import APIKey, HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from otel_kit.errors import ConfigurationError
from otel_kit.identity.identities import Identities
from otel_kit.identity.model import Identity
from otel_kit.refusals import Refusal, refuse
from otel_kit.security import security_event

__all__ = ["RequireApiKey", "RequireTier"]

_TIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

UNAUTHORIZED = Refusal(
    401,
    "unauthorized",
    "Send a valid API key in X-API-Key, or as a bearer token in Authorization.",
    headers=((b"www-authenticate", b'Bearer realm="api"'), (b"www-authenticate", b'ApiKey realm="api"')),
)
FORBIDDEN = Refusal(
    403,
    "forbidden",
    "This needs a key of another tier.",
    headers=(
        (b"www-authenticate", b'Bearer realm="api", error="insufficient_scope"'),
        (b"www-authenticate", b'ApiKey realm="api"'),
    ),
)


class _Shown(SecurityBase):
    """
    One way to send a key, as OpenAPI's security schemes show it. Checks nothing.
    """

    def __init__(self, scheme_name: str, model: Any) -> None:
        self.scheme_name = scheme_name
        self.model = model

    async def __call__(self) -> None:
        """
        Nothing: one of several ways is not required.
        """


_header = _Shown("ApiKeyHeader", APIKey.model_validate({"in": "header", "name": "X-API-Key"}))
_bearer = _Shown("ApiKeyBearer", HTTPBearer())


class RequireApiKey:
    """
    A dependency that gives the identity of the API key at hand: `Depends(kit.require_api_key)`.

    Refuses with 401 what comes without a valid key, and everything where no key is configured. A
    verified token of another issuer is no key.
    """

    def __init__(self, identities: Identities) -> None:
        self._identities = identities

    async def __call__(
        self, connection: HTTPConnection, header: None = Depends(_header), bearer: None = Depends(_bearer)
    ) -> Identity:
        """
        Called by FastAPI, in routes for HTTP and for websockets.
        """
        identity = self._credential(connection)
        if identity is None or identity.kind != "key":
            refuse(connection, UNAUTHORIZED)
        return identity

    def _credential(self, connection: HTTPConnection) -> Identity | None:
        return self._identities.credential(connection.scope["headers"], required=True)


class RequireTier(RequireApiKey):
    """
    A dependency as `RequireApiKey` that also wants one of some tiers: `Depends(kit.require_tier("paid"))`.

    Refuses with 401 what comes without a valid key, and with 403 what has another tier. A
    verified token counts as a key of the tier in its claim `tier`.

    Raises:
        ConfigurationError: No tier is named, or a name is none that a key could have.
    """

    def __init__(self, identities: Identities, *tiers: str) -> None:
        super().__init__(identities)
        bad = [tier for tier in tiers if not isinstance(tier, str) or not _TIER.fullmatch(tier)]
        if bad or not tiers:
            raise ConfigurationError("require_tier", bad[0] if bad else "", 'name a tier, as in require_tier("paid")')
        self._tiers = frozenset(tiers)

    async def __call__(
        self, connection: HTTPConnection, header: None = Depends(_header), bearer: None = Depends(_bearer)
    ) -> Identity:
        """
        Called by FastAPI, in routes for HTTP and for websockets.
        """
        identity = self._credential(connection)
        if identity is None:
            refuse(connection, UNAUTHORIZED)
        if identity.tier not in self._tiers:
            security_event("unauthorised_access_attempt", user_id=identity.value, reason="other_tier")
            refuse(connection, FORBIDDEN)
        return identity
