"""
Test suites of others, as the pytest plugin meets them: each run by a pytest of its own, in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path

__all__ = ["ROOT", "SHOP", "run_pytest", "run_suite"]

ROOT = Path(__file__).parent.parent

NOWHERE = "http://127.0.0.1:9"

INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""

SHOP = """
import logging
from fastapi import FastAPI
from opentelemetry import metrics, trace
from otel_kit import Counter, Gauge, Histogram, setup_observability

orders_total = Counter("orders_total", "Orders taken.", ["status"])
stock = Gauge("stock", "Boxes in stock.", [])
order_seconds = Histogram("order_seconds", "Time of an order.", [])
tracer = trace.get_tracer("shop")
boxes = metrics.get_meter("shop").create_counter("boxes")

def make_app(**options):
    app = FastAPI()
    setup_observability(app, **options)

    @app.get("/order")
    async def order() -> str:
        with tracer.start_as_current_span("charge", attributes={"amount": 3}):
            logging.getLogger("shop").info("order_paid", extra={"password": "hunter2"})
        orders_total.labels(status="paid").inc()
        stock.set(7)
        order_seconds.observe(0.2)
        boxes.add(2, {"size": "big"})
        return "thanks"

    return app
"""
"""
A module `shop`: what it has of OpenTelemetry it got when it was imported, before anything was set up.
"""


def run_suite(
    directory: Path, tests: str, *options: str, modules: Mapping[str, str] | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """
    A suite of one file beside `shop` and other modules, run to its end.
    """
    for name, text in {"shop": SHOP, "test_shop": tests, **(modules or {})}.items():
        (directory / f"{name}.py").write_text(text, encoding="utf-8")
    (directory / "pytest.ini").write_text(INI, encoding="utf-8")
    return run_pytest(directory, *options, **environment)


def run_pytest(directory: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """
    pytest with the plugin, which an installed package brings by itself.
    """
    installed = any(point.value == "otel_kit.testing" for point in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "otel_kit.testing"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, *options],
        cwd=directory,
        env={**kept, "PYTHONPATH": str(ROOT), "OTEL_EXPORTER_OTLP_ENDPOINT": NOWHERE, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
