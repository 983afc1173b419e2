"""
Where a setting's value comes from: the environment, then `.env`, then the default.

Owns that order, which is the one of set-up: an empty or blank value counts as unset. Judges no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from otel_kit.environment import ENV_FILE, read_env_file
from otel_kit.errors import ConfigurationError

__all__ = ["Origin", "Sources", "read_sources"]

Origin = Literal["environment", ".env", "default"]


class Sources:
    """
    The variables of the process and those of `.env`, blank ones left out.
    """

    def __init__(self, environ: Mapping[str, str], file: Mapping[str, str]) -> None:
        self.environ = {name: value for name, value in environ.items() if value.strip()}
        self.file = {name: value for name, value in file.items() if value.strip()}
        self.merged = {**self.file, **self.environ}

    def origin(self, name: str) -> Origin:
        """
        Who has set it.
        """
        return "environment" if name in self.environ else ".env" if name in self.file else "default"

    def beats_file(self, name: str) -> bool:
        """
        Whether `.env` sets it too, to something else that does not count.
        """
        return name in self.environ and self.file.get(name, self.environ[name]) != self.environ[name]


def read_sources(environ: Mapping[str, str]) -> tuple[Sources, ConfigurationError | None]:
    """
    Both sources, and what keeps `.env` of the current directory from being read.
    """
    try:
        return Sources(environ, read_env_file(ENV_FILE)), None
    except ConfigurationError as error:
        return Sources(environ, {}), error
