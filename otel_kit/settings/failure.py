"""
From pydantic's report to the one line a user reads.

Owns what of a bad setting may be shown: a secret's value never is, nor one of an unknown
field, which may be a misspelled secret.
"""

from __future__ import annotations

import difflib

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

from otel_kit.environment import MASK
from otel_kit.environment.findings import shown
from otel_kit.errors import ConfigurationError
from otel_kit.settings.source import metadata, variable_of_field

__all__ = ["configuration_error", "configuration_errors", "unreadable_env_file"]


def configuration_error(cls: type[BaseSettings], report: ValidationError) -> ConfigurationError:
    """
    The first problem in full, the others by name.
    """
    problems = _first_of_each(report)
    name, first = next(iter(problems.items()))
    others = [variable_of_field(cls, other) for other in problems if other != name]
    more = f" (and {len(others)} more: {', '.join(others)})" if others else ""
    value = _shown_value(cls, name, first["input"])
    return ConfigurationError(variable_of_field(cls, name), value, _remedy(cls, name, first) + more)


def configuration_errors(cls: type[BaseSettings], report: ValidationError) -> dict[str, ConfigurationError]:
    """
    Every problem in full, by field.
    """
    return {
        name: ConfigurationError(
            variable_of_field(cls, name), _shown_value(cls, name, problem["input"]), _remedy(cls, name, problem)
        )
        for name, problem in _first_of_each(report).items()
    }


def unreadable_env_file(path: object, error: Exception) -> ConfigurationError:
    """
    The error for a `.env` that is there and can't be read.
    """
    return ConfigurationError(str(path), type(error).__name__, "write NAME=value lines in UTF-8, or remove the file")


def _first_of_each(report: ValidationError) -> dict[str, ErrorDetails]:
    problems: dict[str, ErrorDetails] = {}
    for problem in report.errors(include_url=False):
        problems.setdefault(str(problem["loc"][0]), problem)
    return problems


def _remedy(cls: type[BaseSettings], name: str, problem: ErrorDetails) -> str:
    field = cls.model_fields.get(name)
    if field is None:
        close = difflib.get_close_matches(name, list(cls.model_fields), n=1)
        return f"there is no such setting{f'; did you mean {close[0]}?' if close else ''}"
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    return f"use {metadata(field).get('form', 'another value')}"


def _shown_value(cls: type[BaseSettings], name: str, value: object) -> str:
    field = cls.model_fields.get(name)
    if field is None or metadata(field).get("secret"):
        return MASK
    return shown(variable_of_field(cls, name), str(value))
