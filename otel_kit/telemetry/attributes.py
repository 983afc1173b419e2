"""
Attributes as redacted OTLP bytes, fast.

Owns the cache: a service repeats a few hundred pairs of key and value, and a pair that the
policy leaves as it is becomes bytes once. Only clean values are kept, so no secret stays in
memory because of it; the number of entries is bounded whatever a client sends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from struct import Struct
from typing import Any

from otel_kit.faults import fault
from otel_kit.redaction import MASK, Policy
from otel_kit.telemetry.protobuf import delimited, text_pair, utf8
from otel_kit.telemetry.values import any_value

__all__ = ["AttributeEncoder"]

MAX_KEYS = 1024
MAX_VALUES_PER_KEY = 256
MAX_VALUES = 8192
MAX_CACHED_CHARACTERS = 200

_QUERY_KEYS = frozenset({"url.query", "http.query"})

_double = Struct("<d").pack


class KnownKey:
    """
    What is known of one attribute key: its bytes, how its texts are cleaned, its common values.
    """

    __slots__ = ("before_double", "before_text", "clean", "encoded", "key", "numbers", "open", "strings")

    def __init__(self, key: str, tag: bytes, encoded: bytes, clean: Callable[[Any], Any] | None) -> None:
        self.key = key
        self.encoded = encoded
        # None: whatever the value is, it may go as it is
        self.clean = clean
        # what stands before a text, by the text's length, and before a number of eight bytes
        self.before_text: dict[int, bytes] = {}
        self.before_double = delimited(tag, encoded + b"\x12\x09\x21" + bytes(8))[:-8]
        self.strings: dict[str, bytes] = {}
        self.numbers: dict[int, bytes] = {}
        # a key with ever new values (an id, a path) is not worth a cache
        self.open = True


class AttributeEncoder:
    """
    Encodes the attributes of one kind of message.

    Args:
        tag: The field that holds a pair, as its first byte on the wire.
        limit: The longest text a value may have, in characters; None for no limit.
        skip: Keys whose values have passed the policy before.
        cleaned: True when all values have.
    """

    def __init__(
        self,
        tag: bytes,
        policy: Policy,
        limit: int | None,
        skip: frozenset[str] = frozenset(),
        cleaned: bool = False,
    ) -> None:
        self._tag = tag
        self._policy = policy
        self._limit = limit
        self._skip = skip
        self._cleaned = cleaned
        self._keys: dict[str, KnownKey] = {}
        self._cached = 0

    def encode(self, attributes: Mapping[str, Any]) -> bytes:
        """
        All pairs, each with tag and length.
        """
        return self.encode_pairs(attributes.items())

    def encode_pairs(self, pairs: Iterable[tuple[str, Any]]) -> bytes:
        """
        The same for pairs that are no mapping.
        """
        keys = self._keys
        parts: list[bytes] = []
        append = parts.append
        for key, value in pairs:
            known = keys.get(key) or self._learn(key)
            kind = type(value)
            if kind is str:
                append(known.strings.get(value) or self._text(known, value))
            elif kind is int:
                append(known.numbers.get(value) or self._number(known, value))
            elif kind is float and known.clean is None:
                append(known.before_double + _double(value))
            else:
                append(self._any(known, value))
        return b"".join(parts)

    def _learn(self, key: str) -> KnownKey:
        if len(self._keys) >= MAX_KEYS:
            self._forget()
        shown = key if isinstance(key, str) else str(key)
        encoded = delimited(b"\x0a", utf8(self._policy.text(shown)))
        known = KnownKey(key, self._tag, encoded, self._cleaner(shown))
        self._keys[key] = known
        return known

    def _cleaner(self, key: str) -> Callable[[Any], Any] | None:
        policy, limit = self._policy, self._limit
        if self._cleaned or key in self._skip:
            return None if limit is None else lambda value: cut(value, limit)
        if key in _QUERY_KEYS:
            return lambda value: policy.query(value, limit) if isinstance(value, str) else policy.value(key, value)
        return lambda value: policy.value(key, value, limit)

    def _text(self, known: KnownKey, value: str) -> bytes:
        clean = value if known.clean is None else known.clean(value)
        if type(clean) is not str:
            return self._pair(known, any_value(clean))
        text = utf8(clean)
        length = len(text)
        before = known.before_text.get(length)
        if before is None:
            before = text_pair(self._tag, known.encoded, text)[: -length or None]
            if length <= MAX_CACHED_CHARACTERS:
                known.before_text[length] = before
        encoded = before + text
        if known.open and clean is value and len(value) <= MAX_CACHED_CHARACTERS:
            self._keep(known, known.strings, value, encoded)
        return encoded

    def _number(self, known: KnownKey, value: int) -> bytes:
        clean = value if known.clean is None else known.clean(value)
        encoded = self._pair(known, any_value(clean))
        if known.open and clean is value:
            self._keep(known, known.numbers, value, encoded)
        return encoded

    def _any(self, known: KnownKey, value: Any) -> bytes:
        try:
            return self._pair(known, any_value(value if known.clean is None else known.clean(value)))
        except Exception as error:  # a value of the user's own that can't be read: the rest must not be lost with it
            fault("encoder", error)
            return self._pair(known, any_value(MASK))

    def _pair(self, known: KnownKey, value: bytes) -> bytes:
        return delimited(self._tag, known.encoded + delimited(b"\x12", value))

    def _keep(self, known: KnownKey, cache: dict[Any, bytes], value: str | int, encoded: bytes) -> None:
        if len(cache) >= MAX_VALUES_PER_KEY:
            known.open = False
            return
        cache[value] = encoded
        self._cached += 1
        if self._cached >= MAX_VALUES:
            self._forget()

    def _forget(self) -> None:
        self._keys.clear()
        self._cached = 0


def cut(value: Any, limit: int | None) -> Any:
    """
    A clean text of at most `limit` characters; other values as they are.
    """
    return value[:limit] if limit is not None and isinstance(value, str) and len(value) > limit else value
