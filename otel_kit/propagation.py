"""
Trace context, correlation id and baggage, in and out of the process.

Owns the trust rule on what comes in and the bounds on it, and the one global propagator that
adds the correlation id to whatever goes out. Knows nothing of HTTP libraries: they call
`opentelemetry.propagate.inject`, and the hooks in `integrations/` do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from opentelemetry import baggage
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, get_current_span, set_span_in_context
from opentelemetry.trace.span import TraceState

from otel_kit.context import CORRELATION_KEY, correlation_id, current_record
from otel_kit.faults import fault

__all__ = [
    "CORRELATION_HEADER",
    "KitPropagator",
    "bounded",
    "clean_trace_state",
    "remote_span_context",
    "uses_w3c_only",
    "with_trace_state",
]

CORRELATION_HEADER = "X-Correlation-ID"
MAX_TRACESTATE = 512
MAX_BAGGAGE = 4096
MAX_BAGGAGE_MEMBERS = 32

_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class Redacts(Protocol):
    """
    The part of the redaction policy that is needed here.
    """

    def text(self, text: str, limit: int | None = None) -> str: ...

    def value(self, key: str, value: object, limit: int | None = None) -> object: ...


def remote_span_context(traceparent: str, tracestate: str) -> SpanContext | None:
    """
    The caller's span, or None when the header is not one (W3C Trace Context, section 3.2).

    A `tracestate` that is too long or malformed is left out; the trace is joined all the same.
    """
    match = _TRACEPARENT.fullmatch(traceparent.strip()[:256])
    if match is None or (match[1] == "00" and match[5]):
        return None
    state = TraceState.from_header([tracestate]) if tracestate and len(tracestate) <= MAX_TRACESTATE else None
    context = SpanContext(int(match[2], 16), int(match[3], 16), True, TraceFlags(int(match[4], 16)), state)
    return context if context.is_valid else None


def bounded(headers: Mapping[str, str]) -> dict[str, str]:
    """
    The headers that a propagator may see: hostile `tracestate` and `baggage` are left out whole.

    The upstream baggage propagator writes a header over its limit to the log as it stands.
    """
    kept = dict(headers)
    if len(kept.get("tracestate", "")) > MAX_TRACESTATE:
        del kept["tracestate"]
    members = kept.get("baggage", "")
    if len(members) > MAX_BAGGAGE or members.count(",") >= MAX_BAGGAGE_MEMBERS or not members.isascii():
        kept.pop("baggage", None)
    return kept


class KitPropagator(TextMapPropagator):
    """
    The propagators that were configured, with the correlation id beside them.

    Outgoing: `X-Correlation-ID`, and `correlation_id` as a baggage member where baggage is
    propagated. Baggage leaves redacted. Incoming: nothing from a peer outside the trust rule.
    """

    def __init__(self, inner: TextMapPropagator, policy: Redacts) -> None:
        self.inner = inner
        self._policy = policy
        self._with_baggage = "baggage" in inner.fields

    @property
    def fields(self) -> set[str]:
        """
        The names of all headers that may be written.
        """
        return {*self.inner.fields, CORRELATION_HEADER.lower()}

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """
        `context` with what the carrier brings, unless the request at hand came from an untrusted peer.
        """
        record = current_record.get()
        if record is not None and record.arriving and not record.trusted:
            return context if context is not None else Context()
        return self.inner.extract(carrier, context, getter)

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """
        Write trace context, redacted baggage and the correlation id into the carrier.
        """
        identity = correlation_id()
        try:
            context = self._outgoing(context, identity)
            if identity is not None:
                setter.set(carrier, CORRELATION_HEADER, identity)
        except Exception as error:
            fault("propagation", error)
            context = _ids_alone(context)
        self.inner.inject(carrier, context, setter)

    def _outgoing(self, context: Context | None, identity: str | None) -> Context | None:
        found = get_current_span(context).get_span_context()
        if found.trace_state:
            state = clean_trace_state(found.trace_state, self._policy)
            if state is not found.trace_state:
                context = set_span_in_context(NonRecordingSpan(with_trace_state(found, state)), context)
        # also without W3C baggage: other propagators carry the members in headers of their own
        members = baggage.get_all(context)
        for key, value in members.items():
            clean_key, clean = self._policy.text(key), self._policy.value(key, str(value))
            if clean_key != key or clean != value:
                context = baggage.set_baggage(clean_key, clean, baggage.remove_baggage(key, context))
        if self._with_baggage and identity is not None and CORRELATION_KEY not in members:
            context = baggage.set_baggage(CORRELATION_KEY, identity, context)
        return context


def clean_trace_state(state: TraceState, policy: Redacts) -> TraceState:
    """
    The members that hold no secret; the same object when none does. Half a member would mislead its vendor.
    """
    kept = [
        (key, value) for key, value in state.items() if policy.text(key) == key and policy.value(key, value) == value
    ]
    return state if len(kept) == len(state) else TraceState(kept)


def with_trace_state(context: SpanContext, state: TraceState | None) -> SpanContext:
    """
    The same span with another trace state.
    """
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags, state)


def _ids_alone(context: Context | None) -> Context:
    """
    A context with nothing but the ids of the trace, for when nobody could look at the rest.
    """
    found = get_current_span(context).get_span_context()
    return set_span_in_context(NonRecordingSpan(with_trace_state(found, None)), Context())


def uses_w3c_only(names: Iterable[str]) -> bool:
    """
    Whether the configured propagators are the two of the W3C, which the ring reads by itself.
    """
    return set(names) <= {"tracecontext", "baggage"}
