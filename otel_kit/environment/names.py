"""
What a service is called when nobody has said so.

Owns the guess: the project's name in `pyproject.toml`, then the module's.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

__all__ = ["fallback_service_name"]

UNKNOWN_SERVICE = "unknown_service"

GENERIC_NAMES = frozenset({"__main__", "__init__", "app", "application", "asgi", "main", "server", "wsgi"})
"""
Names of modules that tell nothing about the service.
"""

_SECTION = re.compile(r"^\s*\[\s*([\w.\s\"'-]+?)\s*\]\s*(?:#.*)?$")
_NAME = re.compile(r"""^\s*name\s*=\s*(["'])([^"']+)\1""")


def fallback_service_name(app_module: str | None) -> str:
    """
    The project's name, else one made from a module's.

    Args:
        app_module: Dotted name of the module that holds the application; None asks the main module.
    """
    return project_name(Path("pyproject.toml")) or module_name(app_module) or UNKNOWN_SERVICE


def project_name(file: Path) -> str | None:
    """
    `name` in the section `[project]`, or in Poetry's older one.

    Read line by line: Python 3.10 has no TOML reader, and a name is always a plain string on a line of its own.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        return None
    section = ""
    for line in lines:
        if header := _SECTION.match(line):
            section = header[1]
        elif section in ("project", "tool.poetry") and (name := _NAME.match(line)):
            return name[2].strip() or None
    return None


def module_name(dotted: str | None) -> str | None:
    """
    The part of a module's name that tells services apart: `shop.api.main` is `shop.api`.
    """
    dotted = main_module() if dotted in (None, "__main__") else dotted
    parts = [part for part in (dotted or "").split(".") if part]
    while len(parts) > 1 and parts[-1] in GENERIC_NAMES:
        parts.pop()
    return ".".join(parts) or None


def main_module() -> str | None:
    """
    The name under which the process was started, as a module or as a file.
    """
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name)
    file = getattr(main, "__file__", None)
    return Path(file).stem if file else None
