"""
`otel-kit doctor` as a user runs it: statuses, both forms of its output, and what it never shows.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.doctor.asking import doctor, document
from tests.otlp_receiver import OtlpReceiver

SECRETS = {
    "SENTRY_DSN": "https://planted-dsn@sentry.example/7",
    "OTEL_KIT_RATELIMIT_STORAGE_URL": "redis://planted-user:planted-pass@127.0.0.1:9/0?password=planted-query",
    "OTEL_KIT_METRICS_TOKEN": "planted-metrics-token",
    "OTEL_KIT_API_KEYS": f"bob:free:{'5' * 32}{'d' * 32}",
    "OTEL_KIT_JWT_KEY": "planted-jwt-key",
    "OTEL_KIT_METRICS_TOKNE": "planted-misspelt",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20planted-header",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://planted-login:planted-word@127.0.0.1:9/v1/traces?key=planted-key",
    "OTEL_RESOURCE_ATTRIBUTES": "api.key=planted-attribute",
    "DD_API_KEY": "planted-datadog",
    "OTLP_FORWARD_ENDPOINT": "http://planted-name:planted-gateway@127.0.0.1:9",
    "OTLP_FORWARD_HEADERS": "x-token=planted-forward",
    "OTEL_KIT_COLLECTOR_TOKEN": "planted-collector",
    "SENTRY_DNS": "planted-dns",
    "ENVIRONMENT": "password=planted-text",
}

BAD_SECRETS = {
    "SENTRY_DSN": "planted-dsn",
    "OTEL_KIT_RATELIMIT_STORAGE_URL": "planted-storage",
    "OTEL_KIT_METRICS_TOKEN": "planted token",
    "OTEL_KIT_API_KEYS": "planted-keys",
    "OTEL_KIT_JWT_KEY": "/planted/key.pem",
    "OTEL_EXPORTER_OTLP_HEADERS": "planted header",
    "OTLP_FORWARD_ENDPOINT": "ann:planted-gateway@",
    "OTLP_FORWARD_HEADERS": "planted forward",
}


def test_a_good_environment_is_status_0(tmp_path: Path) -> None:
    """
    Warnings are no errors: limits that are off, a Collector that is configured here and does not run.
    """
    with OtlpReceiver() as receiver:
        done = doctor(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, RATELIMIT_ENABLED="false")

    assert (0, "") == (done.returncode, done.stderr)
    assert "0 errors, 2 warnings" in done.stdout


def test_an_error_is_status_1(tmp_path: Path) -> None:
    """
    A value that would stop the start, for one.
    """
    assert 1 == doctor(tmp_path, LOG_LEVEL="LOUD").returncode


@pytest.mark.parametrize("arguments", [["main"], ["main:app", "--app-dir", "missing"], ["--colour"]])
def test_what_is_not_understood_is_status_2(tmp_path: Path, arguments: list[str]) -> None:
    """
    A target without a colon, a directory that is not there, an option that does not exist.
    """
    done = doctor(tmp_path, *arguments)

    assert (2, "") == (done.returncode, done.stdout)
    assert "usage: otel-kit " in done.stderr


@pytest.mark.parametrize("variable", ["OTEL_PROPAGATORS", "OTEL_PYTHON_CONTEXT"])
def test_what_stops_fastapi_is_named(tmp_path: Path, variable: str) -> None:
    """
    The command lives, says so with a remedy, and goes on to look at the application.
    """
    (tmp_path / "main.py").write_text("from fastapi import FastAPI\napp = FastAPI()\n", encoding="utf-8")

    done = document(tmp_path, "main:app", **{variable: "nobody"})

    (found,) = (one for one in done["findings"] if variable in one["what"])
    assert "error" == found["level"]
    assert f"{variable}='nobody'" in found["what"]
    assert "which stops `import fastapi` itself" in found["what"]
    assert found["remedy"]
    assert "FastAPI" == done["application"]["title"]


def test_no_line_is_longer_than_a_hundred_columns(tmp_path: Path) -> None:
    """
    With every setting shown, long values too.
    """
    done = doctor(tmp_path, "--all", CORS_ORIGINS=",".join(f"https://shop-{number}.example" for number in range(30)))

    assert [] == [line for line in done.stdout.splitlines() if len(line) > 100]
    assert "OTEL_KIT_SHUTDOWN_TIMEOUT = 5  [default]" in done.stdout


def test_settings_at_their_default_are_folded(tmp_path: Path) -> None:
    """
    Their number is said, and how to see them.
    """
    done = doctor(tmp_path, LOG_LEVEL="DEBUG")

    assert "LOG_LEVEL = DEBUG  [environment]" in done.stdout
    assert "Least severe level that is logged." in done.stdout
    assert "OTEL_KIT_SHUTDOWN_TIMEOUT" not in done.stdout
    assert "at the default; --all shows them" in done.stdout


def test_the_document_has_everything(tmp_path: Path) -> None:
    """
    One JSON document: findings, settings with origin and effect, reachability, places, versions.
    """
    found = document(tmp_path, LOG_LEVEL="debug")

    (level,) = (row for row in found["settings"] if row["variable"] == "LOG_LEVEL")
    assert {
        "version",
        "findings",
        "counts",
        "settings",
        "reachability",
        "places",
        "versions",
        "target",
        "application",
    } == (set(found))
    assert {
        "variable": "LOG_LEVEL",
        "group": "kit",
        "value": "debug",
        "origin": "environment",
        "effect": "Least severe level that is logged.",
        "beats_file": False,
    } == level
    assert {"level", "area", "what", "remedy"} == set(found["findings"][0])
    assert {"error", "warning", "info"} == set(found["counts"])
    assert {"traces", "metrics", "logs", "collector"} == {one["target"] for one in found["reachability"]}
    assert {"fastapi", "starlette", "opentelemetry-sdk", "python"} <= {one["name"] for one in found["versions"]}
    assert (None, None) == (found["target"], found["application"])


REPEATED_SECRETS = {
    # each of these is quoted by a finding: whole, in a path, with its blank taken out, or without the login
    "OTEL_KIT_COLLECTOR_GATEWAYS": "http://user:planted-word@127.0.0.1:9/p",
    "OTEL_KIT_COLLECTOR_TLS_CERT": "https://user:planted-word@127.0.0.1/cert.pem",
    "OTEL_KIT_FILE_DIR": "/dev/null/redis://user:planted-word@127.0.0.1:9/0",
    "TEMPO_OTLP_ENDPOINT": "Bearer planted-7f3b9c21d4e8",
    "LOKI_ENDPOINT": "redis://:planted-word@127.0.0.1:9/0?password=planted-query",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "Bearer planted-8a4c1e90b7f2",
    "ENVIRONMENT": "authorization=Bearer planted-9b5d2f81c6a3",
    "OTEL_RESOURCE_ATTRIBUTES": "authorization=Bearer planted-1c6e3a92d5b4",
}


@pytest.mark.parametrize("planted", [SECRETS, BAD_SECRETS, REPEATED_SECRETS], ids=["good", "bad", "repeated"])
@pytest.mark.parametrize("options", [["--all"], ["--json"]], ids=["text", "json"])
def test_no_secret_is_shown(tmp_path: Path, planted: dict[str, str], options: list[str]) -> None:
    """
    Of any variable, well formed or not, in the environment and in `.env`, in an application's own error too.
    """
    (tmp_path / ".env").write_text("OTEL_KIT_METRICS_TOKEN=planted-in-file\n", encoding="utf-8")
    (tmp_path / "main.py").write_text("raise RuntimeError('planted-in-code')\n", encoding="utf-8")

    done = doctor(tmp_path, "main:app", *options, **planted)

    assert 1 == done.returncode
    assert "REDACTED" in done.stdout
    assert [] == [line for line in done.stdout.splitlines() if "planted-" in line or "planted " in line]
    assert "5" * 32 not in done.stdout
    assert "" == done.stderr


def test_an_unreadable_env_file_is_an_error_and_the_rest_is_judged(tmp_path: Path) -> None:
    """
    The line that set-up would give.
    """
    (tmp_path / ".env").write_bytes(b"LOG_LEVEL=\xff\xfe\n")

    found = document(tmp_path, OTEL_KIT_ENGINE="steam")

    assert [".env='UnicodeDecodeError' can't be used", "OTEL_KIT_ENGINE='steam' can't be used"] == [
        one["what"] for one in found["findings"] if one["area"] == "settings"
    ]
