"""
Python files as trees.
"""

from __future__ import annotations

import ast
import gc
from pathlib import Path

__all__ = ["parsed"]


def parsed(path: Path) -> ast.Module:
    """
    The module's tree.

    Without collections of garbage meanwhile: what other tests have left may log a traceback when it goes, which parses
    as well, and before Python 3.11.9 the outer one then fails (python/cpython#106905).
    """
    text = path.read_text(encoding="utf-8")
    collects = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(text)
    finally:
        if collects:
            gc.enable()
