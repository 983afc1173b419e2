"""
Values that can't be used, and where values come from.
"""

from __future__ import annotations

import pytest

from otel_kit import ConfigurationError, Settings
from otel_kit.cli.doctor.rows import setting_rows
from otel_kit.cli.doctor.sources import Sources
from otel_kit.cli.doctor.values import judge_values
from tests.cli.doctor.asking import lines
from tests.test_bad_settings import BAD_OTEL, BAD_OWN, NEEDS


def judged(environ: dict[str, str], file: dict[str, str] | None = None) -> list[str]:
    """
    The findings as lines.
    """
    return lines(judge_values(Sources(environ, file or {})).remarks)


@pytest.mark.parametrize("variable", sorted(BAD_OWN))
def test_a_bad_value_has_the_line_of_set_up(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Variable, value and remedy are those of the error that would stop the start.
    """
    monkeypatch.setenv(variable, BAD_OWN[variable])
    with pytest.raises(ConfigurationError) as stopped:
        Settings()

    assert [f"error: {stopped.value}"] == judged({variable: BAD_OWN[variable]})


def test_all_bad_values_are_listed() -> None:
    """
    Not only the first.
    """
    assert sorted(BAD_OWN) == sorted(line.split("=")[0].removeprefix("error: ") for line in judged(BAD_OWN))


@pytest.mark.parametrize("variable", sorted(BAD_OTEL))
def test_a_bad_value_of_the_specification_is_a_warning(variable: str) -> None:
    """
    It counts as unset, so the service starts.
    """
    found = judged({variable: BAD_OTEL[variable], **NEEDS.get(variable, {})})

    assert 1 <= len(found)
    assert all(line.startswith("warning: ignored: ") for line in found)
    assert f"{variable}=" in found[0]


def test_a_bad_value_of_the_collector_is_an_error() -> None:
    """
    The line that its launcher would give; several at once.
    """
    found = judged({"LOKI_ENDPOINT": "loki:3100", "OTEL_KIT_GRPC_PORT": "99999"})

    assert 2 == len(found)
    assert any("OTEL_KIT_GRPC_PORT=99999: is no port: write a number" in line for line in found)
    assert any("LOKI_ENDPOINT=loki:3100: is no base URL" in line for line in found)


def test_the_collector_does_not_read_the_file() -> None:
    """
    A variable of its own in `.env` is said to have no effect.
    """
    (found,) = judged({}, {"LOKI_ENDPOINT": "http://127.0.0.1:3100"})

    assert found.startswith("warning: LOKI_ENDPOINT in .env has no effect")


def test_propagators_in_the_file_come_too_late() -> None:
    """
    They are read when FastAPI is imported, before anything reads the file.
    """
    (found,) = judged({}, {"OTEL_PROPAGATORS": "none"})

    assert found.startswith("warning: OTEL_PROPAGATORS in .env has no effect")


def test_what_is_good_counts_beside_what_is_bad() -> None:
    """
    The other settings are judged as if the bad ones were not there.
    """
    found = judge_values(
        Sources({"LOG_LEVEL": "LOUD", "OTEL_KIT_ENGINE": "contrib", "OTEL_BSP_MAX_QUEUE_SIZE": "x"}, {})
    )

    assert ("INFO", "contrib", 2048) == (
        found.settings.log_level,
        found.settings.engine,
        found.otel.span_queue.max_items,
    )
    assert ("LOG_LEVEL",) == found.unusable


def test_the_environment_beats_the_file() -> None:
    """
    Each row tells where its value comes from; blank values count as unset.
    """
    sources = Sources(
        {"LOG_LEVEL": "DEBUG", "ENVIRONMENT": " ", "APP_VERSION": "2"},
        {"LOG_LEVEL": "ERROR", "ENVIRONMENT": "staging", "APP_VERSION": "2"},
    )
    rows = {row.variable: row for row in setting_rows(sources)}

    assert ("DEBUG", "environment", True) == (
        rows["LOG_LEVEL"].value,
        rows["LOG_LEVEL"].origin,
        rows["LOG_LEVEL"].beats_file,
    )
    assert ("staging", ".env") == (rows["ENVIRONMENT"].value, rows["ENVIRONMENT"].origin)
    assert not rows["APP_VERSION"].beats_file
    assert ("goblin", "default") == (rows["OTEL_KIT_PROFILE"].value, rows["OTEL_KIT_PROFILE"].origin)


def test_every_row_has_an_effect() -> None:
    """
    Each variable once, the Collector's when one of them is set.
    """
    rows = setting_rows(Sources({"LOKI_ENDPOINT": "http://127.0.0.1:3100"}, {}))
    names = [row.variable for row in rows]

    assert len(set(names)) == len(names)
    assert [] == [row.variable for row in rows if not row.effect]
    assert {"kit", "opentelemetry", "collector"} == {row.group for row in rows}
    assert "OTEL_KIT_QUEUE_DIR" in names


def test_the_collectors_rows_are_left_out_where_it_is_not_used() -> None:
    """
    A service without a Collector beside it need not read about one.
    """
    assert {"kit", "opentelemetry"} == {row.group for row in setting_rows(Sources({}, {}))}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://ann:p%40ss@cache:6379/2?password=x", "redis://REDACTED@cache:6379/2?REDACTED"),
        ("redis+sentinel://:pa/ss@one:26379,two:26379/main", "redis+sentinel://REDACTED@one:26379,two:26379/main"),
        ("my-password", "REDACTED"),
    ],
)
def test_a_storage_is_shown_without_its_password(url: str, shown: str) -> None:
    """
    Scheme, host and path are worth seeing; what is no URL may be a password alone.
    """
    rows = {row.variable: row for row in setting_rows(Sources({"OTEL_KIT_RATELIMIT_STORAGE_URL": url}, {}))}

    assert shown == rows["OTEL_KIT_RATELIMIT_STORAGE_URL"].value
