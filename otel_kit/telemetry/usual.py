"""
The attributes that nearly every request's span has.

Owns which of them repeat from request to request: those become bytes together, once for each
combination, the others one by one. What has more or fewer attributes is for the usual way.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from otel_kit.telemetry.attributes import AttributeEncoder

__all__ = ["UsualAttributes"]

REPEATED = (
    "http.request.method",
    "url.scheme",
    "network.protocol.version",
    "user_agent.original",
    "server.address",
    "server.port",
    "http.response.status_code",
    "http.route",
)

DIFFERENT = ("url.path", "correlation_id", "client.address", "network.peer.address")

MAX_COMBINATIONS = 1024
MAX_CHARACTERS = 512

_repeated = itemgetter(*REPEATED)
_different = itemgetter(*DIFFERENT)


class UsualAttributes:
    """
    Encodes the attributes of server spans by `encoder`, with a short way for the usual ones.
    """

    def __init__(self, encoder: AttributeEncoder) -> None:
        self._encoder = encoder
        self._known: dict[tuple[Any, ...], bytes] = {}

    def encode(self, attributes: dict[str, Any]) -> bytes:
        """
        All pairs, each with tag and length; the query, which many requests have, may be among them.
        """
        query = attributes.get("url.query")
        if len(attributes) != len(REPEATED) + len(DIFFERENT) + (query is not None):
            return self._encoder.encode(attributes)
        try:
            values = _repeated(attributes)
            path, correlation_id, client, peer = _different(attributes)
        except KeyError:
            return self._encoder.encode(attributes)
        different: list[tuple[str, Any]] = [
            ("url.path", path),
            ("correlation_id", correlation_id),
            ("client.address", client),
            ("network.peer.address", peer),
        ]
        if query is not None:
            different.append(("url.query", query))
        return (self._known.get(values) or self._learn(values)) + self._encoder.encode_pairs(different)

    def _learn(self, values: tuple[Any, ...]) -> bytes:
        encoded = self._encoder.encode_pairs(zip(REPEATED, values, strict=True))
        if sum(len(value) for value in values if isinstance(value, str)) <= MAX_CHARACTERS:
            if len(self._known) >= MAX_COMBINATIONS:
                self._known.clear()
            self._known[values] = encoded
        return encoded
