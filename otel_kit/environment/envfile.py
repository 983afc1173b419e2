"""
`.env`: more variables, below those of the process.

Owns the reading of that file; `python-dotenv` is used here and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from dotenv import dotenv_values

from otel_kit.errors import ConfigurationError

__all__ = ["ENV_FILE", "EnvFile", "adopt_env_file", "read_env_file"]

ENV_FILE = ".env"
"""
Looked for in the current directory.
"""

EnvFile = str | os.PathLike[str] | None


def read_env_file(path: EnvFile = ENV_FILE) -> Mapping[str, str]:
    """
    What the file sets; empty when there is no such file.

    Raises:
        ConfigurationError: The file is there and can't be read as UTF-8 text.
    """
    if path is None or not Path(path).is_file():
        return {}
    try:
        values = dotenv_values(path, encoding="utf-8")
    except (OSError, UnicodeError) as error:
        remedy = "write NAME=value lines in UTF-8, or remove the file"
        raise ConfigurationError(os.fspath(path), type(error).__name__, remedy) from error
    return {name: value for name, value in values.items() if value is not None}


def adopt_env_file(environ: MutableMapping[str, str], path: EnvFile = ENV_FILE) -> None:
    """
    Put the file's `OTEL_*` variables where the SDK will look for them, unless the process has them.

    `OTEL_KIT_*` stay where they are: `Settings` reads the file itself.
    """
    for name, value in read_env_file(path).items():
        is_standard = name.startswith("OTEL_") and not name.startswith("OTEL_KIT_")
        if is_standard and not environ.get(name, "").strip():
            environ[name] = value
