"""
The server span on the SDK, without the SDK's cost of making it.

Owns one class of span: the SDK's own, with fields set directly. `Tracer.start_span` cleans
the attributes twice (once to sample, once to store), which for a server span takes 25 of its
30 microseconds; the rings' attributes are clean before they come here. Everything else is the
SDK's: sampler, ids, limits, processors, and each method that a user may call on the span.

Where the provider is not the SDK's, its own tracer makes the span.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from time import time_ns
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, Tracer
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision, ParentBased, SamplingResult
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
)
from opentelemetry.trace import Tracer as ApiTracer
from opentelemetry.util import types

from otel_kit.context import CLEAN_SPAN_KEYS
from otel_kit.faults import fault
from otel_kit.server_span import exception_attributes

__all__ = ["ServerSpan", "ServerTracer"]

FIXED_BYTES = 1200
ALWAYS = SamplingResult(Decision.RECORD_AND_SAMPLE)
UNSET = Status(StatusCode.UNSET)
SAMPLED = TraceFlags.SAMPLED


class CleanAttributes(BoundedAttributes):
    """
    The SDK's attributes over values that need no cleaning; what a user adds is cleaned and bounded.
    """

    def __init__(self, maxlen: int | None, clean: dict[str, Any], max_value_len: int | None) -> None:
        self._dict = clean
        self.maxlen = maxlen
        self.max_value_len = max_value_len
        self.dropped = 0
        self._lock = threading.Lock()
        self._immutable = False


class ExceptionEvent(Event):
    """
    The event of an exception that has been read, but not been made text.
    """

    def __init__(self, failure: Any) -> None:
        super().__init__("exception")
        self._failure = failure

    @property
    def attributes(self) -> types.Attributes:
        """
        Type, message and stack trace, whole: the exporter's policy cuts them.
        """
        return exception_attributes(self._failure)


class ServerSpan(SdkSpan):
    """
    A span of the SDK whose attributes and outcome are taken as they are given.
    """

    clean_keys: frozenset[str] = CLEAN_SPAN_KEYS
    """Attributes that the exporter need not look at: none once the application has set one of them itself."""

    def __init__(
        self,
        tracer: Tracer,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        attributes: dict[str, Any],
        links: Sequence[Link],
        record_end_metrics: Any,
    ) -> None:
        limits = tracer._span_limits
        self._name = name
        self._context = context
        self._parent = parent
        self._kind = SpanKind.SERVER
        self._instrumentation_info = tracer.instrumentation_info
        self._instrumentation_scope = tracer._instrumentation_scope
        self._resource = tracer.resource
        self._start_time = None
        self._end_time = None
        self._status = UNSET
        self._sampler = tracer.sampler
        self._trace_config = None
        self._record_exception = True
        self._set_status_on_exception = True
        self._span_processor = tracer.span_processor
        self._limits = limits
        self._lock = threading.Lock()
        self._clean = attributes
        self._given = len(attributes)
        self._attributes = CleanAttributes(limits.max_span_attributes, attributes, limits.max_span_attribute_length)
        self._recorded: BoundedList[Event] = BoundedList(limits.max_events)
        self._events = self._recorded
        self._links = self._new_links(links) if links else _NO_LINKS
        self._record_end_metrics = record_end_metrics

    def set_attributes(self, attributes: Mapping[str, types.AttributeValue]) -> None:
        """
        As the SDK's; what the application sets is nobody's to trust.
        """
        if not self.clean_keys.isdisjoint(attributes):
            self.clean_keys = frozenset()
        super().set_attributes(attributes)

    def set_attribute(self, key: str, value: types.AttributeValue) -> None:
        """
        The same for one.
        """
        self.set_attributes({key: value})

    def complete(self, name: str, attributes: dict[str, Any], failed: bool) -> None:
        """
        Set name, further clean attributes, and status ERROR unless the application has set one.
        """
        if self._end_time is None:
            self._name = name
            if len(self._clean) == self._given:
                self._given += len(attributes)
            self._clean.update(attributes)
            if failed and self._status is UNSET:
                self._status = Status(StatusCode.ERROR)

    def add_failure(self, failure: Any) -> None:
        """
        Add the `exception` event of an `ExceptionText`, whose stack is made text when somebody reads it.
        """
        self._recorded.append(ExceptionEvent(failure))

    @property
    def size(self) -> int | None:
        """
        About how many bytes the span holds; None when the application has added to it.
        """
        clean = self._clean
        if len(clean) != self._given or self._events:
            return None
        texts = (
            len(clean.get("url.path", "")) + len(clean.get("url.query", "")) + len(clean.get("user_agent.original", ""))
        )
        return FIXED_BYTES + texts

    def untouched(self) -> tuple[Any, ...] | None:
        """
        Context, parent, name, start, end, attributes and status of a finished span that nobody has added to.

        None where an exporter has to read it as any other span: for events, links, or what the application set.
        """
        clean = self._clean
        if len(clean) != self._given or not self.clean_keys or self._events or self._links is not _NO_LINKS:
            return None
        if self._attributes.dropped:  # type: ignore[union-attr]
            return None
        return self._context, self._parent, self._name, self._start_time, self._end_time, clean, self._status

    def _readable_span(self) -> ReadableSpan:
        # nothing changes any more once the end is set, so processors get the span, not a copy of it
        return self


class ServerTracer:
    """
    Starts server spans on the provider of `tracer`.
    """

    def __init__(self, tracer: ApiTracer) -> None:
        self._tracer = tracer
        self._is_sdk = type(tracer) is Tracer and _fits(tracer)
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
        found = get_current_span(context).get_span_context() if context else None
        parent = found if found is not None and found.is_valid else None
        trace_id = ids.generate_trace_id() if parent is None else parent.trace_id
        if parent is None and self._roots_always_sampled:
            result = ALWAYS
        else:
            result = tracer.sampler.should_sample(context, trace_id, name, SpanKind.SERVER, attributes, links)
        flags = SAMPLED if result.decision is Decision.RECORD_AND_SAMPLE else 0
        if ids.is_trace_id_random() if parent is None else parent.trace_flags & TraceFlags.RANDOM_TRACE_ID:
            flags |= TraceFlags.RANDOM_TRACE_ID
        span_context = SpanContext(trace_id, ids.generate_span_id(), False, _FLAGS[flags], result.trace_state)
        ended = tracer._tracer_metrics.start_span(parent, result.decision)
        if result.decision is Decision.DROP:
            return NonRecordingSpan(span_context)
        if result is not ALWAYS and len(result.attributes) != len(attributes):
            # a sampler with attributes of its own, which are nobody's to trust
            attributes = dict(BoundedAttributes(attributes=result.attributes))
        span = ServerSpan(tracer, name, span_context, parent, attributes, links, ended)
        span.start(start_ns or time_ns(), context)
        return span


def _fits(tracer: Tracer) -> bool:
    """
    Whether the SDK's spans still are what this module takes them for; else its own way is the way.
    """
    try:
        span = ServerSpan(tracer, "", INVALID_SPAN_CONTEXT, None, {"key": "value"}, (), None)
        span.complete("name", {"other": 1}, True)
        span.set_attribute("third", "text")
        span.add_event("event")
        known = dict(span.attributes or {}) == {"key": "value", "other": 1, "third": "text"}
        return known and len(span.events) == 1 and callable(tracer._tracer_metrics.start_span)
    except (AttributeError, TypeError) as error:
        fault("span", error)
        return False


_NO_LINKS: BoundedList[Link] = BoundedList(0)
_FLAGS = {flags: TraceFlags(flags) for flags in range(4)}
