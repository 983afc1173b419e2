"""
The goblin profile, to the letter: documented metric lines, handles and the request line.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import asyncio, sys
from fastapi import FastAPI
from otel_kit import setup_observability
from otel_kit.profiles.goblin import (
    chat_completion_errors_total, chat_completion_tokens_total, chat_completions_total, http_errors_total,
    provider_latency_seconds, service_health_status,
)
from tests.asgi_client import call

app = FastAPI()
kit = setup_observability(app, service_name="goblin_assistant")

@app.post("/chat/completions")
async def chat() -> dict[str, str]:
    return {"answer": "yes"}

async def drive() -> None:
    for _ in range(42):
        await call(app, method="POST", path="/chat/completions")
    http_errors_total.labels(method="POST", endpoint="/chat/completions", error_type="TimeoutError").inc()
    chat_completions_total.labels(provider="openai", model="gpt-4").inc(100)
    chat_completion_tokens_total.labels(provider="openai", model="gpt-4", token_type="prompt").inc(50000)
    chat_completion_errors_total.labels(provider="anthropic", error_type="rate_limit").inc(5)
    provider_latency_seconds.labels(provider="openai", operation="chat_completion").observe(1.234)
    service_health_status.labels(service_name="chroma").set(1)
    service_health_status.labels(service_name="sandbox").set(0)
    sys.stderr.write((await call(app, path="/metrics")).body.decode())
    await kit.shutdown(1)

asyncio.run(drive())
"""

DOCUMENTED_LINES = (
    'http_requests_total{method="POST",endpoint="/chat/completions",status_code="200"} 42',
    'http_request_duration_seconds_bucket{method="POST",endpoint="/chat/completions",le="1.0"} 42',
    'http_errors_total{method="POST",endpoint="/chat/completions",error_type="TimeoutError"} 1',
    'chat_completions_total{provider="openai",model="gpt-4"} 100',
    'chat_completion_tokens_total{provider="openai",model="gpt-4",token_type="prompt"} 50000',
    'chat_completion_errors_total{provider="anthropic",error_type="rate_limit"} 5',
    'provider_latency_seconds_sum{provider="openai",operation="chat_completion"} 1.234',
    'service_health_status{service_name="chroma"} 1',
    'service_health_status{service_name="sandbox"} 0',
)
DOCUMENTED_TYPES = {
    "http_requests_total": "counter",
    "http_request_duration_seconds": "histogram",
    "http_requests_in_progress": "gauge",
    "http_errors_total": "counter",
    "chat_completions_total": "counter",
    "chat_completion_tokens_total": "counter",
    "chat_completion_errors_total": "counter",
    "provider_latency_seconds": "histogram",
    "service_health_status": "gauge",
}
REQUEST_LINE = [
    "timestamp",
    "level",
    "logger",
    "message",
    "correlation_id",
    "method",
    "path",
    "status_code",
    "duration_ms",
]


@pytest.fixture(scope="module")
def service() -> subprocess.CompletedProcess[str]:
    """
    A service that was asked 42 times: lines on standard output, then its page on standard error.
    """
    return subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).resolve().parent.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


@pytest.fixture(scope="module")
def output(service: subprocess.CompletedProcess[str]) -> list[str]:
    """
    Standard output, by lines.
    """
    return service.stdout.splitlines()


@pytest.fixture(scope="module")
def page(service: subprocess.CompletedProcess[str]) -> list[str]:
    """
    The lines of /metrics.
    """
    return service.stderr.splitlines()


@pytest.mark.parametrize("line", DOCUMENTED_LINES)
def test_documented_lines_stand_on_the_page(page: list[str], line: str) -> None:
    """
    Name, labels, their order, and the form of the value are as documented.
    """
    assert line in page


@pytest.mark.parametrize("name", DOCUMENTED_TYPES)
def test_documented_metrics_have_their_type(page: list[str], name: str) -> None:
    """
    Each documented metric is there with its type and a help text.
    """
    assert f"# TYPE {name} {DOCUMENTED_TYPES[name]}" in page
    assert any(line.startswith(f"# HELP {name} ") for line in page)


def test_no_created_series(page: list[str]) -> None:
    """
    The page has no series that the documents don't have.
    """
    assert not [line for line in page if "_created" in line]


def test_the_request_line_has_the_documented_fields(output: list[str]) -> None:
    """
    Fields, their order and their types are as documented.
    """
    lines = [json.loads(line) for line in output if line.startswith("{")]
    requests = [line for line in lines if line["message"] == "request_completed"]

    assert len(requests) == 42
    first = requests[0]
    assert list(first)[: len(REQUEST_LINE)] == REQUEST_LINE
    assert (first["level"], first["logger"], first["method"]) == ("INFO", "goblin_assistant", "POST")
    assert (first["path"], first["status_code"]) == ("/chat/completions", 200)
    assert round(first["duration_ms"], 2) == first["duration_ms"]
    assert len(first["timestamp"]) == len("2025-12-02T10:30:45.123Z")
    assert first["timestamp"].endswith("Z")


def test_every_line_of_the_output_is_json(output: list[str]) -> None:
    """
    Nothing but JSON stands on standard output.
    """
    assert len(output) >= 42
    assert all(json.loads(line) for line in output)
