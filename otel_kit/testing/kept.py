"""
The providers that tests run on.

Owns three providers without exporters, made once a process and lent to one test after the other: a tracer or an
instrument that a module has got stays with its provider for good, so it must be there again in the next test. What
a set-up decides (sampler, resource, limits, policy) is put into those tracers and loggers that there are already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from otel_kit.redaction import Policy
from otel_kit.telemetry.clean_providers import CleanLoggerProvider, CleanTracerProvider
from otel_kit.telemetry.providers import OwnProviders

__all__ = ["KeptProviders"]


class Terms(NamedTuple):
    """
    What a set-up decides.
    """

    policy: Policy
    sampler: Sampler
    resource: Resource
    span_limits: SpanLimits
    log_limits: LogRecordLimits


class KeptProviders(OwnProviders):
    """
    Instead of making providers it gives its own. To be made while the environment holds nothing that the SDK refuses.
    """

    def __init__(self) -> None:
        self._first = Terms(Policy(), ALWAYS_ON, Resource.get_empty(), SpanLimits(), LogRecordLimits())
        self.terms = self._first
        """As they are now."""
        resource, policy = self._first.resource, self._first.policy
        self.meter_provider = _Meters(resource=resource, shutdown_on_exit=False)
        given: dict[str, Any] = {"resource": resource, "shutdown_on_exit": False, "meter_provider": self.meter_provider}
        self.tracer_provider = _Tracers(policy, sampler=ALWAYS_ON, **given)
        self.logger_provider = _Loggers(policy, **given)

    def begin(self) -> None:
        """
        As they were made, with nothing that an earlier test has added: everything is sampled.
        """
        self.settle(self._first)
        self.tracer_provider._active_span_processor._span_processors = ()
        self.logger_provider._multi_log_record_processor._log_record_processors = ()
        for reader in list(self.meter_provider._measurement_consumer._reader_storages):
            self.meter_provider.remove_metric_reader(reader)

    def settle(self, terms: Terms) -> None:
        """
        Have all that comes from these providers be as a set-up wants it.
        """
        self.terms = terms
        self.tracer_provider.settle(terms)
        self.meter_provider.settle(terms)
        self.logger_provider.settle(terms)

    def include(self, provider: object) -> bool:
        """
        Whether it is one of the three.
        """
        return provider in (self.tracer_provider, self.meter_provider, self.logger_provider)

    def tracers(
        self, policy: Policy, sampler: Sampler, resource: Resource, limits: SpanLimits, meters: MeterProvider
    ) -> TracerProvider:
        """
        The tracer provider, on new terms.
        """
        self.settle(self.terms._replace(policy=policy, sampler=sampler, resource=resource, span_limits=limits))
        return self.tracer_provider

    def meters(self, readers: Sequence[MetricReader], resource: Resource) -> MeterProvider:
        """
        The meter provider, with further readers.
        """
        self.settle(self.terms._replace(resource=resource))
        for reader in readers:
            self.meter_provider.add_metric_reader(reader)
        return self.meter_provider

    def loggers(
        self, policy: Policy, resource: Resource, limits: LogRecordLimits, meters: MeterProvider
    ) -> LoggerProvider:
        """
        The logger provider, on new terms.
        """
        self.settle(self.terms._replace(policy=policy, resource=resource, log_limits=limits))
        return self.logger_provider


class _Tracers(CleanTracerProvider):
    def settle(self, terms: Terms) -> None:
        with self._tracers_lock:
            self._policy, self.sampler, self._resource = terms.policy, terms.sampler, terms.resource
            self._span_limits = terms.span_limits
            for tracer in self._tracers.values():
                tracer.sampler, tracer.resource, tracer._span_limits = terms.sampler, terms.resource, terms.span_limits


class _Meters(MeterProvider):
    def settle(self, terms: Terms) -> None:
        self._sdk_config.resource = terms.resource

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        # the test after the one that shuts its provider down goes on with it
        self.force_flush(timeout_millis)


class _Loggers(CleanLoggerProvider):
    def settle(self, terms: Terms) -> None:
        with self._active_loggers_lock:
            self._policy, self._resource = terms.policy, terms.resource
            self._log_record_limits = terms.log_limits
            for logger in list(self._active_loggers):
                logger._resource, logger._log_record_limits = terms.resource, terms.log_limits
