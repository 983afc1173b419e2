"""
The server span on the SDK, without the SDK's cost of making it.

Owns how a span is started. `Tracer.start_span` cleans the attributes twice (once to sample,
once to store), which for a server span takes 25 of its 30 microseconds; the rings' attributes
are clean before they come here. Everything else is the SDK's: sampler, ids, limits, processors.

Where the provider is not the SDK's, its own tracer makes the span.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import time_ns
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Tracer
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision, ParentBased, SamplingResult
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    get_current_span,
)
from opentelemetry.trace import Tracer as ApiTracer

from otel_kit.context import CLEAN_SPAN_KEYS
from otel_kit.faults import fault
from otel_kit.telemetry.light_span import ServerSpan

__all__ = ["ServerTracer"]

ALWAYS = SamplingResult(Decision.RECORD_AND_SAMPLE)
SAMPLED = TraceFlags.SAMPLED


class ServerTracer:
    """
    Starts server spans on the provider of `tracer`.
    """

    def __init__(self, tracer: ApiTracer) -> None:
        self._tracer = tracer
        self._is_sdk = type(tracer) is Tracer and _fits(tracer)
        self._spans = ServerSpan.of_tracer(tracer) if type(tracer) is Tracer and self._is_sdk else ServerSpan
        # asked of the generator where it is not the SDK's own, whose answer is known
        self._ids_are_random = type(getattr(tracer, "id_generator", None)) is RandomIdGenerator
        sampler = getattr(tracer, "sampler", None)
        # the default, which needs no asking: it would cost three microseconds a request
        self._roots_always_sampled = type(sampler) is ParentBased and getattr(sampler, "_root", None) is ALWAYS_ON

    def start(
        self, name: str, context: Context, attributes: dict[str, Any], links: Sequence[Link], start_ns: int
    ) -> Span:
        """
        A started span: recording, or not when the sampler says so.

        Args:
            context: Holds the parent, if there is one.
            attributes: Clean and of few keys; belongs to the span from now on.
            start_ns: Epoch nanoseconds.
        """
        if not self._is_sdk or not self._tracer._is_enabled():  # type: ignore[attr-defined]
            return self._tracer.start_span(name, context, SpanKind.SERVER, attributes, links, start_ns)
        return self._start(self._tracer, name, context, attributes, links, start_ns)  # type: ignore[arg-type]

    def _start(
        self,
        tracer: Tracer,
        name: str,
        context: Context,
        attributes: dict[str, Any],
        links: Sequence[Link],
        start_ns: int,
    ) -> Span:
        ids = tracer.id_generator
        parent = _parent(context) if context else None
        trace_id = ids.generate_trace_id() if parent is None else parent.trace_id
        if parent is None and self._roots_always_sampled:
            result = ALWAYS
        else:
            result = tracer.sampler.should_sample(context, trace_id, name, SpanKind.SERVER, attributes, links)
        flags = SAMPLED if result.decision is Decision.RECORD_AND_SAMPLE else 0
        if parent is not None:
            flags |= parent.trace_flags & TraceFlags.RANDOM_TRACE_ID
        elif self._ids_are_random or ids.is_trace_id_random():
            flags |= TraceFlags.RANDOM_TRACE_ID
        span_context = SpanContext(trace_id, ids.generate_span_id(), False, _FLAGS[flags], result.trace_state)
        ended = tracer._tracer_metrics.start_span(parent, result.decision)
        if result.decision is Decision.DROP:
            return NonRecordingSpan(span_context)
        if result is not ALWAYS and len(result.attributes) != len(attributes):
            # a sampler with attributes of its own, which are nobody's to trust
            attributes = dict(BoundedAttributes(attributes=result.attributes))
        span = self._spans.make(name, span_context, parent, attributes, links, ended)
        span.start(start_ns or time_ns(), context)
        return span


def _parent(context: Context) -> SpanContext | None:
    found = get_current_span(context).get_span_context()
    return found if found.is_valid else None


def _fits(tracer: Tracer) -> bool:
    """
    Whether the SDK's spans still are what this module takes them for; else its own way is the way.
    """
    try:
        room = tracer._span_limits.max_span_attributes
        if room is not None and room < len(CLEAN_SPAN_KEYS):
            # the rings' own attributes alone may be more, and the SDK counts what it drops
            return False
        spans = ServerSpan.of_tracer(tracer)
        span = spans.make("", INVALID_SPAN_CONTEXT, None, {"key": "value"}, (), lambda: None)
        span.complete("name", {"other": 1}, True)
        span.set_attribute("third", "text")
        span.add_event("event")
        known = dict(span.attributes or {}) == {"key": "value", "other": 1, "third": "text"}
        return known and len(span.events) == 1 and callable(tracer._tracer_metrics.start_span)
    except (AttributeError, TypeError) as error:
        fault("span", error)
        return False


_FLAGS = {flags: TraceFlags(flags) for flags in range(4)}
