"""
What an identity is, and why a credential was not accepted.

Holds plain data; knows nothing of headers, keys or tokens.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["Identity", "Reason"]

Reason = Literal[
    "algorithm_not_accepted",
    "ambiguous_credentials",
    "bad_signature",
    "key_too_long",
    "malformed_token",
    "no_subject",
    "not_accepted",
    "token_expired",
    "token_not_yet_valid",
    "token_too_long",
    "unknown_key",
    "unknown_signing_key",
]
"""Why a credential is nobody's. Goes into the log, never into an answer."""


class Identity(NamedTuple):
    """
    Whose request it is.

    `value` is the configured name of a key, the subject of a verified token, an address (IPv6: its
    /64) or what the user's own function said. It is never the credential. `tier` is None where nothing says one.
    """

    kind: Literal["key", "jwt", "address", "custom"]
    value: str
    tier: str | None
