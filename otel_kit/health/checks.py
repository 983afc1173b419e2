"""
The declared checks of one application.

Owns what may be declared, and asking all of them at once. How one is run is in `check.py`.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from otel_kit.errors import ConfigurationError
from otel_kit.health.check import Check
from otel_kit.health_layout import CheckReport

__all__ = ["Checks", "ask", "refuse_function", "refuse_name"]

FunctionT = TypeVar("FunctionT", bound=Callable[[], Any])

NO_ARGUMENTS = "give an async or plain function without arguments"

TYPE = "check_type"
"""Where a function may say itself what it asks."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TYPE = re.compile(r"[ -~]{1,64}")


class Checks:
    """
    Declared by name; callable, so that it serves as a decorator: `@kit.check("database")`.

    Args:
        timeout_seconds: For checks that name none of their own.
        reserved: Names that can't be taken, since a route of the profile has them.
    """

    def __init__(self, *, timeout_seconds: float = 2.0, reserved: Iterable[str] = ("all",)) -> None:
        self._timeout_seconds = timeout_seconds
        self._reserved = frozenset(reserved)
        self._checks: dict[str, Check] = {}
        self._listener: Callable[[CheckReport], None] = lambda report: None

    def add(
        self,
        name: str,
        function: Callable[[], Any],
        *,
        critical: bool = True,
        timeout_seconds: float | None = None,
        type: str | None = None,
    ) -> None:
        """
        Declare a check.

        Args:
            name: Up to 64 letters, digits, '_', '-' and '.': a part of the path and a label.
            function: Async or plain, without arguments. Healthy is whatever it returns but False; an
                exception or a time-out is not. A plain one runs in a thread and may block.
            critical: False when its failure only degrades the service.
            timeout_seconds: What it may take; None takes `OTEL_KIT_CHECK_TIMEOUT`.
            type: What is asked, as people write it, for documents that tell: `"SQLite"`. None takes the function's
                own `check_type`, which the ready-made checks have.

        Raises:
            ConfigurationError: No such name is possible or it is taken, or the function can't be called.
        """
        type = getattr(function, TYPE, None) if type is None else type
        self._judge(name, function, timeout_seconds, type)
        self._checks[name] = Check(
            name,
            function,
            critical=critical,
            timeout_seconds=self._timeout_seconds if timeout_seconds is None else timeout_seconds,
            listen=self._tell,
            type=type,
        )

    def __call__(
        self, name: str, *, critical: bool = True, timeout_seconds: float | None = None, type: str | None = None
    ) -> Callable[[FunctionT], FunctionT]:
        """
        Decorator that declares the function as a check and leaves it as it is.
        """

        def declare(function: FunctionT) -> FunctionT:
            self.add(name, function, critical=critical, timeout_seconds=timeout_seconds, type=type)
            return function

        return declare

    def listen(self, listener: Callable[[CheckReport], None]) -> None:
        """
        Have `listener` called with each new answer of each check, in place of the one before.
        """
        self._listener = listener

    def get(self, name: str) -> Check | None:
        """
        The check of this name; None where there is none.
        """
        return self._checks.get(name)

    def __iter__(self) -> Iterator[Check]:
        return iter(list(self._checks.values()))

    def __len__(self) -> int:
        return len(self._checks)

    def _judge(self, name: object, function: object, timeout_seconds: object, type: object) -> None:
        place = f"check {name!r}"[:80]
        refuse_name("check", name)
        if name in self._reserved:
            raise ConfigurationError("check", name, "a health route or its document has this name; take another")
        if name in self._checks:
            raise ConfigurationError("check", name, "a check of this name is declared already; take another name")
        refuse_function(place, function)
        if type is not None and not (isinstance(type, str) and _TYPE.fullmatch(type)):
            raise ConfigurationError(f"{place} type", type, 'give 1 to 64 plain characters, like "PostgreSQL"')
        if timeout_seconds is not None and not _is_positive(timeout_seconds):
            raise ConfigurationError(f"{place} timeout_seconds", timeout_seconds, "give seconds, above 0")

    def _tell(self, report: CheckReport) -> None:
        self._listener(report)


def refuse_name(place: str, name: object) -> None:
    """
    Raises:
        ConfigurationError: It could not stand in a path, a label or a document.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError(place, name, "a name is 1 to 64 letters, digits, '_', '-' and '.'")


def refuse_function(place: str, function: object) -> None:
    """
    Raises:
        ConfigurationError: It can't be called, or not without arguments.
    """
    if not callable(function):
        raise ConfigurationError(place, function, NO_ARGUMENTS)
    if not _takes_no_arguments(function):
        raise ConfigurationError(place, getattr(function, "__name__", function), NO_ARGUMENTS)


def _takes_no_arguments(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind()
    except TypeError:
        return False
    except ValueError:  # a builtin that doesn't tell
        return True
    return True


def _is_positive(seconds: object) -> bool:
    return isinstance(seconds, int | float) and math.isfinite(seconds) and seconds > 0


async def ask(checks: Iterable[Check]) -> tuple[CheckReport, ...]:
    """
    The answers of these checks, all asked at once: none is older than a second, and it takes as long as the slowest.
    """
    asked = tuple(checks)
    flights = {flight for flight in [check.begin() for check in asked] if flight is not None}
    if flights:
        await asyncio.wait(flights)
    return tuple(check.report() for check in asked)
