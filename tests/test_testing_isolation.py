"""
What a test with the fixture leaves behind, and what the next one finds: each suite in a process of its own.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .suites import run_suite

WATCH = """
import gc, logging, os, signal, threading
import pytest
from opentelemetry import propagate, trace
from opentelemetry._logs import _internal as logs
from opentelemetry.metrics import _internal as metrics
from otel_kit import runtime
from otel_kit.ledger import ledger

LOGGERS = ("", "uvicorn", "uvicorn.error", "uvicorn.access", "otel_kit", "otel_kit.request")

def logger_state(logger):
    return list(logger.handlers), logger.level, logger.propagate, logger.disabled, list(logger.filters)

def state():
    return {
        "traces": (trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE._done),
        "metrics": (metrics._METER_PROVIDER, metrics._METER_PROVIDER_SET_ONCE._done),
        "instruments": metrics._PROXY_METER_PROVIDER._real_meter_provider,
        "logs": (logs._LOGGER_PROVIDER, logs._LOGGER_PROVIDER_SET_ONCE._done),
        "propagator": propagate.get_global_textmap(),
        "runtime": runtime.current(),
        "logging": [logger_state(logging.getLogger(name)) for name in LOGGERS],
        # the event loop of a TestClient may leave one of its own for a moment
        "threads": {one.name for one in threading.enumerate()} - {"AnyIO worker thread"},
        "signals": signal.getsignal(signal.SIGTERM),
        "environment": {name: value for name, value in os.environ.items() if name.startswith("OTEL_")},
        "ledger": (ledger.state, list(ledger._hooks), list(ledger._beats)),
        "garbage": (list(gc.callbacks), gc.get_freeze_count()),
    }

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    before = state()
    result = yield
    after = state()
    with open("differences.txt", "a") as report:
        for name in before:
            if before[name] != after[name]:
                report.write(f"{item.nodeid}: {name} was {before[name]}, is {after[name]}\\n")
    with open("globals.txt", "a") as report:
        report.write(f"{after['traces']} {after['metrics']} {after['logs']}\\n")
    return result
"""
"""
A conftest that writes down what each test leaves changed in its process.
"""

UNSET = "(None, False) (None, False) (None, False)"

COMMON = """
import logging
import httpx
import pytest
from fastapi.testclient import TestClient
from opentelemetry import metrics, trace
from otel_kit import ConfigurationError, Settings
from shop import boxes, make_app, tracer

def order(app):
    assert TestClient(app).get("/order").status_code == 200

def check(telemetry, times=1):
    assert times == len([span for span in telemetry.spans if span.name == "charge"])
    assert times == len([span for span in telemetry.spans if span.name == "GET /order"])
    assert times == len([item for item in telemetry.logs if item.message == "order_paid"])
    assert times == len([item for item in telemetry.logs if item.message == "request_completed"])
    assert times == telemetry.metrics.value("orders_total", status="paid")
    assert 2 * times == telemetry.metrics.value("boxes", size="big")
"""

ONE_TEST = {
    "with a lifespan": """
def test_it(telemetry):
    with TestClient(make_app()) as client:
        client.get("/order")
    check(telemetry)
""",
    "without a lifespan": """
def test_it(telemetry):
    order(make_app())
    check(telemetry)
""",
    "asynchronous": """
async def test_it(telemetry):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app()), base_url="http://shop") as client:
        await client.get("/order")
    check(telemetry)
""",
    "under anyio": """
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_it(telemetry):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app()), base_url="http://shop") as client:
        await client.get("/order")
    check(telemetry)
""",
    "that fails": """
def test_fails(telemetry):
    order(make_app())
    raise RuntimeError

def test_it():
    pass
""",
    "with two applications": """
def test_it(telemetry):
    order(make_app())
    order(make_app())
    check(telemetry, 2)
""",
    "that undoes": """
def test_it(telemetry):
    app = make_app()
    order(app)
    app._otel_kit.undo()
    order(app)
    assert 1 == len([item for item in telemetry.logs if item.message == "order_paid"])
""",
    "that shuts down": """
async def test_it(telemetry):
    app = make_app()
    kit = app._otel_kit
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        await client.get("/order")
    await kit.shutdown()
    for provider in (kit.tracer_provider, kit.meter_provider, kit.logger_provider):
        provider.shutdown()
    check(telemetry)
""",
    "with the other engine": """
def test_it(telemetry):
    with TestClient(make_app(settings=Settings(engine="contrib"))) as client:
        client.get("/order")
    check(telemetry)
""",
    "that sets providers": """
from opentelemetry import _logs
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

def test_it(telemetry):
    own = TracerProvider(shutdown_on_exit=False)
    trace.set_tracer_provider(own)
    metrics.set_meter_provider(MeterProvider(shutdown_on_exit=False))
    _logs.set_logger_provider(LoggerProvider(shutdown_on_exit=False))
    app = make_app()
    assert trace.get_tracer_provider() is app._otel_kit.tracer_provider is own
    order(app)
    check(telemetry)
""",
    "with pytest's other captures": """
def test_it(caplog, capsys, telemetry):
    caplog.set_level("DEBUG")
    with TestClient(make_app()) as client:
        client.get("/order")
    assert "order_paid" in caplog.messages
    assert "order_paid" in capsys.readouterr().out
    check(telemetry)
""",
    "with variables of its own": """
def test_it(telemetry, monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "till")
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many")
    app = make_app()
    order(app)
    check(telemetry)
    assert "till" == telemetry.span("charge").resource.attributes["service.name"]
    assert "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT" in str(app._otel_kit.report()["findings"])
""",
    "whose set-up is refused": """
def test_it(telemetry):
    with pytest.raises(ConfigurationError):
        make_app(profile="todo", limits={"/": "often"})
""",
    "without a set-up": """
def test_it(telemetry):
    with tracer.start_as_current_span("charge"):
        boxes.add(2)
    assert telemetry.span("charge")
    assert 2 == telemetry.metrics.value("boxes")
""",
    "whose fixture sets up first": """
@pytest.fixture
def app():
    return make_app()

def test_it(app, telemetry):
    order(app)
    check(telemetry)
""",
}

AGAIN = """
def test_after_it(telemetry):
    order(make_app())
    check(telemetry)
"""


def differences(directory: Path) -> list[str]:
    """
    What tests of a suite left changed.
    """
    return (directory / "differences.txt").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str], set[str]]:
    """
    What came of one suite with all kinds of tests: their outcomes, what they left changed, and the globals after each.
    """
    directory = tmp_path_factory.mktemp("kinds")
    modules = {f"test_{number}": COMMON + ONE_TEST[kind] + AGAIN for number, kind in enumerate(ONE_TEST)}
    done = run_suite(directory, "", "-rA", modules={"conftest": WATCH, **modules})
    found = set((directory / "globals.txt").read_text(encoding="utf-8").splitlines())
    return done.stdout.splitlines(), differences(directory), found


@pytest.mark.parametrize("kind", ONE_TEST)
def test_nothing_is_left_behind(kinds: tuple[list[str], list[str], set[str]], kind: str) -> None:
    """
    After a test, of whatever kind, process and logging are as before, and the next one sees what is its own.
    """
    outcomes, left, _ = kinds
    file = f"test_{list(ONE_TEST).index(kind)}.py"

    assert 2 == len([line for line in outcomes if line.startswith(f"PASSED {file}")]), "\n".join(outcomes)
    assert [] == [line for line in left if line.startswith(file)]


def test_the_globals_are_unset_again(kinds: tuple[list[str], list[str], set[str]]) -> None:
    """
    OpenTelemetry's three providers are none after each test, and may be set once more.
    """
    assert {UNSET} == kinds[2]


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_what_a_module_got_at_import_works_in_every_test(tmp_path: Path, options: tuple[str, ...]) -> None:
    """
    A tracer takes the first provider that it finds and keeps it: the second and the hundredth test have it, too.
    """
    test = """
@pytest.mark.parametrize("number", range(100))
def test_order(telemetry, number):
    app = make_app()
    for _ in range(number % 3):
        order(app)
    check(telemetry, number % 3)
"""
    done = run_suite(tmp_path, COMMON + test, *options, modules={"conftest": WATCH})

    assert "100 passed" in done.stdout, done.stdout
    assert [] == differences(tmp_path)
    assert "" == done.stderr


def test_a_test_without_the_fixture_is_not_touched(tmp_path: Path) -> None:
    """
    It finds no provider where nobody has set one, and what it sets itself gets the spans of modules, before and after.
    """
    test = """
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

def test_order(telemetry):
    order(make_app())
    check(telemetry)

def test_without_a_provider():
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    with tracer.start_as_current_span("charge") as span:
        assert not span.get_span_context().is_valid

def test_with_its_own():
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    with tracer.start_as_current_span("charge"):
        pass
    assert ["charge"] == [span.name for span in exporter.get_finished_spans()]

def test_beside_it(telemetry):
    order(make_app())
    assert telemetry.span("charge")
    assert "GET /order" == telemetry.spans[-1].name

def test_afterwards():
    assert type(trace.get_tracer_provider()) is TracerProvider
    assert 1 == len(trace.get_tracer_provider()._active_span_processor._span_processors)
"""
    done = run_suite(tmp_path, COMMON + test)

    assert "5 passed" in done.stdout, done.stdout


def test_what_a_module_got_during_a_test_works_in_later_ones(tmp_path: Path) -> None:
    """
    Imported by the first test that needs it: its tracer and its instrument are those of the providers of that moment.
    """
    later = """
from opentelemetry import metrics, trace
tracer = trace.get_tracer("later")
parcels = metrics.get_meter("later").create_counter("parcels")
"""
    test = """
@pytest.mark.parametrize("number", range(5))
def test_sent(telemetry, number):
    from later import parcels, tracer
    make_app(service_name=f"post-{number}")
    with tracer.start_as_current_span("send"):
        parcels.add(number)
    assert f"post-{number}" == telemetry.span("send").resource.attributes["service.name"]
    assert number == telemetry.metrics.value("parcels")
"""
    done = run_suite(tmp_path, COMMON + test, modules={"later": later})

    assert "5 passed" in done.stdout, done.stdout


def test_an_application_that_lives_on_is_seen_in_later_tests(tmp_path: Path) -> None:
    """
    Set up by the first test that wants it, and used by others: with a lifespan, beside new ones, without the fixture.
    """
    test = """
import functools
from otel_kit import runtime

app = functools.cache(make_app)

def test_first(telemetry):
    order(app())
    check(telemetry)

def test_second(telemetry):
    with TestClient(app()) as client:
        client.get("/order")
        assert 'http_requests_total{' in client.get("/metrics").text
    check(telemetry)

def test_beside_another(telemetry):
    order(make_app())
    order(app())
    check(telemetry, 2)

def test_joined_by_another(telemetry):
    order(app())
    order(make_app())
    check(telemetry, 2)

def test_without_the_fixture():
    order(app())

def test_last(telemetry):
    order(app())
    check(telemetry)

def test_afterwards():
    assert runtime.current() is None
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
"""
    done = run_suite(tmp_path, COMMON + test)

    assert "7 passed" in done.stdout, done.stdout


def test_an_application_of_a_test_beside_one_of_a_module_rests_afterwards(tmp_path: Path) -> None:
    """
    They share providers and logging, which stay; hooks, signals and what the test itself has set do not.
    """
    test = """
from opentelemetry import propagate
from opentelemetry.propagators.composite import CompositePropagator

app = make_app()

def test_before():
    order(app)

def test_order(telemetry):
    order(make_app())
    propagate.set_global_textmap(CompositePropagator([]))
    check(telemetry)

def test_again(telemetry):
    order(app)
    check(telemetry)
"""
    done = run_suite(tmp_path, COMMON + test, modules={"conftest": WATCH})

    assert "3 passed" in done.stdout, done.stdout
    assert [] == [line for line in differences(tmp_path) if "test_before" not in line]


def test_providers_of_a_module_are_listened_to(tmp_path: Path) -> None:
    """
    Set when it was imported, without the kit: what a test sets up joins them, and is gone from them afterwards.
    """
    test = """
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

tracers = TracerProvider(shutdown_on_exit=False)
meters = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
trace.set_tracer_provider(tracers)
metrics.set_meter_provider(meters)

@pytest.mark.parametrize("number", range(3))
def test_order(telemetry, number):
    app = make_app()
    assert app._otel_kit.tracer_provider is tracers
    order(app)
    check(telemetry)

def test_afterwards():
    assert () == tracers._active_span_processor._span_processors
    assert 1 == len(meters._measurement_consumer._reader_storages)
    assert trace.get_tracer_provider() is tracers
"""
    done = run_suite(tmp_path, COMMON + test, modules={"conftest": WATCH})

    assert "4 passed" in done.stdout, done.stdout
    assert [] == differences(tmp_path)


def test_an_application_of_a_session_is_seen_in_each_test(tmp_path: Path) -> None:
    """
    Set up before the fixture begins, its lifespan open over all tests.
    """
    test = """
@pytest.fixture(scope="session")
def client():
    with TestClient(make_app()) as client:
        yield client

@pytest.mark.parametrize("number", range(5))
def test_order(telemetry, client, number):
    for _ in range(number):
        client.get("/order")
    check(telemetry, number)
"""
    done = run_suite(tmp_path, COMMON + test)

    assert "5 passed" in done.stdout, done.stdout


def test_each_test_has_the_settings_of_its_own_set_up(tmp_path: Path) -> None:
    """
    Sampler, service name, level, redaction and profile of an earlier test hold no longer; by default all is sampled.
    """
    test = """
from dataclasses import replace
from otel_kit import security_event
from otel_kit.event_layout import SecurityEvent, with_events
from otel_kit.profiles import load_profile

@pytest.mark.parametrize(("sampler", "spans"), [("always_off", 0), ("parentbased_traceidratio", 2), ("", 2)])
def test_sampler(telemetry, monkeypatch, sampler, spans):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    order(make_app(service_name=f"till-{spans}"))
    assert spans == len(telemetry.spans)
    assert {f"till-{spans}"} >= {span.resource.attributes["service.name"] for span in telemetry.spans}

def test_switched_off(telemetry, monkeypatch):
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    order(make_app())
    assert [] == telemetry.spans

@pytest.mark.parametrize(("level", "lines"), [("ERROR", 0), ("INFO", 1)])
def test_level(telemetry, level, lines):
    order(make_app(settings=Settings(log_level=level)))
    assert lines == len([item for item in telemetry.logs if item.message == "request_completed"])

@pytest.mark.parametrize(("redact", "amount"), [(["amount"], "REDACTED"), (None, 3)])
def test_redaction(telemetry, redact, amount):
    order(make_app(redact=redact))
    assert amount == telemetry.span("charge").attributes["amount"]

@pytest.mark.parametrize("profile", ["goblin", "todo", "xionimus", "platform", "goblin"])
def test_profile(telemetry, profile):
    with TestClient(make_app(profile=profile)) as client:
        client.get("/order")
    assert telemetry.span("charge")
    counted = {name: increase for (name, _), increase in telemetry.metrics.changed().items()}
    assert 1 == counted["api_requests_total" if profile == "platform" else "http_requests_total"]

@pytest.mark.parametrize("words", ["Door opened", "Somebody came in"])
def test_words_of_an_event(telemetry, words):
    event = SecurityEvent("door_opened", "security", "WARNING", words)
    make_app(profile=replace(load_profile("goblin"), events=with_events(event)))
    security_event("door_opened")
    assert telemetry.log(words)

def test_after_them(telemetry):
    order(make_app())
    check(telemetry)
"""
    done = run_suite(tmp_path, COMMON + test, modules={"conftest": WATCH})

    assert "16 passed" in done.stdout, done.stdout
    assert [] == differences(tmp_path)


def test_instruments_of_an_earlier_test_are_at_rest(tmp_path: Path) -> None:
    """
    A gauge of OpenTelemetry's API that another test has set is not there.
    """
    test = """
level = metrics.get_meter("shop").create_gauge("water_level")

def test_sets(telemetry):
    make_app()
    level.set(7)
    assert 7 == telemetry.metrics.value("water_level")

def test_does_not(telemetry):
    make_app()
    assert 0 == telemetry.metrics.value("water_level")
"""
    done = run_suite(tmp_path, COMMON + test)

    assert "2 passed" in done.stdout, done.stdout


@contextmanager
def collector(received: list[str]) -> Iterator[str]:
    """
    An address at which each connection is noted, and closed.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            received.append("connection")
            connection.close()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize(("where", "connections"), [("a test", 0), ("a module", 1)])
def test_a_set_up_of_a_test_exports_nothing(tmp_path: Path, where: str, connections: int) -> None:
    """
    Whatever the environment says. One that was there before goes on as it was set up.
    """
    received: list[str] = []
    before = "app = make_app()" if where == "a module" else ""
    test = f"""
{before}
def test_order(telemetry):
    with TestClient({"app" if before else "make_app()"}) as client:
        client.get("/order")
    check(telemetry)
"""
    with collector(received) as endpoint:
        done = run_suite(
            tmp_path,
            COMMON + test,
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            OTEL_TRACES_EXPORTER="otlp,console",
            OTEL_METRIC_EXPORT_INTERVAL="50",
            OTEL_BSP_SCHEDULE_DELAY="10",
        )

    assert "1 passed" in done.stdout, done.stdout
    assert connections == min(len(received), 1)


@pytest.mark.parametrize("where", ["a test", "a module"])
def test_floods_of_an_earlier_test_hide_no_event(tmp_path: Path, where: str) -> None:
    """
    Of security events few become records in a time; each test has its own few, whatever it was that was set up.
    """
    before = "app = make_app()" if where == "a module" else ""
    test = f"""
from otel_kit import security_event
{before}

@pytest.mark.parametrize("number", range(15))
def test_refused(telemetry, number):
    {"pass" if before else "make_app()"}
    security_event("failed_login")
    assert 1 == len([item for item in telemetry.logs if item.extra.get("event") == "failed_login"])
"""
    done = run_suite(tmp_path, COMMON + test)

    assert "15 passed" in done.stdout, done.stdout


def test_lines_stand_in_the_report_of_their_test(tmp_path: Path) -> None:
    """
    They are written while pytest captures, and not between its dots.
    """
    test = """
def test_order(telemetry):
    order(make_app())
    raise RuntimeError
"""
    done = run_suite(tmp_path, COMMON + test)
    dots, report = done.stdout.split("= FAILURES =")

    assert "order_paid" not in dots
    assert "order_paid" in report.split("Captured stdout call")[1].split("Captured log call")[0]


def test_another_fixture_of_the_same_name_is_left_alone(tmp_path: Path) -> None:
    """
    A suite may call a fixture of its own `telemetry`, which asks for others.
    """
    test = """
@pytest.fixture
def exporter():
    return []

@pytest.fixture
def telemetry(exporter):
    return exporter

def test_own(telemetry):
    assert [] == telemetry
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
"""
    done = run_suite(tmp_path, COMMON + test)

    assert "1 passed" in done.stdout, done.stdout


def test_a_suite_without_the_fixture_imports_nothing(tmp_path: Path) -> None:
    """
    The plugin is there in every run of pytest, and costs one that has no use for it next to nothing.
    """
    test = """
import sys

def test_plain():
    loaded = [name for name in sys.modules if name.startswith(("opentelemetry.sdk", "otel_kit.testing."))]
    assert ["otel_kit.testing.captured"] == loaded
"""
    done = run_suite(tmp_path, test)

    assert "1 passed" in done.stdout, done.stdout
