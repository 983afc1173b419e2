"""
Levels by name, and changing them while the service runs.

Owns which words are levels. Python's own names and those of pino count, in any case.
"""

from __future__ import annotations

import logging

from otel_kit.errors import ConfigurationError

__all__ = ["LEVEL_NAMES", "level_number", "set_log_level"]

TRACE = 5

LEVEL_NAMES = {
    "NOTSET": logging.NOTSET,
    "TRACE": TRACE,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "WARNING": logging.WARNING,
    "ERROR": logging.ERROR,
    "FATAL": logging.CRITICAL,
    "CRITICAL": logging.CRITICAL,
}


def level_number(level: str | int, variable: str = "LOG_LEVEL") -> int:
    """
    The level as `logging` counts.

    Args:
        level: A name in any case, or a number, also as text.
        variable: Named in the error.

    Raises:
        ConfigurationError: There is no such level.
    """
    if isinstance(level, int) and not isinstance(level, bool) and level >= 0:
        return level
    text = str(level).strip().upper()
    found = LEVEL_NAMES.get(text, int(text) if text.isdecimal() and len(text) < 4 else None)
    if found is None:
        raise ConfigurationError(variable, level, "write one of debug, info, warning, error, critical, trace, fatal")
    return found


def set_log_level(level: str | int, logger: str | None = None) -> None:
    """
    Change a level while the service runs; safe in any thread, in force at once.

    Args:
        level: `"debug"`, `"INFO"`, `logging.WARNING`, …; `"notset"` lets a logger follow its parent again.
        logger: Its name. None is the root logger, which uvicorn and the libraries follow.

    Raises:
        ConfigurationError: There is no such level.
    """
    logging.getLogger(logger).setLevel(level_number(level, "level"))
