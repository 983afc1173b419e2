"""
Spans and log records of every shape, generated from a seed.
"""

from __future__ import annotations

import math
import random
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

RESOURCES = [
    Resource({"service.name": "orders", "n": 3}),
    Resource({"service.name": "users"}, "https://schema.example/1"),
]
SCOPES = [
    InstrumentationScope("otel_kit"),
    InstrumentationScope("lib", "1.2", "https://schema.example/2", {"kind": "db"}),
    None,
]
TEXTS = ["", "a", "GET", "/items/{id}", "ü€𝄞", "x" * 127, "y" * 128, "z" * 20_000, "line\nbreak\x00"]
INTEGERS = [0, 1, -1, 127, 128, 4095, 4096, 65535, 2**31, -(2**31), 2**63 - 1, -(2**63)]
FLOATS = [0.0, -0.0, 1.5, -2.25, 1e308, math.inf, -math.inf]


def value(chance: random.Random, depth: int = 0) -> Any:
    """
    A value of any type that an attribute may have.
    """
    kinds = 9 if depth < 3 else 6
    match chance.randrange(kinds):
        case 0:
            return chance.choice(TEXTS)
        case 1:
            return chance.choice(INTEGERS)
        case 2:
            return chance.choice(FLOATS)
        case 3:
            return chance.random() < 0.5
        case 4:
            return bytes(chance.randrange(256) for _ in range(chance.randrange(200)))
        case 5:
            return None
        case 6 | 7:
            return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
        case _:
            return {f"k{number}": value(chance, depth + 1) for number in range(chance.randrange(4))}


def attributes(chance: random.Random) -> dict[str, Any]:
    """
    Up to twelve attributes.
    """
    return {f"key.{chance.randrange(40)}": value(chance) for _ in range(chance.randrange(13))}


def context(chance: random.Random) -> SpanContext:
    """
    A span context, remote or not, with or without trace state.
    """
    state = TraceState([("a", "1"), ("vendor", "x:y")]) if chance.random() < 0.3 else None
    return SpanContext(
        chance.getrandbits(128) or 1,
        chance.getrandbits(64) or 1,
        chance.random() < 0.5,
        TraceFlags(chance.randrange(4)),
        state,
    )


def span(chance: random.Random) -> ReadableSpan:
    """
    A finished span.
    """
    return ReadableSpan(
        name=chance.choice(TEXTS[1:-2]),
        context=context(chance),
        parent=context(chance) if chance.random() < 0.6 else None,
        resource=chance.choice(RESOURCES),
        attributes=attributes(chance),
        events=[
            Event(chance.choice(["exception", "ü"]), attributes(chance), chance.getrandbits(60))
            for _ in range(chance.randrange(3))
        ],
        links=[Link(context(chance), attributes(chance)) for _ in range(chance.randrange(3))],
        kind=chance.choice(list(SpanKind)),
        status=chance.choice([Status(StatusCode.UNSET), Status(StatusCode.OK), Status(StatusCode.ERROR, "failed: ü")]),
        start_time=chance.getrandbits(60),
        end_time=chance.getrandbits(60),
        instrumentation_scope=chance.choice(SCOPES),
    )


def record(chance: random.Random) -> ReadableLogRecord:
    """
    A log record of the SDK.
    """
    return ReadableLogRecord(
        LogRecord(
            timestamp=chance.getrandbits(60),
            observed_timestamp=chance.getrandbits(60),
            severity_number=chance.choice(list(SeverityNumber)[1:]),
            severity_text=chance.choice(["INFO", "WARN"]),
            body=value(chance),
            attributes=attributes(chance),
            event_name=chance.choice([None, "order.paid"]),
        ),
        chance.choice(RESOURCES),
        chance.choice(SCOPES),
    )
