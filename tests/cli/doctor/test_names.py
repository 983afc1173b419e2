"""
Misspelt names, each with the nearest known one.
"""

from __future__ import annotations

import pytest

from otel_kit.cli.doctor.names import judge_names
from otel_kit.cli.doctor.sources import Sources


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("LOG_LEVL", "LOG_LEVEL"),
        ("log_level", "LOG_LEVEL"),
        ("CORS_ORIGIN", "CORS_ORIGINS"),
        ("RATE_LIMIT_ENABLED", "RATELIMIT_ENABLED"),
        ("ENABLE_JSON_LOGING", "ENABLE_JSON_LOGGING"),
        ("SENTRY_DNS", "SENTRY_DSN"),
        ("OTEL_EXPORTER_OTLP_ENDPONT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("OTEL_SERVICENAME", "OTEL_SERVICE_NAME"),
        ("OTEL_TRACE_SAMPLER", "OTEL_TRACES_SAMPLER"),
        ("OTEL_KIT_SHUTDOWN_TIMEOUTS", "OTEL_KIT_SHUTDOWN_TIMEOUT"),
        ("OTEL_KIT_TRUSTED_PROXY", "OTEL_KIT_TRUSTED_PROXIES"),
        ("OTELKIT_ENGINE", "OTEL_KIT_ENGINE"),
        ("otel_kit_engine", "OTEL_KIT_ENGINE"),
        ("LOKI_ENDPIONT", "LOKI_ENDPOINT"),
        ("TEMPO_ENDPOINT", "TEMPO_OTLP_ENDPOINT"),
    ],
)
@pytest.mark.parametrize("in_file", [False, True], ids=["environment", "file"])
def test_a_misspelt_name_has_a_suggestion(written: str, meant: str, in_file: bool) -> None:
    """
    One finding each, in the environment and in `.env`, without the value.
    """
    variables = {written: "a-value"}
    (found,) = judge_names(Sources({}, variables) if in_file else Sources(variables, {}))

    assert "warning" == found.level
    assert written in found.what
    assert meant in found.remedy
    assert "a-value" not in found.what + found.remedy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PHP_VERSION", "8"),
        ("API_VERSION", "2"),
        ("HOSTTYPE", "x86_64"),
        ("LOGNAME", "ann"),
        ("DD_APP_KEY", "x"),
        ("PATH", "/bin"),
        ("OTEL_KIT_PORT", "tcp://10.0.0.1:80"),
        ("OTEL_PYTHON_LOG_CORRELATION", "true"),
        ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true"),
        ("LOG_LEVEL", "INFO"),
        ("OTEL_KIT_QUEUE_DIR", "queue"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "10"),
    ],
)
def test_names_of_others_are_left_alone(name: str, value: str) -> None:
    """
    What is known, what Kubernetes makes, and what other programs read.
    """
    assert [] == judge_names(Sources({name: value}, {}))


def test_a_name_that_nobody_reads_is_said() -> None:
    """
    With the specification's prefix and far from any known name.
    """
    (found,) = judge_names(Sources({"OTEL_FANCY_NEW_THING": "1"}, {}))

    assert ("info", "OTEL_FANCY_NEW_THING is not read by otel_kit") == (found.level, found.what)


@pytest.mark.parametrize("name", ["OTEL_KIT_XYZZY", "OTEL_KIT_FOO", "OTEL_XYZZY"])
def test_a_name_that_is_near_none_has_no_suggestion(name: str) -> None:
    """
    A guess would send its reader to a variable that has nothing to do with it.
    """
    (found,) = judge_names(Sources({name: "1"}, {}))

    assert name in found.what
    assert found.remedy.startswith("unset it")
    assert "nearest" not in found.remedy


def test_a_name_of_the_specification_may_be_near_one() -> None:
    """
    Too far to ask whether it was meant, near enough to be told.
    """
    (found,) = judge_names(Sources({"OTEL_TRACES_SAMPLING": "1"}, {}))

    assert ("info", "unset it unless others need it; the nearest name is OTEL_TRACES_SAMPLER") == (
        found.level,
        found.remedy,
    )
