"""
The pytest plugin as its users meet it: in test suites of their own, each in a process of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

SHOP = """
import logging
from fastapi import FastAPI
from opentelemetry import metrics, trace
from otel_kit import Counter, Gauge, Histogram, setup_observability

app = FastAPI()
setup_observability(app)
orders_total = Counter("orders_total", "Orders taken.", ["status"])
stock = Gauge("stock", "Boxes in stock.", [])
order_seconds = Histogram("order_seconds", "Time of an order.", [])
tracer = trace.get_tracer("shop")
boxes = metrics.get_meter("shop").create_counter("boxes")

@app.get("/order")
async def order() -> str:
    with tracer.start_as_current_span("charge", attributes={"amount": 3}):
        logging.getLogger("shop").info("order_paid", extra={"password": "hunter2"})
    orders_total.labels(status="paid").inc()
    stock.set(7)
    order_seconds.observe(0.2)
    boxes.add(2, {"size": "big"})
    return "thanks"
"""

SYNC = """
from fastapi.testclient import TestClient
from shop import app

def order(client):
    assert client.get("/order").status_code == 200
"""

ASYNC = """
import httpx
import pytest
from shop import app

async def order():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        assert (await client.get("/order")).status_code == 200
"""


INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""


def run(directory: Path, test: str, *options: str) -> subprocess.CompletedProcess[str]:
    """
    A suite of one file, run to its end.
    """
    (directory / "shop.py").write_text(SHOP, encoding="utf-8")
    (directory / "test_shop.py").write_text(test, encoding="utf-8")
    (directory / "pytest.ini").write_text(INI, encoding="utf-8")
    return run_pytest(directory, *options)


def run_pytest(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """
    pytest with the plugin, which an installed package brings by itself.
    """
    installed = any(point.value == "otel_kit.testing" for point in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "otel_kit.testing"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, *options],
        cwd=directory,
        env={**kept, "PYTHONPATH": str(ROOT), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_test_sees_spans_logs_and_metrics(tmp_path: Path) -> None:
    """
    Of an application that was set up when its module was imported, secrets masked.
    """
    test = """
def test_order(telemetry):
    with TestClient(app) as client:
        order(client)
    assert ["charge", "GET /order"] == [span.name for span in telemetry.spans]
    assert 3 == telemetry.span("charge").attributes["amount"]
    assert "REDACTED" == telemetry.log("order_paid").extra["password"]
    assert "GET /order" == telemetry.span("GET /order").name
    assert 1 == telemetry.metrics.value("orders_total", status="paid")
    assert 7 == telemetry.metrics.value("stock")
    assert 1 == telemetry.metrics.value("order_seconds")
    assert 2 == telemetry.metrics.value("boxes_total", size="big") == telemetry.metrics.value("boxes", size="big")
    assert 1 == telemetry.metrics.changed()["orders_total", (("status", "paid"),)]
    assert [] == [name for name, _ in telemetry.metrics.changed() if name in ("stock", "target_info")]
    telemetry.clear()
    assert ([], [], 0) == (telemetry.spans, telemetry.logs, telemetry.metrics.value("orders_total", status="paid"))
"""
    done = run(tmp_path, SYNC + test)

    assert "1 passed" in done.stdout, done.stdout


def test_tests_do_not_see_each_other(tmp_path: Path) -> None:
    """
    Each begins with nothing, whatever ran before it in the same process, a failed test too.
    """
    test = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_order(telemetry, number):
    for _ in range(number + 1):
        order(TestClient(app))
    assert number + 1 == telemetry.metrics.value("orders_total", status="paid")
    assert number + 1 == len([one for one in telemetry.spans if one.name == "charge"])
    assert number + 1 == len([one for one in telemetry.logs if one.message == "order_paid"])
    assert number != 2

def test_afterwards(telemetry):
    assert ([], [], {}) == (telemetry.spans, telemetry.logs, telemetry.metrics.changed())
"""
    done = run(tmp_path, SYNC + test)

    assert "1 failed, 4 passed" in done.stdout, done.stdout
    assert "assert 2 != 2" in done.stdout


def test_async_tests_work(tmp_path: Path) -> None:
    """
    Each in an event loop of its own, under pytest-asyncio.
    """
    test = """
@pytest.mark.parametrize("number", range(3))
async def test_order(telemetry, number):
    await order()
    assert telemetry.span("charge").parent.span_id == telemetry.span("GET /order").context.span_id
    assert 1 == telemetry.metrics.value("orders_total", status="paid")
"""
    done = run(tmp_path, ASYNC + test)

    assert "3 passed" in done.stdout, done.stdout


def test_it_works_under_xdist(tmp_path: Path) -> None:
    """
    Several workers, each with a process and telemetry of its own.
    """
    test = """
@pytest.mark.parametrize("number", range(8))
async def test_order(telemetry, number):
    await order()
    assert 2 == len(telemetry.spans)
    assert 1 == telemetry.metrics.value("orders_total", status="paid")
"""
    done = run(tmp_path, ASYNC + test, "-n", "2")

    assert "8 passed" in done.stdout, done.stdout
    assert "" == done.stderr


def test_an_application_made_inside_a_test_is_seen(tmp_path: Path) -> None:
    """
    Also when it is the first of its process, and when a later test makes another.
    """
    test = """
import logging
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from otel_kit import setup_observability

@pytest.mark.parametrize("name", ["first", "second"])
def test_made_here(telemetry, name):
    app = FastAPI()
    setup_observability(app)
    app.get(f"/{name}")(lambda: logging.getLogger("shop").info(name))
    TestClient(app).get(f"/{name}")
    assert [f"GET /{name}"] == [span.name for span in telemetry.spans]
    assert name == telemetry.log(name).message
"""
    done = run(tmp_path, test)

    assert "2 passed" in done.stdout, done.stdout


def test_what_the_process_measures_of_itself_is_no_change(tmp_path: Path) -> None:
    """
    A collection of garbage in the middle of a test does not make it fail.
    """
    test = """
import gc

def test_quiet(telemetry):
    with TestClient(app) as client:
        order(client)
        telemetry.clear()
        gc.collect()
        assert {} == telemetry.metrics.changed()
"""
    done = run(tmp_path, SYNC + test)

    assert "1 passed" in done.stdout, done.stdout


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """
    After a test the providers, the log handler and the list of those who wait for a set-up are as they were.
    """
    test = """
from opentelemetry import metrics, trace
from otel_kit import runtime

def state():
    shared = runtime.current()
    processors = shared.telemetry.tracer_provider._active_span_processor._span_processors
    return (
        list(processors), shared.logs.handler.sink, list(runtime._watchers),
        trace.get_tracer_provider(), metrics.get_meter_provider(),
    )

before = state()

def test_order(telemetry):
    order(TestClient(app))
    assert before != state()

def test_fails(telemetry):
    order(TestClient(app))
    raise RuntimeError

def test_afterwards():
    assert before == state()
"""
    done = run(tmp_path, SYNC + test)

    assert "1 failed, 2 passed" in done.stdout, done.stdout


def test_a_wait_for_a_set_up_ends_with_the_test(tmp_path: Path) -> None:
    """
    A test that sets nothing up leaves no global, and an application of a later test is not told to it.
    """
    test = """
from opentelemetry import trace
from otel_kit import runtime

def test_quiet(telemetry):
    assert 1 == len(runtime._watchers)

def test_afterwards():
    assert ([], None) == (runtime._watchers, runtime.current())
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
"""
    done = run(tmp_path, test)

    assert "2 passed" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ('telemetry.span("refund")', "0 spans 'refund' among ['charge', 'GET /order']"),
        ('telemetry.log("order_lost")', "0 records 'order_lost' among ['otel_kit.started', 'order_paid', "),
    ],
)
def test_a_finder_that_finds_nothing_lists_what_there_is(tmp_path: Path, wanted: str, told: str) -> None:
    """
    The failure points at the line of the test, and not into the plugin.
    """
    done = run(tmp_path, SYNC + f"\n\ndef test_order(telemetry):\n    order(TestClient(app))\n    {wanted}\n")

    assert f"AssertionError: {told}" in done.stdout
    assert f">       {wanted}" in done.stdout
    assert "testing.py" not in done.stdout


def test_a_value_that_is_not_as_expected_shows_what_has_grown(tmp_path: Path) -> None:
    """
    A misspelt label is 0, and pytest's own explanation has the right one.
    """
    wanted = 'assert 1 == telemetry.metrics.value("orders_total", status="payd")'
    done = run(tmp_path, SYNC + f"\n\ndef test_order(telemetry):\n    order(TestClient(app))\n    {wanted}\n")

    assert "orders_total{status=paid} +1" in done.stdout


def test_a_finder_says_when_nothing_is_set_up(tmp_path: Path) -> None:
    """
    A plain application has nothing to show, and the failure says why.
    """
    done = run(tmp_path, "def test_order(telemetry):\n    telemetry.span('charge')\n")

    assert "no application of this process is set up: setup_observability(app)" in done.stdout


def test_the_example_passes(tmp_path: Path) -> None:
    """
    The test beside the smallest example, run as its first line says.
    """
    for name in ("hello.py", "test_hello.py"):
        shutil.copy(ROOT / "examples" / name, tmp_path)
    done = run_pytest(tmp_path, "test_hello.py")

    assert "1 passed" in done.stdout, done.stdout
