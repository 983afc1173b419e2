"""
Instrumentation scopes without secrets, for exporters that read the SDK's own objects.

A scope names a library, but its attributes are whatever the library was given.
"""

from __future__ import annotations

from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_kit.redaction import Policy

__all__ = ["clean_scope"]


def clean_scope(scope: InstrumentationScope, policy: Policy) -> InstrumentationScope:
    """
    The scope as it may leave: the same object when clean.
    """
    attributes = scope.attributes or {}
    name, clean = policy.cached(scope.name), policy.mapping(attributes)
    if name == scope.name and clean is attributes:
        return scope
    return InstrumentationScope(name, scope.version, scope.schema_url, clean)  # type: ignore[arg-type]
