"""
The process as it was before a test, and that it is so again afterwards.

Owns OpenTelemetry's globals, which can be set only once, and what else a set-up puts where there is one of a kind in a
process: the propagator, `OTEL_*` that were read from a file or could not be used, how labels and ids are judged.
The kit's handler, hooks and threads are the runtime's, which takes them back itself.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from opentelemetry import propagate, trace
from opentelemetry._logs import _internal as logs
from opentelemetry.metrics import _internal as metrics

from otel_kit.context import judge_ids_by
from otel_kit.environment import read_otel_environment
from otel_kit.ledger import ledger

if TYPE_CHECKING:
    from otel_kit.telemetry.pipeline import Telemetry
    from otel_kit.testing.kept import KeptProviders

__all__ = ["Before", "Globals", "judged_environment", "lend", "set_where_free"]

TRACES: tuple[ModuleType, str] = (trace, "_TRACER_PROVIDER")
METRICS: tuple[ModuleType, str] = (metrics, "_METER_PROVIDER")
LOGS: tuple[ModuleType, str] = (logs, "_LOGGER_PROVIDER")
"""
Where OpenTelemetry's API keeps its globals. Beside each is a `Once`, under the same name with `_SET_ONCE`.
"""


LOGGERS = ("otel_kit.request", "uvicorn", "uvicorn.error", "uvicorn.asgi", "uvicorn.access")
"""
Loggers that a set-up changes. It gives most of them back itself; but pytest adds handlers of its own to those that do
not propagate, for each phase of a test, and that looks as if a server had configured its logger anew.
"""


class Globals:
    """
    What OpenTelemetry's API had when this was made.
    """

    def __init__(self) -> None:
        self._found = [(place, _provider(place), _once(place)._done) for place in (TRACES, METRICS, LOGS)]
        self._propagator = propagate.get_global_textmap()

    def put_back(self) -> None:
        """
        Make it so again. Again makes no difference.
        """
        for place, provider, done in self._found:
            if _provider(place) is not provider:
                _set_provider(place, provider)
            _once(place)._done = done
        propagate.set_global_textmap(self._propagator)


class Before:
    """
    What a process in which nothing is set up had when this was made.
    """

    def __init__(self) -> None:
        self._globals = Globals()
        self._environment = _variables()
        self._clean_label, self._clean_help = ledger.registry.clean_label, ledger.registry.clean_help
        self._loggers = [_LoggerBefore(logging.getLogger(name)) for name in LOGGERS]
        self.metrics = frozenset(ledger.registry.listed)
        """Names of the ledger's metrics."""

    def put_back(self) -> None:
        """
        Make it so again. Again makes no difference.
        """
        self._globals.put_back()
        _put_back_variables(self._environment)
        ledger.registry.clean_label, ledger.registry.clean_help = self._clean_label, self._clean_help
        judge_ids_by(lambda text: True)
        for logger in self._loggers:
            logger.put_back()


def lend(kept: KeptProviders) -> None:
    """
    Set these providers where there is none. They may still be set by others, as if nobody had set any.
    """
    for place, provider in (
        (TRACES, kept.tracer_provider),
        (METRICS, kept.meter_provider),
        (LOGS, kept.logger_provider),
    ):
        if _provider(place) is None:
            _set_provider(place, provider)


def set_where_free(telemetry: Telemetry) -> None:
    """
    Set the providers of a set-up for good, each where nobody has set another.
    """
    if not _once(TRACES)._done:
        trace.set_tracer_provider(telemetry.tracer_provider)
    if not _once(METRICS)._done:
        metrics.set_meter_provider(telemetry.meter_provider)
    if not _once(LOGS)._done:
        logs.set_logger_provider(telemetry.logger_provider)


class _LoggerBefore:
    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._handlers = list(logger.handlers)
        self._state = logger.level, logger.propagate, logger.disabled

    def put_back(self) -> None:
        logger = self._logger
        level, logger.propagate, logger.disabled = self._state
        logger.setLevel(level)
        for handler in [one for one in logger.handlers if one not in self._handlers]:
            logger.removeHandler(handler)


@contextmanager
def judged_environment() -> Iterator[None]:
    """
    Without the variables for which the SDK raises as it is imported, and without the one that switches it off.
    """
    before = _variables()
    read_otel_environment()
    os.environ.pop("OTEL_SDK_DISABLED", None)
    try:
        yield
    finally:
        _put_back_variables(before)


def _provider(place: tuple[ModuleType, str]) -> Any:
    module, name = place
    return getattr(module, name)


def _once(place: tuple[ModuleType, str]) -> Any:
    module, name = place
    return getattr(module, f"{name}_SET_ONCE")


def _set_provider(place: tuple[ModuleType, str], provider: Any) -> None:
    from otel_kit.testing.proxies import bind_instruments, let_go

    module, name = place
    let_go(getattr(module, name))
    setattr(module, name, provider)
    if place is METRICS:
        bind_instruments(provider)


def _variables() -> dict[str, str]:
    """
    The standard ones, which a set-up changes: a `.env` adds to them, and what can't be used is taken out.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith("OTEL_") and not name.startswith("OTEL_KIT_")
    }


def _put_back_variables(before: dict[str, str]) -> None:
    for name in _variables().keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)
