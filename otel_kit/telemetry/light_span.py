"""
One class of span: the SDK's own, with fields set directly.

Owns what the rings' span holds and when it is made. Everything else is the SDK's, each method
that a user may call on the span included. Knows nothing of samplers and ids.
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
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util import types

from otel_kit.context import CLEAN_SPAN_KEYS
from otel_kit.server_span import exception_attributes

__all__ = ["ServerSpan"]

FIXED_BYTES = 1200
UNSET = Status(StatusCode.UNSET)


class CleanAttributes(BoundedAttributes):
    """
    The SDK's attributes over values that need no cleaning; what a user adds is cleaned and bounded.
    """

    def __init__(self, maxlen: int | None, clean: dict[str, Any], max_value_len: int | None, ended: bool) -> None:
        self._dict = clean
        self.maxlen = maxlen
        self.max_value_len = max_value_len
        self.dropped = 0
        self._lock = threading.Lock()
        self._immutable = ended


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

    _kind = SpanKind.SERVER
    _start_time = None
    _end_time = None
    _status = UNSET
    _trace_config = None
    _record_exception = True
    _set_status_on_exception = True

    _clean: dict[str, Any]
    _given: int
    """How many attributes the rings have set."""
    _bounded: CleanAttributes | None = None
    _recorded: BoundedList[Event] | None = None
    _linked: BoundedList[Link] | None = None

    @classmethod
    def of_tracer(cls, tracer: Tracer) -> type[ServerSpan]:
        """
        The class for spans of this tracer: what is the same for all of them is the class's, and is set once.
        """
        common = {
            "_instrumentation_info": tracer.instrumentation_info,
            "_instrumentation_scope": tracer._instrumentation_scope,
            "_resource": tracer.resource,
            "_sampler": tracer.sampler,
            "_span_processor": tracer.span_processor,
            "_limits": tracer._span_limits,
        }
        return type(cls.__name__, (cls,), common)

    @classmethod
    def make(
        cls,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        attributes: dict[str, Any],
        links: Sequence[Link],
        record_end_metrics: Any,
    ) -> ServerSpan:
        """
        A span that has not been started. The SDK's constructor, which is there to keep its users out, is passed by.
        """
        self = object.__new__(cls)
        self._name = name
        self._context = context
        self._parent = parent
        self._lock = threading.Lock()
        self._clean = attributes
        self._given = len(attributes)
        if links:
            self._linked = self._new_links(links)
        self._record_end_metrics = record_end_metrics
        return self

    # Most spans get no attribute, event or link from the application, and thousands of spans wait to be sent: what
    # would hold them is made when somebody asks. Two threads may ask at once, and `setdefault` lets one of them win.
    @property
    def _attributes(self) -> CleanAttributes:  # type: ignore[override]
        if self._bounded is not None:
            return self._bounded
        limits = self._limits
        holder = CleanAttributes(
            limits.max_span_attributes, self._clean, limits.max_span_attribute_length, self._end_time is not None
        )
        held: CleanAttributes = self.__dict__.setdefault("_bounded", holder)
        return held

    @property
    def _events(self) -> BoundedList[Event]:  # type: ignore[override]
        return self._recorded or self.__dict__.setdefault("_recorded", BoundedList(self._limits.max_events))

    @property
    def _links(self) -> BoundedList[Link]:  # type: ignore[override]
        return self._linked or self.__dict__.setdefault("_linked", BoundedList(self._limits.max_links))

    def start(self, start_time: int | None = None, parent_context: Context | None = None) -> None:
        """
        As the SDK's, without a lock: whoever made the span starts it, and hands it on afterwards.
        """
        if self._start_time is not None:
            super().start(start_time, parent_context)  # says that it has started
            return
        self._start_time = start_time if start_time is not None else time_ns()
        self._span_processor.on_start(self, parent_context=parent_context)

    def end(self, end_time: int | None = None) -> None:
        """
        As the SDK's, without the attributes that nobody asked for.
        """
        if self._bounded is not None or self._end_time is not None:
            super().end(end_time)
            return
        with self._lock:
            is_first = self._end_time is None
            if is_first:
                self._end_time = end_time if end_time is not None else time_ns()
            if self._bounded is not None:  # another thread has come between
                self._bounded._immutable = True
        if not is_first:
            super().end(end_time)  # says that it has ended
            return
        if self._record_end_metrics is not None:
            self._record_end_metrics()
        self._span_processor._on_ending(self)
        self._span_processor.on_end(self)

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
            else:
                self._add_within_limit(attributes)
            if failed and self._status is UNSET:
                self._status = Status(StatusCode.ERROR)

    def _add_within_limit(self, attributes: dict[str, Any]) -> None:
        # the application has added attributes, perhaps as many as there is room for
        for key, value in attributes.items():
            self._attributes[key] = value

    def add_failure(self, failure: Any) -> None:
        """
        Add the `exception` event of an `ExceptionText`, whose stack is made text when somebody reads it.
        """
        with self._lock:
            self._events.append(ExceptionEvent(failure))

    @property
    def size(self) -> int | None:
        """
        About how many bytes the span holds; None when the application has added to it.
        """
        clean = self._clean
        if len(clean) != self._given or self._recorded:
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
        if len(clean) != self._given or not self.clean_keys or self._recorded or self._linked:
            return None
        if self._bounded is not None and self._bounded.dropped:
            return None
        return self._context, self._parent, self._name, self._start_time, self._end_time, clean, self._status

    def _readable_span(self) -> ReadableSpan:
        # nothing changes any more once the end is set, so processors get the span, not a copy of it
        return self
