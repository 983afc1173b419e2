"""
structlog's events as records of the standard library.

Owns the one line with which a structlog user joins in:
`structlog.configure(**structlog_options())`. structlog itself is imported only there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, MutableMapping
from typing import Any

from otel_kit.logs.handler import RECORD_NAMES

__all__ = ["structlog_options", "structlog_processor"]

_CALL_ARGUMENTS = ("exc_info", "stack_info", "stacklevel")


def structlog_processor(logger: Any, method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """
    The last processor of a chain: the event becomes the message, exception and stack the call's
    own arguments, and the rest `extra`.

    structlog's own `render_to_log_kwargs` lets a field such as `name` or `module` raise in
    `logging`; here it becomes `extra.name`.
    """
    call: dict[str, Any] = {name: event[name] for name in _CALL_ARGUMENTS if name in event}
    call["msg"] = event.get("event", "")
    call["extra"] = {
        f"extra.{name}" if name in RECORD_NAMES else name: value
        for name, value in event.items()
        if name != "event" and name not in _CALL_ARGUMENTS
    }
    return call


def structlog_options() -> dict[str, Any]:
    """
    Arguments for `structlog.configure` that send every event through the standard `logging` module.
    """
    import structlog

    return {
        "processors": [
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog_processor,
        ],
        "logger_factory": _logger_maker(),
        "wrapper_class": structlog.stdlib.BoundLogger,
        "cache_logger_on_first_use": True,
    }


def _logger_maker() -> Callable[..., logging.Logger]:
    """
    structlog's maker of standard loggers, for those that are there already as well.

    It has `logging` make loggers that look for the caller outside of structlog's frames from now on. One that was
    made before, as by `logging.getLogger(__name__)` in a module imported earlier, would name structlog as the place.
    """
    import structlog

    # its own guess at a name must pass over this module, too
    make = structlog.stdlib.LoggerFactory(ignore_frame_names=[__name__])
    kind = logging.getLoggerClass()

    def make_logger(*names: Any) -> logging.Logger:
        logger = make(*names)
        if type(logger) is logging.Logger:
            logger.__class__ = kind
        return logger

    return make_logger
