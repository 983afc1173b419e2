"""
Libraries that are imported later: who waits for one hears of it right after its first import.

Owns a finder in `sys.meta_path`, there only while somebody waits. It finds nothing itself: the others do, and the
loader they find is told of the end of its work. Knows nothing of what is done with a library.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["Arrivals"]


class Arrivals:
    """
    Args:
        arrived: Called with the library's name, in the thread that imports it, before it can be used. Must not raise.
    """

    def __init__(self, arrived: Callable[[str], None]) -> None:
        self._arrived = arrived
        self._awaited: frozenset[str] = frozenset()

    def expect(self, libraries: Iterable[str]) -> None:
        """
        Wait for these, and for no others any more.
        """
        self._awaited = frozenset(libraries)
        is_there = self in sys.meta_path
        if self._awaited and not is_there:
            sys.meta_path.insert(0, self)
        elif not self._awaited and is_there:
            # another list: a thread that goes through this one to import something would miss a finder
            sys.meta_path = [finder for finder in sys.meta_path if finder is not self]

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """
        What the finders behind this one find, for a library that is waited for.
        """
        if name not in self._awaited:
            return None
        finders = list(sys.meta_path)
        behind = finders[finders.index(self) + 1 :] if self in finders else []
        specs = (finder.find_spec(name, path, target) for finder in behind if hasattr(finder, "find_spec"))
        spec = next((found for found in specs if found is not None), None)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _TellingLoader(spec.loader, self._tell)  # type: ignore[assignment]
        return spec

    def _tell(self, name: str) -> None:
        if name in self._awaited:
            self._arrived(name)


class _TellingLoader:
    """
    A loader that tells when a module is complete; the module itself keeps the loader that was found.
    """

    def __init__(self, loader: Any, tell: Callable[[str], None]) -> None:
        self._loader = loader
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._tell(module.__name__)
