"""
What the providers call: spans and records reach the queue, with a size, and nothing raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, AlwaysRecordSampler, Sampler

from otel_kit import faults
from otel_kit.context import SCOPE_NAME, bound_correlation_id
from otel_kit.telemetry.processors import CorrelationProcessor, QueueLogProcessor, QueueSpanProcessor, span_size

Offered = list[tuple[Any, int]]


def tracer_over(offer: Callable[[Any, int], None], sampler: Sampler = ALWAYS_ON, scope: str = "library") -> Any:
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(CorrelationProcessor())
    provider.add_span_processor(QueueSpanProcessor(offer, lambda seconds: True))
    return provider.get_tracer(scope)


def test_sampled_spans_are_offered() -> None:
    """
    A span that ends is offered once.
    """
    offered: Offered = []
    tracer_over(lambda span, size: offered.append((span, size))).start_span("work").end()

    assert ["work"] == [span.name for span, _ in offered]


def test_recorded_but_unsampled_spans_are_not() -> None:
    """
    A span that is recorded for others' sake only does not leave.
    """
    offered: Offered = []
    sampler = AlwaysRecordSampler(ALWAYS_OFF)
    tracer_over(lambda span, size: offered.append((span, size)), sampler).start_span("work").end()

    assert [] == offered


def test_size_follows_the_texts() -> None:
    """
    A span's size grows with what its attributes and events hold.
    """
    sizes: list[int] = []
    tracer = tracer_over(lambda span, size: sizes.append(size))
    tracer.start_span("small").end()
    tracer.start_span("large", attributes={"a": "x" * 10_000, "b": ["y" * 5_000]}).end()
    with tracer.start_as_current_span("eventful") as span:
        span.add_event("e", {"stack": "z" * 20_000})

    assert [True, True, True] == [sizes[0] < 1000, 15_000 < sizes[1] < 17_000, 20_000 < sizes[2] < 22_000]


def test_a_span_may_know_its_size() -> None:
    """
    An object with a size of its own is not measured again.
    """

    class Known:
        size = 77

    assert 77 == span_size(Known())


def test_end_never_raises() -> None:
    """
    A fault on the way to the queue is counted, and the application's span ends all the same.
    """
    before = faults.counts().get("export", 0)

    def fail(span: Any, size: int) -> None:
        raise RuntimeError("broken")

    tracer_over(fail).start_span("work").end()

    assert before + 1 == faults.counts()["export"]


def test_correlation_id_on_spans_of_libraries() -> None:
    """
    A span started inside a request or task carries its correlation id.
    """
    offered: Offered = []
    tracer = tracer_over(lambda span, size: offered.append((span, size)))
    with bound_correlation_id("c-1"):
        tracer.start_span("inside").end()
    tracer.start_span("outside").end()

    assert ["c-1", None] == [span.attributes.get("correlation_id") for span, _ in offered]


def test_kits_own_spans_bring_their_id() -> None:
    """
    The processor leaves the kit's server span alone.
    """
    offered: Offered = []
    tracer = tracer_over(lambda span, size: offered.append((span, size)), scope=SCOPE_NAME)
    with bound_correlation_id("c-1"):
        tracer.start_span("GET /", attributes={"correlation_id": "c-0"}).end()

    assert "c-0" == offered[0][0].attributes["correlation_id"]


def test_flush_and_shutdown_of_the_provider_only_flush() -> None:
    """
    After the provider's shutdown, which ends one application, spans of the next are still taken.
    """
    offered: Offered = []
    flushed: list[float] = []
    provider = TracerProvider(shutdown_on_exit=False)

    def flush(seconds: float) -> bool:
        flushed.append(seconds)
        return False

    provider.add_span_processor(QueueSpanProcessor(lambda span, size: offered.append((span, size)), flush))
    answer = provider.force_flush(1500)
    provider.shutdown()
    provider.get_tracer("t").start_span("later").end()

    assert (False, True, ["later"]) == (answer, 1.4 < flushed[0] <= 1.5, [span.name for span, _ in offered])


def test_log_records_are_offered_with_their_size() -> None:
    """
    A record of an OpenTelemetry logger reaches the queue, measured.
    """
    offered: Offered = []
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(QueueLogProcessor(lambda record, size: offered.append((record, size)), bool))
    provider.get_logger("library").emit(body="x" * 3000, attributes={"a": "y" * 2000})

    record, size = offered[0]
    assert ("x" * 3000, True) == (record.log_record.body, 5000 < size < 6000)


@pytest.mark.parametrize("body", [None, 7, {"a": ["b", {"c": "d"}]}, b"bytes"])
def test_any_body_is_measured(body: Any) -> None:
    """
    Bodies of every kind have a size.
    """
    offered: Offered = []
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(QueueLogProcessor(lambda record, size: offered.append((record, size)), bool))
    provider.get_logger("library").emit(body=body)

    assert offered[0][1] >= 400
