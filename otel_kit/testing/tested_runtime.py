"""
What the applications of a test share, while the test runs and after it.

Owns that nothing of it is left in the process when the test has ended, and that an application which lives on finds
all of it again with its next request. Nothing is exported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from otel_kit.environment import OtelEnvironment, Signal
from otel_kit.ledger import ledger
from otel_kit.logs.output import StandardOutput
from otel_kit.observability import Observability
from otel_kit.runtime import Runtime
from otel_kit.security import forget_events, use_events
from otel_kit.telemetry.providers import build_telemetry
from otel_kit.testing.before import Before, set_where_free
from otel_kit.testing.kept import KeptProviders
from otel_kit.testing.listening import processors_of, remove_processors

if TYPE_CHECKING:
    from otel_kit.profiles import Profile
    from otel_kit.telemetry.pipeline import Telemetry

__all__ = ["TestedRuntime", "rest"]

CLOSE_SECONDS = 1.0

Place = Literal["current", "beside", "aside"]
"""
The process's runtime; another one is, and this one serves too; or neither, after its test.
"""

NOTE = "nothing is exported: the fixture telemetry of a test takes it"


class TestedRuntime(Runtime):
    """
    Made by the first set-up of a test.

    Args:
        wake: Called with this runtime when an application is used again after its test.
        kept: The providers that it runs on, as far as nobody has set others.
        before: What is to be there again after the test.
        given: As for any runtime.
    """

    def __init__(self, wake: Callable[[TestedRuntime], None], kept: KeptProviders, before: Before, *given: Any) -> None:
        self._kept = kept
        self._before = before
        self._wake = wake
        self._profiles: list[Profile] = []
        self._place: Place = "current"
        super().__init__(*given)

    def _read_environment(self) -> OtelEnvironment:
        otel = super()._read_environment()
        return replace(otel, traces=_silent(otel.traces), metrics=_silent(otel.metrics), logs=_silent(otel.logs))

    def _build_telemetry(self) -> Telemetry:
        before = processors_of(trace.get_tracer_provider()) + processors_of(self._kept.tracer_provider)
        sampler = ALWAYS_OFF if self.otel.disabled else None
        telemetry = build_telemetry(self.otel, self.settings, self.service_name, self.policy, sampler, self._kept)
        telemetry.notes.append(NOTE)
        self._processors = [one for one in processors_of(telemetry.tracer_provider) if one not in before]
        self._terms = self._kept.terms
        return telemetry

    def join(self, application: object) -> None:
        """
        As ever; the application's profile is remembered.
        """
        super().join(application)
        if isinstance(application, Observability):
            self._profiles.append(application.profile)

    def settle(self) -> None:
        """
        Nothing: what a test has made need not live as long as the process does.
        """

    def serve(self) -> None:
        """
        As ever, once it is back in its place.
        """
        if self._place == "aside":
            self._wake(self)
        super().serve()

    def put_aside(self) -> None:
        """
        Leave nothing in the process but what was there before. Again makes no difference.
        """
        was, self._place = self._place, "aside"
        if was == "aside":
            return
        rest(self._applications)
        self.serving = False
        self.logs.close(time.monotonic() + CLOSE_SECONDS)
        if was == "current":
            self._leave_process()
        if isinstance(self.logs.writer.output, StandardOutput):
            self.logs.writer.output.close()

    def stand_beside(self) -> None:
        """
        Serve again where another runtime is the process's.
        """
        self._place = "beside"

    def come_back(self, before: Before) -> None:
        """
        Be the process's runtime again, until the end of the test in which this happens.

        Args:
            before: What is to be there again then.
        """
        self._place = "current"
        self._before = before
        self._kept.settle(self._terms)
        for processor in self._processors:
            self.telemetry.tracer_provider.add_span_processor(processor)
        self.telemetry.meter_provider.add_metric_reader(self.telemetry.instruments)
        set_where_free(self.telemetry)
        for profile in self._profiles:
            use_events(profile.events)
        self._join_process()
        self.logs.install()
        self.telemetry.install_last_net(self.close)

    def _leave_process(self) -> None:
        self.logs.undo()
        self.clients.leave()
        self.telemetry.remove_last_net()
        remove_processors(self.telemetry.tracer_provider, self._processors)
        self.telemetry.meter_provider.remove_metric_reader(self.telemetry.instruments)
        ledger.off_refresh(self.instruments.on_refresh)
        ledger.close()
        self._forget_profiles()
        self._before.put_back()

    def _forget_profiles(self) -> None:
        """
        Their metrics are off the page with their applications; listed for another test, they count from zero.
        """
        forget_events()
        with ledger.registry.lock:
            for metric in (metric for profile in self._profiles for metric in profile.metrics):
                if metric.name not in self._before.metrics:
                    for child in metric.series.values():
                        child.zero()


def rest(applications: Iterable[object]) -> None:
    """
    Have these measure nothing and await no signal until they are used again.
    """
    for application in applications:
        if isinstance(application, Observability):
            application._rest()


def _silent(signal: Signal) -> Signal:
    return replace(signal, exporter=("none",))
