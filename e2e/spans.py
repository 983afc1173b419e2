"""
Spans as the stores give them back: OTLP's JSON by Tempo, Jaeger's own by Jaeger.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["StoredSpan", "of_jaeger", "of_otlp", "plain", "value_of"]


class StoredSpan(NamedTuple):
    """
    A span; ids in hex, `parent_id` empty for a root, kind as "server", status as "", "ok" or "error".
    """

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    status: str
    attributes: dict[str, Any]
    resource: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]


def of_otlp(batch: Mapping[str, Any]) -> Iterator[StoredSpan]:
    """
    The spans of one `resourceSpans` (Tempo calls it a batch).
    """
    resource = plain(batch.get("resource", {}).get("attributes", ()))
    for scope in batch.get("scopeSpans", ()):
        for span in scope.get("spans", ()):
            yield StoredSpan(
                service=str(resource.get("service.name", "")),
                name=span.get("name", ""),
                kind=str(span.get("kind", "")).removeprefix("SPAN_KIND_").lower(),
                trace_id=_hex(span["traceId"], 32),
                span_id=_hex(span["spanId"], 16),
                parent_id=_hex(span.get("parentSpanId", ""), 16),
                status=str(span.get("status", {}).get("code", "")).removeprefix("STATUS_CODE_").lower(),
                attributes=plain(span.get("attributes", ())),
                resource=resource,
                events=[(event["name"], plain(event.get("attributes", ()))) for event in span.get("events", ())],
            )


def of_jaeger(trace: Mapping[str, Any]) -> Iterator[StoredSpan]:
    """
    The spans of one trace of `/api/traces`.
    """
    for span in trace["spans"]:
        process = trace["processes"][span["processID"]]
        tags = _tags(span["tags"])
        events = [_tags(event["fields"]) for event in span.get("logs", ())]
        parents = (each["spanID"] for each in span.get("references", ()) if each["refType"] == "CHILD_OF")
        yield StoredSpan(
            service=process["serviceName"],
            name=span["operationName"],
            kind=tags.get("span.kind", "internal"),
            trace_id=span["traceID"].zfill(32),
            span_id=span["spanID"].zfill(16),
            parent_id=next(parents, ""),
            status=str(tags.get("otel.status_code", "")).lower(),
            attributes=tags,
            resource=_tags(process.get("tags", ())),
            events=[(event.pop("event", ""), event) for event in events],
        )


def plain(pairs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """
    OTLP/JSON's list of keys and values as a dictionary.
    """
    return {pair["key"]: value_of(pair.get("value", {})) for pair in pairs}


def value_of(value: Mapping[str, Any]) -> Any:
    """
    OTLP/JSON's value as Python data.
    """
    for kind, content in value.items():
        if kind == "arrayValue":
            return [value_of(each) for each in content.get("values", ())]
        if kind == "kvlistValue":
            return plain(content.get("values", ()))
        return int(content) if kind == "intValue" else content
    return None


def _tags(tags: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {tag["key"]: tag["value"] for tag in tags}


def _hex(identifier: str, digits: int) -> str:
    # OTLP's JSON has hex; Tempo's own writes bytes as protobuf's JSON does, in base64
    if not identifier or len(identifier) == digits:
        return identifier
    return base64.b64decode(identifier).hex()
