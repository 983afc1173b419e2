"""
The whole built from the environment, each time in a process of its own: OpenTelemetry's globals are set once.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.otlp_receiver import OtlpReceiver, attributes_of

ROOT = Path(__file__).parents[2]

BUILD = """
import json, logging, os, sys, time
from otel_kit.environment import read_otel_environment
otel = read_otel_environment()
from otel_kit.settings import Settings
from otel_kit.redaction import Policy
from otel_kit.telemetry.providers import build_telemetry
def build(name="orders"):
    return build_telemetry(otel, Settings(), name, Policy())
def spans(telemetry, count, name="work"):
    for _ in range(count):
        telemetry.tracer_provider.get_tracer("test").start_span(name).end()
"""


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as running:
        yield running


def environment(receiver: OtlpReceiver, **variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return {**kept, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "PYTHONPATH": str(ROOT), **variables}


def start(receiver: OtlpReceiver, code: str, **variables: str) -> subprocess.Popen[str]:
    program = BUILD + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program],
        env=environment(receiver, **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(receiver: OtlpReceiver, code: str, **variables: str) -> Any:
    process = start(receiver, code, **variables)
    output, errors = process.communicate(timeout=30)
    assert 0 == process.returncode, errors
    return json.loads(output.splitlines()[-1]) if output.strip() else None


def test_all_signals_arrive(receiver: OtlpReceiver) -> None:
    """
    Spans, records of OpenTelemetry loggers, items of the kit and metrics leave by one flush.
    """
    code = """
    from opentelemetry import metrics, trace, _logs
    from otel_kit.logs.item import LogItem
    telemetry = build()
    telemetry.start()
    trace.get_tracer("test").start_span("work").end()
    _logs.get_logger("library").emit(body="from a library")
    telemetry.log_sink(LogItem(time.time(), 20, "INFO", "shop", "from the kit"), 100)
    metrics.get_meter("test").create_counter("calls").add(2)
    print(json.dumps(telemetry.flush(5.0)))
    """

    flushed = run(receiver, code)

    assert (True, ["work"], {"from a library", "from the kit"}, 2) == (
        flushed,
        [span.name for span in receiver.spans],
        {record.body.string_value for record in receiver.logs},
        receiver.metric("calls").sum.data_points[0].as_int,
    )


def test_resource(receiver: OtlpReceiver) -> None:
    """
    What the environment says of the resource wins over the kit's settings, but for the service's name.
    """
    run(
        receiver,
        "telemetry = build(); spans(telemetry, 1); telemetry.flush(5.0)",
        APP_VERSION="1.2.3",
        ENVIRONMENT="production",
        HOSTNAME="pod-7",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=staging,team=a%20b",
    )

    resource = attributes_of(next(receiver.spans_with_owner())[0])
    assert ("orders", "1.2.3", "staging", "pod-7", "a b", "opentelemetry", 36) == (
        resource["service.name"],
        resource["service.version"],
        resource["deployment.environment.name"],
        resource["host.name"],
        resource["team"],
        resource["telemetry.sdk.name"],
        len(resource["service.instance.id"]),
    )


def test_disabled(receiver: OtlpReceiver) -> None:
    """
    With the SDK disabled nothing is made and nothing leaves, and the report says why.
    """
    code = """
    telemetry = build()
    telemetry.start()
    spans(telemetry, 3)
    telemetry.flush(2.0)
    print(json.dumps([telemetry.traces_on, telemetry.log_sink is None, telemetry.report()["traces"]]))
    """

    seen = run(receiver, code, OTEL_SDK_DISABLED="true")

    assert ([False, True, {"on": False, "why": "OTEL_SDK_DISABLED=true"}], []) == (seen, receiver.attempts)


def test_exporter_none(receiver: OtlpReceiver) -> None:
    """
    A signal without exporter has spans and ids, but sends nothing.
    """
    code = """
    telemetry = build()
    span = telemetry.tracer_provider.get_tracer("t").start_span("s")
    span.end()
    telemetry.flush(2.0)
    print(json.dumps([span.get_span_context().is_valid, telemetry.report()["traces"]]))
    """

    seen = run(receiver, code, OTEL_TRACES_EXPORTER="none", OTEL_METRICS_EXPORTER="none")

    assert ([True, {"on": False, "why": "OTEL_TRACES_EXPORTER=none"}], []) == (seen, receiver.attempts)


def test_console_beside_otlp(receiver: OtlpReceiver) -> None:
    """
    Two exporters of one signal both get the span; the books count it once.
    """
    code = """
    telemetry = build()
    spans(telemetry, 1, name="seen")
    telemetry.flush(5.0)
    from otel_kit.ledger import ledger
    books = next(f for f in ledger.snapshot() if f.declaration.name == "otel_kit_items_accepted_total")
    print()
    print(json.dumps([series.values[0] for series in books.series if ("signal", "traces") in series.labels]))
    """
    process = start(receiver, code, OTEL_TRACES_EXPORTER="console,otlp", OTEL_METRICS_EXPORTER="none")
    output, errors = process.communicate(timeout=30)

    assert (["seen"], True, [1.0]) == (
        [span.name for span in receiver.spans],
        '"name": "seen"' in output,
        json.loads(output.splitlines()[-1]),
    ), errors


@pytest.mark.parametrize(
    ("sampler", "argument", "sampled"),
    [("always_on", "", 4), ("always_off", "", 0), ("traceidratio", "0.0", 0), ("parentbased_traceidratio", "1.0", 4)],
)
def test_samplers(receiver: OtlpReceiver, sampler: str, argument: str, sampled: int) -> None:
    """
    `OTEL_TRACES_SAMPLER` decides which spans leave.
    """
    run(
        receiver,
        "telemetry = build(); spans(telemetry, 4); telemetry.flush(5.0)",
        OTEL_TRACES_SAMPLER=sampler,
        OTEL_TRACES_SAMPLER_ARG=argument,
        OTEL_METRICS_EXPORTER="none",
    )

    assert sampled == len(receiver.spans)


def test_joins_a_provider_that_was_there(receiver: OtlpReceiver) -> None:
    """
    A global provider of the application's is used and not doubled; its spans get the correlation id.
    """
    code = """
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    memory = InMemorySpanExporter()
    own = TracerProvider()
    own.add_span_processor(SimpleSpanProcessor(memory))
    trace.set_tracer_provider(own)
    telemetry = build()
    from otel_kit.context import bound_correlation_id
    with bound_correlation_id("c-9"):
        spans(telemetry, 1)
    telemetry.flush(2.0)
    span = memory.get_finished_spans()[0]
    where = telemetry.report()["traces"]["to"]
    print(json.dumps([telemetry.tracer_provider is own, span.attributes["correlation_id"], where]))
    """

    seen = run(receiver, code)

    assert ([True, "c-9", ["the provider that was set before"]], []) == (seen, receiver.spans)


def test_kit_lines_through_a_foreign_logger_provider(receiver: OtlpReceiver) -> None:
    """
    Where another logger provider exports, the kit's lines go through it, once.
    """
    code = """
    from opentelemetry import _logs
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
    memory = InMemoryLogRecordExporter()
    own = LoggerProvider()
    own.add_log_record_processor(SimpleLogRecordProcessor(memory))
    _logs.set_logger_provider(own)
    telemetry = build()
    from otel_kit.logs.item import LogItem
    telemetry.log_sink(LogItem(time.time(), 20, "INFO", "shop", "hello"), 100)
    telemetry.flush(2.0)
    print(json.dumps([record.log_record.body for record in memory.get_finished_logs()]))
    """

    assert (["hello"], []) == (run(receiver, code, OTEL_METRICS_EXPORTER="none"), receiver.logs)


def test_value_limit_cuts_after_redaction(receiver: OtlpReceiver) -> None:
    """
    A value arrives with the length the limit names, whatever the SDK kept.
    """
    code = """
    telemetry = build()
    telemetry.tracer_provider.get_tracer("t").start_span("s", attributes={"k": "word " * 200}).end()
    telemetry.flush(5.0)
    """

    run(receiver, code, OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT="50", OTEL_METRICS_EXPORTER="none")

    assert 50 == len(attributes_of(receiver.spans[0])["k"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_loses_nothing(receiver: OtlpReceiver, number: signal.Signals) -> None:
    """
    A script that is told to end delivers its spans first, and dies of the signal as it would have.
    """
    code = """
    import signal
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    telemetry = build()
    telemetry.install_last_net(lambda: telemetry.close(time.monotonic() + 4.3))
    spans(telemetry, 100)
    print("ready", flush=True)
    time.sleep(30)
    """
    process = start(receiver, code, OTEL_BSP_SCHEDULE_DELAY="20000", OTEL_METRICS_EXPORTER="none")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(number)
    process.communicate(timeout=30)

    assert (-number, 100) == (process.returncode, len(receiver.spans))


def test_normal_end_loses_nothing(receiver: OtlpReceiver) -> None:
    """
    A script that simply ends delivers its spans.
    """
    code = """
    telemetry = build()
    telemetry.install_last_net(lambda: telemetry.close(time.monotonic() + 4.3))
    spans(telemetry, 100)
    """

    run(receiver, code, OTEL_BSP_SCHEDULE_DELAY="20000", OTEL_METRICS_EXPORTER="none")

    assert 100 == len(receiver.spans)


@pytest.mark.parametrize("mode", ["hang", "refuse", "status", "reset"])
def test_exit_is_bounded(mode: str) -> None:
    """
    A sick collector holds up the process's end no longer than the deadline.
    """
    code = """
    telemetry = build()
    telemetry.install_last_net(lambda: telemetry.close(time.monotonic() + 1.5))
    telemetry.start()
    spans(telemetry, 600)
    print("ready", flush=True)
    time.sleep(30)
    """
    with OtlpReceiver(mode=mode) as sick:
        sick.status, sick.retry_after = 429, "3600"
        process = start(sick, code)
        assert process.stdout is not None
        process.stdout.readline()
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)

    assert (-signal.SIGTERM, True) == (process.returncode, time.monotonic() - begun < 4.0)


def test_preloaded_and_forked(receiver: OtlpReceiver) -> None:
    """
    Built before a fork, as gunicorn preloads it, each child sends its own, under an instance id of its own.
    """
    code = """
    telemetry = build()
    spans(telemetry, 1, "parent")
    children = []
    for number in range(2):
        child = os.fork()
        if child == 0:
            telemetry.start()
            spans(telemetry, 10, f"child-{number}")
            telemetry.flush(5.0)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    telemetry.flush(5.0)
    """

    run(receiver, code, OTEL_METRICS_EXPORTER="none")

    names = sorted(span.name for span in receiver.spans)
    instances = {attributes_of(resource)["service.instance.id"] for resource, _, _ in receiver.spans_with_owner()}
    assert (["child-0"] * 10 + ["child-1"] * 10 + ["parent"], 3) == (names, len(instances))


def test_slow_resource_detectors_do_not_hold_the_start(receiver: OtlpReceiver) -> None:
    """
    A detector that does not come back is left out after a second.
    """
    code = """
    from opentelemetry.sdk import resources
    slow = resources.ProcessResourceDetector.detect
    resources.ProcessResourceDetector.detect = lambda self: time.sleep(20)
    begun = time.monotonic()
    telemetry = build()
    quick = time.monotonic() - begun < 10
    print(json.dumps([quick, "service.instance.id" in telemetry.resource().attributes]), flush=True)
    os._exit(0)
    """

    assert [True, True] == run(receiver, code, OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="process")


def test_silent_default_endpoint_is_said_once() -> None:
    """
    Where nobody named an endpoint and nothing listens, one line at INFO says so.
    """
    code = """
    import dataclasses
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(levelname)s %(message)s")
    otel = dataclasses.replace(otel, traces=dataclasses.replace(otel.traces, endpoint_is_default=True))
    telemetry = build()
    for _ in range(3):
        spans(telemetry, 5)
        telemetry.flush(1.0)
    telemetry.close(time.monotonic() + 1.0)
    """
    with OtlpReceiver(mode="refuse") as nobody:
        process = start(nobody, code, OTEL_METRICS_EXPORTER="none")
        output, _ = process.communicate(timeout=20)

    assert ["INFO otel_kit.no_collector"] == [line for line in output.splitlines() if "otel_kit" in line]
