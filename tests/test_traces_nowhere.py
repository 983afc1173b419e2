"""
Exemplars where no trace leaves the process, each case in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import asyncio, sys
from fastapi import FastAPI
from opentelemetry import metrics, trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from otel_kit import setup_observability
from tests.asgi_client import call

if "set before" in sys.argv[1]:
    trace.set_tracer_provider(TracerProvider())
app = FastAPI()
if "the application's" in sys.argv[1]:
    app._telemetry["tracer_provider"] = TracerProvider()
kit = setup_observability(app)
if "processor" in sys.argv[1]:
    kit.tracer_provider.add_span_processor(SpanProcessor())
taken = metrics.get_meter("shop").create_counter("taken")

@app.get("/")
async def home() -> None:
    taken.add(1)

async def run() -> str:
    await call(app, path="/")
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    return (await call(app, path="/metrics", headers=accept)).body.decode()

page = asyncio.run(run())
print([name for name in ("http_requests_total", "taken_total") if any(
    line.startswith(name) and " # {" in line for line in page.splitlines())])
"""


def exemplars(case: str, exporter: str) -> str:
    """
    Which of two metrics have exemplars: one of the kit's, and an instrument of another library.
    """
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, case],
        env={**os.environ, "OTEL_TRACES_EXPORTER": exporter, "OTEL_METRICS_EXPORTER": "none", "LOG_LEVEL": "CRITICAL"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_no_exemplar_leads_to_a_trace_that_is_nowhere() -> None:
    """
    Where traces are switched off and nobody else takes the spans, the page has no exemplars.
    """
    assert "[]" == exemplars("alone", "none")


@pytest.mark.parametrize(
    ("case", "exporter"),
    [
        ("exported", "otlp"),
        ("a processor is added", "none"),
        ("another provider was set before", "none"),
        ("the application's own provider", "none"),
    ],
)
def test_exemplars_stay_where_somebody_may_have_the_traces(case: str, exporter: str) -> None:
    """
    An exporter, a processor or a provider of somebody else's may lead the trace anywhere.
    """
    assert "http_requests_total" in exemplars(case, exporter)
