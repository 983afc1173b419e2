"""
Log records as OTLP bytes: the kit's own items and the SDK's records.

Owns the names that a line's fields have over OTLP, and the severities. A record's logger is its
instrumentation scope, as OpenTelemetry's own handler has it. An item comes with its redaction
(`LogItem.clean`); an SDK record is redacted here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from struct import Struct
from typing import Any

from otel_kit.faults import fault
from otel_kit.logs.item import LogItem, RequestItem
from otel_kit.redaction import Policy
from otel_kit.telemetry.attributes import AttributeEncoder
from otel_kit.telemetry.framing import Framer
from otel_kit.telemetry.protobuf import delimited, fixed64, utf8, varint
from otel_kit.telemetry.spans import plain
from otel_kit.telemetry.values import any_value

__all__ = ["LogEncoder", "item_attributes", "severity"]

SEVERITY_TEXT = {"WARNING": "WARN", "CRITICAL": "FATAL"}
"""
Python's names that OpenTelemetry spells otherwise.
"""

EXTRA_PREFIX = "extra."
MAX_LEVELS = 256
MAX_REQUEST_KINDS = 1024
REQUEST_ATTRIBUTES = 8

_times = Struct("<BQBQ").pack
_kind_of_request = attrgetter("levelno", "levelname", "message", "log_class", "method", "route", "status_code")


class LogEncoder:
    """
    Encodes batches of `LogItem`s and of the SDK's log records, mixed.

    Args:
        resource: The resource that the kit's own items belong to, asked at each batch: a fork changes it.
        limit: The longest text an attribute may have; None for no limit.
        count_limit: The most attributes of a record; None for no limit.
    """

    def __init__(
        self, policy: Policy, resource: Callable[[], Any], limit: int | None = None, count_limit: int | None = None
    ) -> None:
        self._policy = policy
        self._resource = resource
        self._limit = limit
        self._count_limit = count_limit
        self._framer = Framer(policy)
        self._attributes = AttributeEncoder(b"\x32", policy, limit)
        self._item_attributes = AttributeEncoder(b"\x32", policy, limit, cleaned=True)
        self._severities: dict[tuple[int, str], bytes] = {}
        self._requests: dict[tuple[Any, ...], bytes] = {}
        self._has_room = count_limit is None or count_limit >= REQUEST_ATTRIBUTES

    def encode(self, records: Sequence[Any]) -> tuple[bytes, int]:
        """
        The bytes of an export request, and how many records are not in it.
        """
        resource = self._resource()
        encoded: list[tuple[Any, Any, bytes]] = []
        for record in records:
            try:
                if isinstance(record, LogItem):
                    record.clean(self._policy)
                    encoded.append((resource, record.logger, self._item(record)))
                else:
                    encoded.append((record.resource, record.instrumentation_scope, self._record(record)))
            except Exception as error:  # one bad record must not take five hundred others with it
                fault("encoder", error)
        return self._framer.frame(encoded), len(records) - len(encoded)

    def _item(self, item: LogItem) -> bytes:
        nanoseconds = int(item.created * 1e9)
        parts = [_times(0x09, nanoseconds, 0x59, nanoseconds)]
        if isinstance(item, RequestItem) and self._has_room and not item.extra and item.exception is None:
            kind = _kind_of_request(item)
            parts.append(self._requests.get(kind) or self._learn_request(kind, item))
            parts.append(self._item_attributes.encode(own_attributes(item)))
        else:
            attributes, dropped = self._bounded(item_attributes(item))
            parts.append(self._head(item))
            parts.append(self._item_attributes.encode(attributes))
            if dropped:
                parts.append(b"\x38" + varint(dropped))
        if item.trace_id is not None and item.span_id is not None:
            # trace id, span id and flags, each behind its tag
            flags = f"45{item.trace_flags:02x}000000" if item.trace_flags else ""
            parts.append(bytes.fromhex(f"4a10{item.trace_id}5208{item.span_id}{flags}"))
        return b"".join(parts)

    def _head(self, item: LogItem) -> bytes:
        """
        Severity and message.
        """
        severity = self._severities.get((item.levelno, item.levelname))
        severity = severity or self._severity(item.levelno, item.levelname)
        return severity + delimited(b"\x2a", delimited(b"\x0a", utf8(item.message)))

    def _learn_request(self, kind: tuple[Any, ...], item: RequestItem) -> bytes:
        """
        What all requests of a method, route and outcome have in common.
        """
        own = own_attributes(item)
        common = {key: value for key, value in item_attributes(item).items() if key not in own}
        encoded = self._head(item) + self._item_attributes.encode(common)
        if len(self._requests) >= MAX_REQUEST_KINDS:
            self._requests.clear()
        self._requests[kind] = encoded
        return encoded

    def _bounded(self, attributes: dict[str, Any]) -> tuple[dict[str, Any], int]:
        limit = self._count_limit
        if limit is None or len(attributes) <= limit:
            return attributes, 0
        # the kit's own come first, so the caller's last ones go
        return dict(list(attributes.items())[:limit]), len(attributes) - limit

    def _severity(self, level: int, name: str) -> bytes:
        number, text = severity(level, name)
        encoded = b"\x10" + varint(number) + delimited(b"\x1a", utf8(text))
        if len(self._severities) < MAX_LEVELS:
            self._severities[level, name] = encoded
        return encoded

    def _record(self, readable: Any) -> bytes:
        record = readable.log_record
        parts = [
            b"\x59" + fixed64(record.observed_timestamp or 0),
            delimited(b"\x2a", any_value(self._policy.value("", record.body, self._limit))),
        ]
        if record.timestamp:
            parts.append(b"\x09" + fixed64(record.timestamp))
        if record.severity_number is not None:
            parts.append(b"\x10" + varint(record.severity_number.value))
        for tag, text in ((b"\x1a", record.severity_text), (b"\x62", record.event_name)):
            if text:
                parts.append(delimited(tag, utf8(self._policy.text(text))))
        if record.attributes:
            parts.append(self._attributes.encode(plain(record.attributes)))
        if readable.dropped_attributes:
            parts.append(b"\x38" + varint(readable.dropped_attributes))
        return b"".join(parts) + trace_context(record)


def trace_context(record: Any) -> bytes:
    """
    Flags, trace id and span id of an SDK record, as far as it has them.
    """
    encoded = b""
    if record.trace_flags:
        encoded += b"\x45" + int(record.trace_flags).to_bytes(4, "little")
    if record.trace_id:
        encoded += b"\x4a\x10" + record.trace_id.to_bytes(16, "big")
    if record.span_id:
        encoded += b"\x52\x08" + record.span_id.to_bytes(8, "big")
    return encoded


def severity(level: int, name: str) -> tuple[int, str]:
    """
    OpenTelemetry's number and name for a level of the `logging` module.

    Ten levels of Python share four numbers, the last seven of them the fourth; what is below
    DEBUG is TRACE.
    """
    number = 1 if level < 10 else min(1 + level // 10 * 4 + min(level % 10, 3), 24)
    return number, SEVERITY_TEXT.get(name, name)


def item_attributes(item: LogItem) -> dict[str, Any]:
    """
    The fields of a cleaned item under their names in OTLP.
    """
    attributes: dict[str, Any] = {"log.class": item.log_class}
    if item.correlation_id is not None:
        attributes["correlation_id"] = item.correlation_id
    if isinstance(item, RequestItem):
        add_request(attributes, item)
    exception = item.exception
    if exception is not None:
        attributes["exception.type"] = exception.type
        attributes["exception.message"] = exception.message
        attributes["exception.stacktrace"] = exception.stack
    if item.extra:
        add_extra(attributes, item.extra)
    return attributes


def own_attributes(item: RequestItem) -> dict[str, Any]:
    """
    The attributes in which one request differs from others of its kind.
    """
    own: dict[str, Any] = {"url.path": item.path, "http.server.request.duration": item.duration_seconds}
    if item.correlation_id is not None:
        own["correlation_id"] = item.correlation_id
    if item.client is not None:
        own["client.address"] = item.client
    return own


def add_request(attributes: dict[str, Any], item: RequestItem) -> None:
    """
    How a request went, by the HTTP conventions' names.
    """
    attributes["http.request.method"] = item.method
    attributes["url.path"] = item.path
    if item.route is not None:
        attributes["http.route"] = item.route
    if item.status_code is not None:
        attributes["http.response.status_code"] = item.status_code
    if item.client is not None:
        attributes["client.address"] = item.client
    attributes["http.server.request.duration"] = item.duration_seconds


def add_extra(attributes: dict[str, Any], extra: Mapping[str, Any]) -> None:
    """
    What the caller gave, under its own names; one that is taken is prefixed.
    """
    for key, value in extra.items():
        attributes[EXTRA_PREFIX + key if key in attributes else key] = value
