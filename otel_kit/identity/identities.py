"""
Whose request it is: a valid API key's, a verified token's subject, else the client's address.

Owns the order, and how credentials are read from headers. A header that comes twice, or two valid
keys of different owners, identify nobody: which of them a proxy in front has looked at can't be known.

A credential that fails is a security event, once a request. A bearer token where no JWT key is
configured may be the application's own, so it counts as failed only where a key is required.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from typing import Protocol

from otel_kit.environment import MASK
from otel_kit.errors import ConfigurationError
from otel_kit.faults import fault
from otel_kit.identity.addresses import LOCAL, identity_of
from otel_kit.identity.keys import MAX_KEY_BYTES, ApiKeys
from otel_kit.identity.model import Identity, Reason
from otel_kit.security import credential_failed
from otel_kit.settings import ApiKey

__all__ = ["Identities"]

Headers = Iterable[tuple[bytes, bytes]]

Verdict = tuple[Identity | None, Reason | None]
"""Who it is, and what of what was sent has failed; both where one of two credentials is good."""

NOTHING_SENT: Verdict = (None, None)


class Secret(Protocol):
    """
    A value that does not show itself, as pydantic's `SecretStr`.
    """

    def get_secret_value(self) -> str: ...


class Verifier(Protocol):
    """
    What tells a token's subject.
    """

    def verify(self, token: bytes) -> Identity | Reason: ...


class Identities:
    """
    Identities of one application's clients, by its settings.

    Args:
        jwt_key: A shared secret, the content of a PEM or of a JWKS; None: bearer tokens are API keys or nothing.
        algorithms: Accepted signatures; empty means those that go with the kind of key.
        metrics_token: A bearer token that is nobody's identity, and good for the page of metrics: it has not failed.

    Raises:
        ConfigurationError: PyJWT is missing, or the key can't be used.
    """

    def __init__(
        self,
        api_keys: Sequence[ApiKey],
        jwt_key: Secret | None,
        algorithms: Sequence[str],
        metrics_token: Secret | None = None,
    ) -> None:
        self._keys = ApiKeys(api_keys)
        self._metrics_token = b"" if metrics_token is None else metrics_token.get_secret_value().encode()
        self._tokens = None if jwt_key is None else _tokens(jwt_key.get_secret_value(), algorithms)
        self._checks = bool(self._keys) or self._tokens is not None

    @property
    def has_keys(self) -> bool:
        """
        Whether any API key is configured.
        """
        return bool(self._keys)

    @property
    def has_credentials(self) -> bool:
        """
        Whether anything but an address can be an identity.
        """
        return self._checks

    def of(self, headers: Headers, client: str | None) -> Identity:
        """
        Whose request it is. Never raises.

        Args:
            headers: As in the ASGI scope: pairs of bytes, names in lower case.
            client: The client's address by the proxy rules; None for a peer without one.
        """
        found = self.credential(headers) if self._checks else None
        if found is not None:
            return found
        try:
            return identity_of(client)
        except Exception as error:
            fault("identity", error)
            return LOCAL

    def credential(self, headers: Headers, *, required: bool = False) -> Identity | None:
        """
        The owner of the API key or of the verified token in the headers; None without a valid one. Never raises.

        Args:
            required: Whether the request is refused without one: then whatever was sent in vain has failed.
        """
        try:
            found, reason = self._judge(headers)
            if reason is not None and (required or reason != "not_accepted"):
                credential_failed(reason)
        except Exception as error:
            fault("identity", error)
            return None
        return found

    def _judge(self, headers: Headers) -> Verdict:
        key = authorization = None
        for name, value in headers:
            if name == b"x-api-key":
                if key is not None:
                    return None, "ambiguous_credentials"
                key = value
            elif name == b"authorization":
                if authorization is not None:
                    return None, "ambiguous_credentials"
                authorization = value
        if key is None and authorization is None:
            return NOTHING_SENT
        return self._verdict((key or b"").strip(), _bearer(authorization or b""))

    def _verdict(self, key: bytes, bearer: bytes) -> Verdict:
        owner = self._keys.find(key) if key else None
        other = self._keys.find(bearer) if bearer else None
        if owner is not None and other is not None and owner != other:
            return None, "ambiguous_credentials"
        reason: Reason | None = None
        if owner is None and key and self._keys:
            reason = "unknown_key" if len(key) <= MAX_KEY_BYTES else "key_too_long"
        if owner or other:
            return owner or other, reason
        if bearer and self._tokens is not None:
            verified = self._tokens.verify(bearer)
            if isinstance(verified, Identity):
                return verified, reason
            if not hmac.compare_digest(bearer, self._metrics_token):
                return None, reason or verified
        return None, reason or ("not_accepted" if key or bearer else None)


def _bearer(authorization: bytes) -> bytes:
    """
    What stands behind `Bearer`; empty for every other scheme.
    """
    scheme, _, credentials = authorization.strip().partition(b" ")
    return credentials.strip() if scheme.lower() == b"bearer" else b""


def _tokens(content: str, algorithms: Sequence[str]) -> Verifier:
    try:
        from otel_kit.identity.tokens import Tokens
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "jwt":
            raise
        raise ConfigurationError(
            "OTEL_KIT_JWT_KEY", MASK, "bearer tokens need PyJWT: pip install otel-kit[jwt]"
        ) from None
    return Tokens(content, algorithms)
