"""
What comes in and what goes out.
"""

from __future__ import annotations

import pytest
from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_kit.context import bound_correlation_id
from otel_kit.propagation import KitPropagator, bounded, remote_span_context
from otel_kit.redaction import Policy

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def kit_propagator() -> KitPropagator:
    """
    The kit's propagator around the default two.
    """
    return KitPropagator(CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()]), Policy())


@pytest.mark.parametrize("flags", ["00", "01", "03", "ff"])
def test_reads_a_traceparent(flags: str) -> None:
    """
    Ids and flags are read; unknown flag bits do no harm.
    """
    context = remote_span_context(f"00-{TRACE}-{SPAN}-{flags}", "")

    assert context is not None
    assert int(TRACE, 16) == context.trace_id
    assert int(flags, 16) & 1 == context.trace_flags & 1


@pytest.mark.parametrize(
    "header",
    [
        "",
        "rubbish",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01," * 2,
        "x" * 10_000_000,
    ],
)
def test_refuses_what_is_no_traceparent(header: str) -> None:
    """
    A malformed or enormous header starts a new trace.
    """
    assert remote_span_context(header, "") is None


def test_leaves_out_a_hostile_tracestate() -> None:
    """
    A tracestate that is too long is left out; the trace is joined all the same.
    """
    context = remote_span_context(f"00-{TRACE}-{SPAN}-01", "k=" + "v" * 10_000)

    assert context is not None
    assert dict(context.trace_state) == {}


@pytest.mark.parametrize("members", ["k=" + "v" * 5000, ",".join(f"k{n}=v" for n in range(100)), "k=ä"])
def test_bounds_baggage(members: str) -> None:
    """
    Too long, too many or not ASCII: the whole header is left out.
    """
    assert "baggage" not in bounded({"baggage": members})


def test_adds_the_correlation_id_to_what_goes_out() -> None:
    """
    The id leaves as a header and as a baggage member.
    """
    carrier: dict[str, str] = {}
    with bound_correlation_id("job-9"):
        kit_propagator().inject(carrier, Context())

    assert carrier["X-Correlation-ID"] == "job-9"
    assert carrier["baggage"] == "correlation_id=job-9"


def test_adds_nothing_outside_of_requests() -> None:
    """
    Without an id there is no header.
    """
    carrier: dict[str, str] = {}
    kit_propagator().inject(carrier, Context())

    assert carrier == {}


def test_baggage_leaves_redacted() -> None:
    """
    A secret in baggage stays here.
    """
    carrier: dict[str, str] = {}
    kit_propagator().inject(carrier, baggage.set_baggage("password", "hunter2hunter2", Context()))

    assert "hunter2" not in carrier["baggage"]


def test_outgoing_trace_state_loses_members_with_secrets() -> None:
    """
    A member that holds a credential is left out; the others go on in their order.
    """
    state = f"dd=s:1,vendor={'ghp_16C7e42F292c6912E7710c838347Ae178B4a'},rojo=00f067aa0ba902b7"
    arriving = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": state}
    carrier: dict[str, str] = {}

    kit_propagator().inject(carrier, kit_propagator().extract(arriving))

    assert ("dd=s:1,rojo=00f067aa0ba902b7", f"00-{TRACE}-{SPAN}-01") == (carrier["tracestate"], carrier["traceparent"])


def test_names_of_baggage_are_redacted() -> None:
    """
    A secret in a member's name leaves no more than one in its value.
    """
    carrier: dict[str, str] = {}

    kit_propagator().inject(carrier, baggage.set_baggage("jo.doe@example.com", "x", Context()))

    assert "REDACTED=x" == carrier["baggage"]


def test_baggage_that_cannot_be_read_stays_here() -> None:
    """
    Where the members can't be looked at the ids alone go out.
    """

    class Unreadable:
        def __str__(self) -> str:
            raise ValueError("no")

    context = kit_propagator().extract({"traceparent": f"00-{TRACE}-{SPAN}-01", "baggage": "token=swordfish"})
    carrier: dict[str, str] = {}

    kit_propagator().inject(carrier, baggage.set_baggage("odd", Unreadable(), context))

    assert {"traceparent": f"00-{TRACE}-{SPAN}-01"} == carrier
