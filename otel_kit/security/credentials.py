"""
That somebody sent a credential in vain: one event a request, whoever looks at it.

Owns the once. What is a credential, and whether it is good, is the business of whoever asks for one.
"""

from __future__ import annotations

from otel_kit.context import current_record
from otel_kit.security.events import security_event

__all__ = ["credential_failed"]

SAID_KEY = "otel_kit.credential_failed"
"""In the scope of a request whose failed credential has been told of."""


def credential_failed(reason: str) -> None:
    """
    Tell of a failed credential, unless this request's has been told of already. Never raises.

    Args:
        reason: Why it is nobody's, in snake case; nothing of the credential.
    """
    record = current_record.get()
    if record is not None:
        if SAID_KEY in record.scope:
            return
        record.scope[SAID_KEY] = True
    security_event("token_validation_failure", reason=reason)
