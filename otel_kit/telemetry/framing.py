"""
The envelope of an OTLP export request: resource, scope, items.

Owns what spans and log records share. The bytes of a resource and a scope are made once; both
are redacted, since they carry attributes of libraries and operators.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from otel_kit.redaction import Policy
from otel_kit.telemetry.attributes import AttributeEncoder
from otel_kit.telemetry.protobuf import delimited, utf8, varint

__all__ = ["Framer"]

MAX_KNOWN = 256


class Framer:
    """
    Puts encoded items into the envelope that their resource and scope make.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._resource_attributes = AttributeEncoder(b"\x0a", policy, None)
        self._scope_attributes = AttributeEncoder(b"\x1a", policy, None)
        # by identity, with the object itself, so that an id is never used again while it is known
        self._resources: dict[int, tuple[Any, bytes, bytes]] = {}
        self._scopes: dict[int, tuple[Any, bytes, bytes]] = {}

    def frame(self, items: Iterable[tuple[Any, Any, bytes]]) -> bytes:
        """
        The request for (resource, scope, encoded item) triples; nothing for none.
        """
        # by identity first, which is quick; what is equal comes together below
        pairs: dict[tuple[int, int], tuple[Any, Any, list[bytes]]] = {}
        pair: tuple[Any, Any, list[bytes]] = (None, None, [])
        for resource, scope, item in items:
            if not pair[2] or resource is not pair[0] or scope is not pair[1]:
                pair = pairs.setdefault((id(resource), id(scope)), (resource, scope, []))
            pair[2].append(item)
        groups: dict[tuple[bytes, bytes], dict[tuple[bytes, bytes], list[bytes]]] = {}
        for resource, scope, encoded in pairs.values():
            by_scope = groups.setdefault(self._resource(resource), {})
            by_scope.setdefault(self._scope(scope), []).extend(encoded)
        request: list[bytes] = []
        for (resource_bytes, resource_schema), by_scope in groups.items():
            parts = [resource_bytes]
            for (scope_bytes, scope_schema), encoded in by_scope.items():
                parts += _field(b"\x12", [scope_bytes, *_fields(b"\x12", encoded), scope_schema])
            parts.append(resource_schema)
            request += _field(b"\x0a", parts)
        return b"".join(request)

    def _resource(self, resource: Any) -> tuple[bytes, bytes]:
        known = self._resources.get(id(resource))
        if known is None or known[0] is not resource:
            attributes = self._resource_attributes.encode(dict(resource.attributes or {}))
            known = _remember(self._resources, resource, delimited(b"\x0a", attributes), resource.schema_url)
        return known[1], known[2]

    def _scope(self, scope: Any) -> tuple[bytes, bytes]:
        if scope is None:
            return b"\x0a\x00", b""
        if isinstance(scope, str):
            return self._named_scope(scope)
        known = self._scopes.get(id(scope))
        if known is None or known[0] is not scope:
            encoded = self._name(b"\x0a", scope.name) + self._name(b"\x12", scope.version)
            encoded += self._scope_attributes.encode(dict(scope.attributes or {}))
            known = _remember(self._scopes, scope, delimited(b"\x0a", encoded), scope.schema_url)
        return known[1], known[2]

    def _named_scope(self, name: str) -> tuple[bytes, bytes]:
        return delimited(b"\x0a", self._name(b"\x0a", name)), b""

    def _name(self, tag: bytes, text: str | None) -> bytes:
        return delimited(tag, utf8(self._policy.cached(text))) if text else b""


def _field(tag: bytes, parts: list[bytes]) -> list[bytes]:
    """
    A field of these parts, to be joined once: a batch is a quarter of a megabyte.
    """
    return [tag + varint(sum(map(len, parts))), *parts]


def _fields(tag: bytes, items: list[bytes]) -> list[bytes]:
    """
    A field for each of the items.
    """
    parts = [tag] * (2 * len(items))
    parts[::2] = [tag + varint(len(item)) for item in items]
    parts[1::2] = items
    return parts


def _remember(
    known: dict[int, tuple[Any, bytes, bytes]], owner: Any, encoded: bytes, schema_url: str | None
) -> tuple[Any, bytes, bytes]:
    if len(known) >= MAX_KNOWN:
        known.clear()
    entry = (owner, encoded, delimited(b"\x1a", utf8(schema_url)) if schema_url else b"")
    known[id(owner)] = entry
    return entry
