"""
Bad settings, each in a process of its own: the specification's are warned about, the kit's own stop the start.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BAD_OTEL = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "not a url",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "ftp://x:y",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "carrier-pigeon",
    "OTEL_EXPORTER_OTLP_COMPRESSION": "zip",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "-5",
    "OTEL_EXPORTER_OTLP_HEADERS": "=x,,\x01",
    "OTEL_EXPORTER_OTLP_CERTIFICATE": "missing.pem",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY": "missing.key",
    "OTEL_BSP_MAX_QUEUE_SIZE": "-1",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "100000",
    "OTEL_BSP_SCHEDULE_DELAY": "soon",
    "OTEL_BLRP_MAX_QUEUE_SIZE": "many",
    "OTEL_TRACES_SAMPLER": "sometimes",
    "OTEL_TRACES_SAMPLER_ARG": "7",
    "OTEL_RESOURCE_ATTRIBUTES": "no-equals-sign",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "-5",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "-1",
    "OTEL_SPAN_EVENT_COUNT_LIMIT": "x",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "-2",
    "OTEL_TRACES_EXPORTER": "pigeon",
    "OTEL_METRIC_EXPORT_INTERVAL": "0",
    "OTEL_METRICS_EXEMPLAR_FILTER": "rarely",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "backwards",
}
NEEDS = {"OTEL_TRACES_SAMPLER_ARG": {"OTEL_TRACES_SAMPLER": "traceidratio"}}

BAD_OWN = {
    "LOG_LEVEL": "LOUD",
    "RATELIMIT_ENABLED": "perhaps",
    "ENABLE_JSON_LOGGING": "2",
    "OTEL_KIT_ENGINE": "steam",
    "OTEL_KIT_PROFILE": "nobody",
    "OTEL_KIT_TRUSTED_PROXIES": "10.0.0.0/99",
    "OTEL_KIT_TRUST_TRACEPARENT": "friends",
    "OTEL_KIT_SHUTDOWN_TIMEOUT": "-1",
    "OTEL_KIT_MAX_BODY_BYTES": "ten",
    "CORS_ORIGINS": "not-an-origin",
}

SCRIPT = """
import asyncio, sys
from fastapi import FastAPI
from otel_kit import OtelKitError, setup_observability
from tests.asgi_client import call

app = FastAPI()

@app.get("/items/{n}")
async def read(n: int) -> int:
    return n

try:
    kit = setup_observability(app)
except OtelKitError as error:
    sys.exit(f"refused: {error}")

async def drive() -> None:
    answer = await call(app, path="/items/1")
    page = await call(app, path="/metrics")
    counted = b'http_requests_total{method="GET",endpoint="/items/{n}",status_code="200"} 1' in page.body
    sys.stderr.write(f"ANSWER {answer.status} {counted}\\n")  # the log's thread writes standard output
    await kit.shutdown(1)

asyncio.run(drive())
"""


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    """
    Set up, ask once, read the page, in a fresh process.
    """
    base = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    root = Path(__file__).resolve().parent.parent
    return subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**base, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", **environment},
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("variable", BAD_OTEL)
def test_a_bad_standard_value_warns_once_and_the_service_serves(variable: str) -> None:
    """
    One warning names the variable; the service starts, answers and counts.
    """
    done = run(**{variable: BAD_OTEL[variable], **NEEDS.get(variable, {})})

    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    warnings = [line for line in lines if line["message"] == "otel_kit.setting_ignored"]
    assert "ANSWER 200 True" in done.stderr
    assert [variable] == [name for name in (variable,) for w in warnings if name in w["finding"]]
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("variable", BAD_OWN)
def test_a_bad_documented_value_is_one_error_line(variable: str) -> None:
    """
    The start stops with one line: variable, value and remedy.
    """
    done = run(**{variable: BAD_OWN[variable]})

    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("refused: ")
    assert variable in line
    assert BAD_OWN[variable] in line


def test_a_bad_secret_is_not_shown() -> None:
    """
    The value of a secret stands in no error.
    """
    done = run(OTEL_KIT_API_KEYS="name:tier:notahash-hunter2hunter2")

    assert done.returncode == 1
    assert "OTEL_KIT_API_KEYS" in done.stderr
    assert "hunter2" not in done.stderr


def test_an_unknown_name_is_a_warning_with_the_nearest() -> None:
    """
    A misspelled variable of the kit's own is said, with what was probably meant.
    """
    done = run(OTEL_KIT_METRICS_TOKN="x")

    assert "OTEL_KIT_METRICS_TOKEN" in done.stdout
    assert "ANSWER 200 True" in done.stderr


def test_a_disabled_sdk_still_counts_and_logs() -> None:
    """
    `OTEL_SDK_DISABLED=true`: no spans, no export; page, lines and ids go on.
    """
    done = run(OTEL_SDK_DISABLED="true")

    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    (line,) = [one for one in lines if one["message"] == "request_completed"]
    assert "ANSWER 200 True" in done.stderr
    assert len(line["correlation_id"]) == 36
    assert "trace_id" not in line


@pytest.mark.parametrize("sampler", ["always_off", "traceidratio"])
def test_an_unsampled_request_is_counted_logged_and_carries_the_id(sampler: str) -> None:
    """
    The sampler decides on the span alone.
    """
    done = run(OTEL_TRACES_SAMPLER=sampler, OTEL_TRACES_SAMPLER_ARG="0")

    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    (line,) = [one for one in lines if one["message"] == "request_completed"]
    assert "ANSWER 200 True" in done.stderr
    assert (36, 32) == (len(line["correlation_id"]), len(line["trace_id"]))
