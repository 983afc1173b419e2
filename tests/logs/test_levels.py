"""
Levels by name.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from otel_kit.errors import ConfigurationError
from otel_kit.logs.levels import level_number, set_log_level


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """
    A logger that is as before when the test is over.
    """
    found = logging.getLogger("levels.test")
    yield found
    found.setLevel(logging.NOTSET)


@pytest.mark.parametrize(
    ("expected", "level"),
    [(20, "info"), (20, "INFO"), (30, "Warn"), (30, "warning"), (50, "fatal"), (5, "trace"), (40, 40), (15, "15")],
)
def test_reads_levels(expected: int, level: str | int) -> None:
    """
    Python's names and pino's, in any case, and numbers.
    """
    assert expected == level_number(level)


@pytest.mark.parametrize("level", ["loud", "", "-1", -1, True, "99999"])
def test_refuses_other_words(level: str | int) -> None:
    """
    The error names the variable, the value and what would do.
    """
    with pytest.raises(ConfigurationError, match=r"LOG_LEVEL=.*write one of debug, info"):
        level_number(level)


def test_changes_one_logger(logger: logging.Logger) -> None:
    """
    A level holds at once, for the logger named.
    """
    set_log_level("debug", "levels.test")
    assert logger.isEnabledFor(logging.DEBUG)
    set_log_level("notset", "levels.test")

    assert logging.NOTSET == logger.level


def test_changes_the_root() -> None:
    """
    Without a name it is the root logger's, which all others follow.
    """
    set_log_level("error")

    assert not logging.getLogger("levels.test").isEnabledFor(logging.WARNING)
