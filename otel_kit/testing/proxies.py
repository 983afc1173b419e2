"""
What modules got from OpenTelemetry's API before there was a provider.

Owns that they follow the provider of the moment. A proxy of a tracer or logger asks once and keeps what it got, as
long as that counts as true; a proxy of an instrument is told of each provider that is set.
"""

from __future__ import annotations

from typing import Any

from opentelemetry import trace
from opentelemetry._logs import _internal as logs
from opentelemetry.metrics import _internal as metrics
from opentelemetry.sdk._logs import Logger, LoggerProvider
from opentelemetry.sdk.trace import Tracer, TracerProvider

from otel_kit.context import SCOPE_NAME

__all__ = ["bind_instruments", "let_go"]


class _Tracer(Tracer):
    """
    Counts as true while its provider, which has its processors in common with it, is the process's.
    """

    def __bool__(self) -> bool:
        return getattr(trace._TRACER_PROVIDER, "_active_span_processor", None) is self.span_processor


class _Logger(Logger):
    """
    The same for a logger.
    """

    def __bool__(self) -> bool:
        processors = getattr(logs._LOGGER_PROVIDER, "_multi_log_record_processor", None)
        return processors is self._multi_log_record_processor


def let_go(provider: object) -> None:
    """
    Have the proxies that took a tracer or logger of this provider ask anew while another is the process's.
    """
    if isinstance(provider, TracerProvider):
        for scope, tracer in list(provider._tracers.items()):
            # the kit's own is asked for by each application, and is fast only as what the SDK made it
            if type(tracer) is Tracer and scope.name != SCOPE_NAME:
                tracer.__class__ = _Tracer
    elif isinstance(provider, LoggerProvider):
        for logger in list(provider._active_loggers):
            if type(logger) is Logger:
                logger.__class__ = _Logger


def bind_instruments(provider: Any) -> None:
    """
    Have the proxies of instruments write to this provider; None: to nobody.
    """
    proxies = metrics._PROXY_METER_PROVIDER
    if provider is not None:
        proxies.on_set_meter_provider(provider)
        return
    with proxies._lock:
        proxies._real_meter_provider = None
        for meter in proxies._meters:
            meter._real_meter = None
            for instrument in meter._instruments:
                instrument._real_instrument = None
