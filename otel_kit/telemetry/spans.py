"""
Finished spans as OTLP bytes.

Owns the layout of a span on the wire and the redaction of all its parts: name, attributes,
events, status text, trace state and links. Takes the SDK's spans and anything with the same
properties. A part that can't be encoded is left out and counted; the span goes on. A span that has
`clean_keys` says by it that these attributes passed the policy where they were set; one that has
`untouched` gives its parts at once, as long as it is as the kit made it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from struct import Struct
from typing import Any

from opentelemetry.trace import SpanKind, StatusCode

from otel_kit.context import CLEAN_SPAN_KEYS
from otel_kit.faults import fault
from otel_kit.redaction import Policy
from otel_kit.telemetry.attributes import AttributeEncoder
from otel_kit.telemetry.framing import Framer
from otel_kit.telemetry.light_span import UNSET
from otel_kit.telemetry.protobuf import delimited, fixed64, utf8, varint
from otel_kit.telemetry.usual import UsualAttributes

__all__ = ["SpanEncoder"]

MAX_NAMES = 1024
MAX_NAME_CHARACTERS = 1024

HAS_IS_REMOTE, IS_REMOTE = 0x100, 0x200

_KINDS = {
    SpanKind.INTERNAL.value: b"\x30\x01",
    SpanKind.SERVER.value: b"\x30\x02",
    SpanKind.CLIENT.value: b"\x30\x03",
    SpanKind.PRODUCER.value: b"\x30\x04",
    SpanKind.CONSUMER.value: b"\x30\x05",
}

# trace id, span id; start and end; flags: tag bytes and values in one go
_ids = Struct(">2s16s2s8s").pack
_ids_and_times = Struct("<2s16s2s8sBQBQ").pack
_flags = Struct("<2sI").pack
_link_flags = Struct("<BI").pack


class SpanEncoder:
    """
    Encodes batches of spans.

    Args:
        limit: The longest text an attribute may have; None for no limit.
        event_limit: The same for events and links.
    """

    def __init__(self, policy: Policy, limit: int | None = None, event_limit: int | None = None) -> None:
        self._policy = policy
        self._framer = Framer(policy)
        self._attributes = AttributeEncoder(b"\x4a", policy, limit)
        self._kit_attributes = AttributeEncoder(b"\x4a", policy, limit, CLEAN_SPAN_KEYS)
        self._usual_attributes = UsualAttributes(self._kit_attributes)
        self._event_attributes = AttributeEncoder(b"\x1a", policy, event_limit)
        self._link_attributes = AttributeEncoder(b"\x22", policy, event_limit)
        self._names: dict[str, bytes] = {}

    def encode(self, spans: Sequence[Any]) -> tuple[bytes, int]:
        """
        The bytes of an export request, and how many spans are not in it.
        """
        encoded: list[tuple[Any, Any, bytes]] = []
        for span in spans:
            try:
                untouched = getattr(span, "untouched", None)
                parts = untouched() if untouched is not None else None
                one = self._span(span) if parts is None else self._server_span(*parts)
                encoded.append((span.resource, span.instrumentation_scope, one))
            except Exception as error:  # one bad span must not take five hundred others with it
                fault("encoder", error)
                self._rescue(span, encoded)
        return self._framer.frame(encoded), len(spans) - len(encoded)

    def _rescue(self, span: Any, encoded: list[tuple[Any, Any, bytes]]) -> None:
        """
        The span without its attributes, or nothing.
        """
        with suppress(Exception):
            encoded.append((span.resource, span.instrumentation_scope, self._span(span, bare=True)))

    def _server_span(
        self, context: Any, parent: Any, name: str, start: int, end: int, attributes: dict[str, Any], status: Any
    ) -> bytes:
        """
        A span that the kit made and nobody changed: a third of the time of `_span`, which gives the same message.
        """
        # a tuple, whose properties take longer than the rest of the beginning
        trace_id, span_id, _, _, trace_state, _ = context
        parts = [
            beginning(trace_id, span_id, start, end),
            self._names.get(name) or self._name(name),
            _SERVER if parent is None else server_below(parent),
            self._usual_attributes.encode(attributes),
            _UNSET if status is UNSET else self._status(status),
        ]
        if trace_state:
            parts.append(self._guarded(self._trace_state, trace_state))
        return b"".join(parts)

    def _span(self, span: Any, bare: bool = False) -> bytes:
        context, parent, kind = span.context, span.parent, span.kind
        parts = [
            beginning(context.trace_id, context.span_id, span.start_time or 0, span.end_time or 0),
            b"\x30\x02" if kind is SpanKind.SERVER else _KINDS[kind.value],
            self._names.get(span.name) or self._name(span.name),
        ]
        flags = HAS_IS_REMOTE
        if parent is not None:
            parts.append(b"\x22\x08" + parent.span_id.to_bytes(8, "big"))
            if parent.is_remote:
                flags |= IS_REMOTE
        parts.append(_flags(b"\x85\x01", flags))
        attributes = self._kit_attributes if getattr(span, "clean_keys", None) else self._attributes
        if not bare:
            parts.append(attributes.encode(plain(span.attributes)))
            parts.append(self._status(span.status))
        if context.trace_state:
            parts.append(self._guarded(self._trace_state, context.trace_state))
        if has_parts(span, "_events"):
            parts.extend([self._guarded(self._event, event) for event in span.events])
        if has_parts(span, "_links"):
            parts.extend([self._guarded(self._link, link) for link in span.links])
        parts.append(dropped_counts(span))
        return b"".join(parts)

    def _guarded(self, encode: Callable[[Any], bytes], part: Any) -> bytes:
        try:
            return encode(part)
        except Exception as error:  # what a user put on a span may fail in any way
            fault("encoder", error)
            return b""

    def _name(self, name: str) -> bytes:
        clean = self._policy.text(name, MAX_NAME_CHARACTERS)
        encoded = delimited(b"\x2a", utf8(clean))
        # only clean names are kept, so that no secret stays in memory
        if clean is name and len(name) <= 200:
            if len(self._names) >= MAX_NAMES:
                self._names.clear()
            self._names[name] = encoded
        return encoded

    def _status(self, status: Any) -> bytes:
        if status is None:
            return b""
        code = status.status_code
        if code is StatusCode.UNSET:
            return _UNSET
        text = status.description
        message = delimited(b"\x12", utf8(self._policy.text(text))) if text else b""
        return delimited(b"\x7a", message + b"\x18" + varint(code.value))

    def _trace_state(self, state: Any) -> bytes:
        text = ",".join(f"{key}={value}" for key, value in state.items())
        return delimited(b"\x1a", utf8(self._policy.text(text)))

    def _event(self, event: Any) -> bytes:
        parts = [b"\x09" + fixed64(event.timestamp), delimited(b"\x12", utf8(self._policy.text(event.name)))]
        if event.attributes:
            parts.append(self._event_attributes.encode(plain(event.attributes)))
        dropped = getattr(event, "dropped_attributes", 0)
        if dropped:
            parts.append(b"\x20" + varint(dropped))
        return delimited(b"\x5a", b"".join(parts))

    def _link(self, link: Any) -> bytes:
        context = link.context
        parts = [
            _ids(b"\x0a\x10", context.trace_id.to_bytes(16, "big"), b"\x12\x08", context.span_id.to_bytes(8, "big")),
            _link_flags(0x35, HAS_IS_REMOTE | (IS_REMOTE if context.is_remote else 0)),
        ]
        if link.attributes:
            parts.append(self._link_attributes.encode(plain(link.attributes)))
        dropped = getattr(link, "dropped_attributes", 0)
        if dropped:
            parts.append(b"\x28" + varint(dropped))
        return delimited(b"\x6a", b"".join(parts))


def beginning(trace_id: int, span_id: int, start: int, end: int) -> bytes:
    """
    Ids and times of a span.
    """
    ids = trace_id.to_bytes(16, "big"), span_id.to_bytes(8, "big")
    return _ids_and_times(b"\x0a\x10", ids[0], b"\x12\x08", ids[1], 0x39, start, 0x41, end)


_UNSET = b"\x7a\x00"
_SERVER = b"\x30\x02" + _flags(b"\x85\x01", HAS_IS_REMOTE)


def server_below(parent: Any) -> bytes:
    """
    Kind, parent and flags of a server span.
    """
    flags = HAS_IS_REMOTE | (IS_REMOTE if parent.is_remote else 0)
    span_id: bytes = parent.span_id.to_bytes(8, "big")
    return b"\x30\x02\x22\x08" + span_id + _flags(b"\x85\x01", flags)


def plain(attributes: Any) -> dict[str, Any]:
    """
    A mapping of attributes as a dictionary: the SDK's own iterates in Python, its copy does not.
    """
    if not attributes:
        return {}
    copied = attributes.copy() if hasattr(attributes, "copy") else dict(attributes)
    return copied if type(copied) is dict else dict(copied)


def dropped_counts(span: Any) -> bytes:
    """
    How much of the span its limits cost: attributes, events, links.
    """
    if not (span.dropped_attributes or span.dropped_events or span.dropped_links):
        return b""
    counts = ((b"\x50", span.dropped_attributes), (b"\x60", span.dropped_events), (b"\x70", span.dropped_links))
    return b"".join([tag + varint(count) for tag, count in counts if count])


def has_parts(span: Any, kept: str) -> bool:
    """
    Whether it is worth to read `span.events` or `span.links`, which copies under a lock in the SDK's spans.
    """
    parts = getattr(span, kept, None)
    return parts is None or len(parts) > 0
