"""
The kit's log lines through a logger provider that somebody else has set.

Owns the rule that nothing is exported twice: where OpenTelemetry's own handler listens on the
root logger, that handler already hands every record to the provider.
"""

from __future__ import annotations

import logging

from opentelemetry.sdk._logs import LoggerProvider

from otel_kit.faults import fault
from otel_kit.logs.item import LogItem
from otel_kit.redaction import Policy
from otel_kit.telemetry.official import readable_record

__all__ = ["ForeignLogSink"]

MAX_LOGGERS = 512


class ForeignLogSink:
    """
    Emits each item as a record of the provider. Its processors and exporters do the rest.
    """

    def __init__(self, provider: LoggerProvider, policy: Policy) -> None:
        self._provider = provider
        self._policy = policy

    def __call__(self, item: LogItem, size: int) -> None:
        """
        Hand the item on. Never raises.
        """
        try:
            if not is_bridged():
                record = readable_record(item, self._policy, None, None).log_record
                self._provider.get_logger(item.logger).emit(record)
        except Exception as error:  # the provider's processors are anybody's, and this is a log call
            fault("export", error)


def is_bridged() -> bool:
    """
    Whether a handler of OpenTelemetry is on the root logger.
    """
    return any(type(handler).__module__.startswith("opentelemetry.") for handler in logging.getLogger().handlers)
