"""
The pytest plugin as its users meet it: in test suites of their own, each in a process of its own.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .suites import ROOT, run_pytest, run_suite

SET_UP = """
from shop import make_app
app = make_app()
"""

SYNC = f"""
from fastapi.testclient import TestClient
{SET_UP}
def order(client):
    assert client.get("/order").status_code == 200
"""

ASYNC = f"""
import httpx
import pytest
{SET_UP}
async def order():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        assert (await client.get("/order")).status_code == 200
"""


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
    done = run_suite(tmp_path, SYNC + test)

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
    done = run_suite(tmp_path, SYNC + test)

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
    done = run_suite(tmp_path, ASYNC + test)

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
    done = run_suite(tmp_path, ASYNC + test, "-n", "2")

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
    done = run_suite(tmp_path, test)

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
    done = run_suite(tmp_path, SYNC + test)

    assert "1 passed" in done.stdout, done.stdout


def test_nobody_listens_afterwards(tmp_path: Path) -> None:
    """
    After a test the providers and the log handler of an application that was set up before are as they were.
    """
    test = """
from opentelemetry import metrics, trace
from otel_kit import runtime

def state():
    shared = runtime.current()
    processors = shared.telemetry.tracer_provider._active_span_processor._span_processors
    return list(processors), shared.logs.handler.sink, trace.get_tracer_provider(), metrics.get_meter_provider()

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
    done = run_suite(tmp_path, SYNC + test)

    assert "1 failed, 2 passed" in done.stdout, done.stdout


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
    done = run_suite(tmp_path, SYNC + f"\n\ndef test_order(telemetry):\n    order(TestClient(app))\n    {wanted}\n")

    assert f"AssertionError: {told}" in done.stdout
    assert f">       {wanted}" in done.stdout
    assert "captured.py" not in done.stdout


def test_a_value_that_is_not_as_expected_shows_what_has_grown(tmp_path: Path) -> None:
    """
    A misspelt label is 0, and pytest's own explanation has the right one.
    """
    wanted = 'assert 1 == telemetry.metrics.value("orders_total", status="payd")'
    done = run_suite(tmp_path, SYNC + f"\n\ndef test_order(telemetry):\n    order(TestClient(app))\n    {wanted}\n")

    assert "orders_total{status=paid} +1" in done.stdout


def test_a_finder_says_when_nothing_is_set_up(tmp_path: Path) -> None:
    """
    A plain application has nothing to show, and the failure says why.
    """
    done = run_suite(tmp_path, "def test_order(telemetry):\n    telemetry.span('charge')\n")

    assert "no application of this process is set up: setup_observability(app)" in done.stdout


def test_the_example_passes(tmp_path: Path) -> None:
    """
    The test beside the smallest example, run as its first line says.
    """
    for name in ("hello.py", "test_hello.py"):
        shutil.copy(ROOT / "examples" / name, tmp_path)
    done = run_pytest(tmp_path, "test_hello.py")

    assert "1 passed" in done.stdout, done.stdout
