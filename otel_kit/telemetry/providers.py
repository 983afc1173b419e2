"""
Providers, queues and their life: everything the kit has of OpenTelemetry's SDK.

Owns the choice between providers of its own and those that somebody has set before: these are
joined, never doubled. Import this module only after `read_otel_environment` has judged the
environment, as the SDK raises for some values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler

from otel_kit.environment import OtelEnvironment
from otel_kit.exposition.otel import InstrumentReader
from otel_kit.ledger import ledger
from otel_kit.redaction import Policy
from otel_kit.settings import Settings
from otel_kit.telemetry.clean_providers import CleanLoggerProvider, CleanTracerProvider
from otel_kit.telemetry.foreign import ForeignLogSink
from otel_kit.telemetry.ledger_points import LedgerPoints
from otel_kit.telemetry.metrics import MetricExport, OtlpMetricReader
from otel_kit.telemetry.outage import Outages
from otel_kit.telemetry.pipeline import Telemetry
from otel_kit.telemetry.processors import CorrelationProcessor, QueueLogProcessor, QueueSpanProcessor
from otel_kit.telemetry.resource import build_resource
from otel_kit.telemetry.samplers import build_sampler
from otel_kit.telemetry.signals import METRIC_QUEUE, SignalQueues, log_parts, metric_parts, silenced, span_parts

__all__ = ["OwnProviders", "build_telemetry"]

CUT_MARGIN = 256
"""
What the SDK leaves beyond a limit, for the policy to cut without leaving a piece of a secret.
"""

MAX_LABEL_CHARACTERS = 256


def build_telemetry(
    otel: OtelEnvironment,
    settings: Settings,
    service_name: str,
    policy: Policy,
    sampler: Sampler | None = None,
    own: OwnProviders | None = None,
) -> Telemetry:
    """
    Everything built and, where they are free, set as OpenTelemetry's globals; nothing started.

    Args:
        service_name: As decided from argument, environment and fallback.
        sampler: None takes the one `OTEL_TRACES_SAMPLER` asks for.
        own: None makes new providers where nobody has set one.
    """
    builder = Builder(otel, policy, build_resource(otel, settings, service_name, policy), own or OwnProviders())
    return builder.build(sampler or build_sampler(otel))


class OwnProviders:
    """
    Makes the providers that are the kit's own. A test's fixture has others, which it keeps from test to test.
    """

    def include(self, provider: object) -> bool:
        """
        Whether a provider that is set already is one of these, and nobody else's.
        """
        return False

    def tracers(
        self, policy: Policy, sampler: Sampler, resource: Resource, limits: SpanLimits, meters: MeterProvider
    ) -> TracerProvider:
        """
        Where spans come from.
        """
        return CleanTracerProvider(
            policy,
            sampler=sampler,
            resource=resource,
            shutdown_on_exit=False,
            span_limits=limits,
            meter_provider=meters,
        )

    def meters(self, readers: Sequence[MetricReader], resource: Resource) -> MeterProvider:
        """
        Where instruments come from, which these read.
        """
        return MeterProvider(readers, resource=resource, shutdown_on_exit=False)

    def loggers(
        self, policy: Policy, resource: Resource, limits: LogRecordLimits, meters: MeterProvider
    ) -> LoggerProvider:
        """
        Where log records come from.
        """
        return CleanLoggerProvider(
            policy, resource=resource, shutdown_on_exit=False, meter_provider=meters, log_record_limits=limits
        )


class Builder:
    """
    One pass over the three signals.
    """

    def __init__(self, otel: OtelEnvironment, policy: Policy, resource: Resource, own: OwnProviders) -> None:
        self.own = own
        self.otel = otel
        self.policy = policy
        self.first_resource = resource
        self.notes: list[str] = []
        self.outages = Outages()
        self.joined: list[str] = []

    def build(self, sampler: Sampler) -> Telemetry:
        """
        The whole of it.
        """
        otel = self.otel
        meter_provider, instruments, reader = self._meters()
        tracer_provider, joined_traces = self._tracers(sampler, meter_provider)
        logger_provider, joined_logs = self._loggers(meter_provider)

        def resource() -> Resource:
            # a fork gives the provider a resource with an instance id of its own
            return tracer_provider.resource if not joined_traces else self.first_resource

        traces = self._queues("traces", span_parts(otel, self.policy), joined_traces)
        logs = self._queues("logs", log_parts(otel, self.policy, resource), joined_logs)
        points = self._queues("metrics", metric_parts(), False)
        export = None
        if points.queues:
            export = MetricExport(
                points.offer,
                points.queues,
                LedgerPoints(ledger, delta=otel.temporality != "cumulative"),
                resource,
                self.policy,
                otel.metric_interval_seconds,
                otel.metric_timeout_seconds,
                reader,
            )
        telemetry = Telemetry(
            tracer_provider, meter_provider, logger_provider, instruments, [traces, logs, points], export, self.outages
        )
        telemetry.resource = resource
        telemetry.traces_on = not otel.disabled
        telemetry.notes = self.notes
        telemetry.joined = self.joined
        if joined_logs:
            telemetry.log_sink = ForeignLogSink(logger_provider, self.policy)
        elif logs.queues:
            telemetry.log_sink = logs.offer
            logger_provider.add_log_record_processor(QueueLogProcessor(logs.offer, telemetry.flush))
        tracer_provider.add_span_processor(CorrelationProcessor())
        if traces.queues:
            tracer_provider.add_span_processor(QueueSpanProcessor(traces.offer, telemetry.flush))
        if reader is not None:
            reader.export = telemetry.flush
        return telemetry

    def _queues(self, name: str, parts: Any, joined: bool) -> SignalQueues:
        otel = self.otel
        signal = silenced(getattr(otel, name), otel.disabled or joined)
        limits = {"traces": otel.span_queue, "logs": otel.log_queue}.get(name, METRIC_QUEUE)
        return SignalQueues(signal, parts, limits, self.outages, self.notes)

    def _tracers(self, sampler: Sampler, meter_provider: MeterProvider) -> tuple[TracerProvider, bool]:
        existing = trace.get_tracer_provider()
        is_own = self.own.include(existing)
        if isinstance(existing, TracerProvider) and not is_own:
            self.joined.append("traces")
            return existing, True
        provider = self.own.tracers(self.policy, sampler, self.first_resource, span_limits(self.otel), meter_provider)
        if is_own or isinstance(existing, trace.ProxyTracerProvider):
            trace.set_tracer_provider(provider)
        else:
            self.notes.append(
                f"traces: the global provider is a {type(existing).__name__}, the kit's own stands beside it"
            )
        return provider, False

    def _meters(self) -> tuple[MeterProvider, InstrumentReader, OtlpMetricReader | None]:
        instruments = InstrumentReader(self._clean_label, self.policy.text)
        existing = metrics.get_meter_provider()
        if isinstance(existing, MeterProvider) and not self.own.include(existing):
            self.joined.append("metrics")
            existing.add_metric_reader(instruments)
            return existing, instruments, None
        reader = (
            None
            if self.otel.disabled or self.otel.metrics.exporter == ("none",)
            else OtlpMetricReader(self.otel.temporality, self.otel.histogram_aggregation)
        )
        readers = [instruments] if reader is None else [instruments, reader]
        provider = self.own.meters(readers, self.first_resource)
        metrics.set_meter_provider(provider)
        return provider, instruments, reader

    def _clean_label(self, name: str, value: str) -> str:
        return str(self.policy.value(name, value, MAX_LABEL_CHARACTERS))

    def _loggers(self, meter_provider: MeterProvider) -> tuple[LoggerProvider, bool]:
        existing = _logs.get_logger_provider()
        if isinstance(existing, LoggerProvider) and not self.own.include(existing):
            self.joined.append("logs")
            return existing, True
        provider = self.own.loggers(self.policy, self.first_resource, log_limits(self.otel), meter_provider)
        _logs.set_logger_provider(provider)
        return provider, False


def with_margin(limit: int | None, unset: int) -> int:
    """
    The limit the SDK is given; `unset` is its word for none.
    """
    return unset if limit is None else limit + CUT_MARGIN


def count_of(limit: int | None, unset: int) -> int:
    """
    A number of things, in the SDK's words.
    """
    return unset if limit is None else limit


def span_limits(otel: OtelEnvironment) -> SpanLimits:
    """
    The limits of spans as judged, texts with the margin the policy needs.
    """
    unset = SpanLimits.UNSET
    return SpanLimits(
        max_attributes=count_of(otel.attribute_count_limit, unset),
        max_events=count_of(otel.span_event_count_limit, unset),
        max_links=count_of(otel.span_link_count_limit, unset),
        max_span_attributes=count_of(otel.span_attribute_count_limit, unset),
        max_event_attributes=count_of(otel.event_attribute_count_limit, unset),
        max_link_attributes=count_of(otel.link_attribute_count_limit, unset),
        max_attribute_length=with_margin(otel.attribute_value_length_limit, unset),
        max_span_attribute_length=with_margin(otel.span_attribute_value_length_limit, unset),
    )


def log_limits(otel: OtelEnvironment) -> LogRecordLimits:
    """
    The limits of log records as judged.
    """
    unset = LogRecordLimits.UNSET
    return LogRecordLimits(
        max_attributes=count_of(otel.attribute_count_limit, unset),
        max_attribute_length=with_margin(otel.attribute_value_length_limit, unset),
        max_log_record_attributes=count_of(otel.log_attribute_count_limit, unset),
        max_log_record_attribute_length=with_margin(otel.log_attribute_value_length_limit, unset),
    )
