"""
The declared providers of one application, of which a health document may say whether they are configured.

Owns what may be declared. One that is asked for is run like a check: once at a time, within its time, and its answer
is kept for a second. Whatever goes wrong there means that it is not configured, and makes nothing unhealthy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from otel_kit.errors import ConfigurationError
from otel_kit.health.check import Check
from otel_kit.health.checks import ask, refuse_function, refuse_name
from otel_kit.health.running import Outcome
from otel_kit.health_layout import CheckReport

__all__ = ["Providers"]

MAX_PROVIDERS = 100


class Providers:
    """
    By name, in the order in which they were declared first.

    Args:
        timeout_seconds: What asking for one may take.
    """

    def __init__(self, *, timeout_seconds: float = 2.0) -> None:
        self._timeout_seconds = timeout_seconds
        self._declared: dict[str, bool | Check] = {}
        self._listener: Callable[[CheckReport], None] = lambda report: None

    def declare(self, providers: Mapping[str, bool | Callable[[], Any]]) -> None:
        """
        Add these, each in place of one that has its name already.

        Raises:
            ConfigurationError: No mapping, a name that can't be used, or a value that is neither true nor false nor a
                function without arguments. Nothing is changed then.
        """
        remedy = 'give a mapping like {"openai": True, "anthropic": lambda: bool(key)}'
        if not isinstance(providers, Mapping):
            # its text may hold a key
            raise ConfigurationError("providers", type(providers).__name__, remedy)
        new = {name: self._judged(name, value) for name, value in providers.items()}
        if len(self._declared.keys() | new.keys()) > MAX_PROVIDERS:
            raise ConfigurationError("providers", len(new), f"declare at most {MAX_PROVIDERS}")
        self._declared.update(new)

    def listen(self, listener: Callable[[CheckReport], None]) -> None:
        """
        Have `listener` called with each new answer; `error` says what went wrong, and is None for a plain no.
        """
        self._listener = listener

    async def ask(self) -> dict[str, bool]:
        """
        Whether each is configured, all asked at once.
        """
        answers = {answer.name: answer.healthy for answer in await ask(self)}
        return {name: answers.get(name, value is True) for name, value in self._declared.items()}

    def state(self) -> list[dict[str, str]]:
        """
        What was last known of each.
        """
        return [{"name": name, "state": _word(value)} for name, value in self._declared.items()]

    def __iter__(self) -> Iterator[Check]:
        """
        Those that have to be asked.
        """
        return iter([value for value in self._declared.values() if isinstance(value, Check)])

    def __len__(self) -> int:
        return len(self._declared)

    def _judged(self, name: object, value: object) -> bool | Check:
        refuse_name("provider", name)
        if isinstance(value, bool):
            return value
        place = f"provider {name!r}"
        if not callable(value):
            # a key, as likely as not
            raise ConfigurationError(place, type(value).__name__, "give True, False, or a function without arguments")
        refuse_function(place, value)
        return Check(
            str(name),
            value,
            critical=False,
            timeout_seconds=self._timeout_seconds,
            listen=lambda report: self._listener(report),
            judge=lambda answer: Outcome(bool(answer)),
        )


def _word(value: bool | Check) -> str:
    configured = value.latest and value.latest.healthy if isinstance(value, Check) else value
    return "not asked yet" if configured is None else "configured" if configured else "not configured"
