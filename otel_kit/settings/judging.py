"""
Every setting judged by itself, for whoever wants all faults at once and not only the first.

Owns the way around the first error: what can't be used is left out and the rest judged again.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from otel_kit.errors import ConfigurationError
from otel_kit.settings.failure import configuration_errors
from otel_kit.settings.model import Settings
from otel_kit.settings.source import VariablesSource

__all__ = ["judge_settings"]


def judge_settings(variables: Mapping[str, str]) -> tuple[Settings, list[ConfigurationError]]:
    """
    The settings as far as they can be used, and an error for each that can't; each is one line, secrets masked.

    Args:
        variables: The environment with what `.env` adds to it. Neither is read here.
    """
    values = VariablesSource(Settings, variables)()
    problems: list[ConfigurationError] = []
    while True:
        settings = Settings.__new__(Settings)
        try:
            # not by calling the class, which reads the environment and stops at the first problem
            BaseModel.__init__(settings, **values)
        except ValidationError as report:
            found = configuration_errors(Settings, report)
            problems += found.values()
            values = {name: value for name, value in values.items() if name not in found}
        else:
            return settings, problems
