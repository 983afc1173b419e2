"""
One test, from before its first set-up until nothing of it is left.

Owns which providers the test runs on. Where nothing was set up before, they are those that tests keep, and the
runtime of a set-up inside of the test ends with it; else it only listens to what there is.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from opentelemetry import metrics, trace

from otel_kit import runtime
from otel_kit.exposition.families import Family
from otel_kit.runtime import Runtime
from otel_kit.security import begin_anew
from otel_kit.testing.before import Before, Globals, judged_environment, lend
from otel_kit.testing.captured import CapturedTelemetry

__all__ = ["OneTest"]

MAX_LABEL = 256

with judged_environment():
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

    from otel_kit.exposition.otel import InstrumentReader
    from otel_kit.testing.kept import KeptProviders
    from otel_kit.testing.listening import Listening
    from otel_kit.testing.tested_runtime import TestedRuntime, rest


@functools.cache
def kept_providers() -> KeptProviders:
    """
    Those of this process.
    """
    return KeptProviders()


class OneTest:
    """
    A test that uses the fixture.
    """

    def __init__(self) -> None:
        self._undo = ExitStack()
        self._before: Before | None = None
        """None where something was set up before the test began."""
        self._reader: InstrumentReader | None = None
        self._meters: Any = None

    def begin(self) -> CapturedTelemetry:
        """
        What the test emits from now on.
        """
        begin_anew()
        shared = runtime.current()
        if isinstance(shared, TestedRuntime):
            # an application that an earlier test had set up was used by one without the fixture
            shared.put_aside()
            runtime.put(shared := None)
        if shared is None:
            self._lend_providers()
        else:
            self._note(shared)
        captured = CapturedTelemetry(self._families)
        self._listening = Listening(captured)
        if shared is not None:
            self._listening.join(shared)
        elif isinstance(tracers := trace.get_tracer_provider(), TracerProvider):
            self._listening.join_spans(tracers)
        self._undo.callback(self._listening.end)
        _running.append(self)
        self._undo.callback(_running.remove, self)
        return captured

    def end(self) -> None:
        """
        Leave the process as it was.
        """
        self._undo.close()

    def wake(self, tested: TestedRuntime) -> None:
        """
        An application of an earlier test is used in this one.
        """
        _come_back(tested, self._before or Before())
        self._join(tested)

    def _lend_providers(self) -> None:
        with judged_environment():
            kept = kept_providers()
        kept.begin()
        self._undo.callback(kept.begin)
        self._before = Before()
        self._undo.callback(self._before.put_back)
        lend(kept)
        self._meters = metrics.get_meter_provider()
        if isinstance(self._meters, MeterProvider):
            self._reader = InstrumentReader(
                lambda name, value: str(kept.terms.policy.value(name, value, MAX_LABEL)),
                lambda text: kept.terms.policy.text(text),
            )
            self._meters.add_metric_reader(self._reader)
            self._undo.callback(self._meters.remove_metric_reader, self._reader)
        self._undo.callback(runtime.put, None)
        runtime.make_by(functools.partial(self._make, kept, self._before))
        self._undo.callback(runtime.make_by, Runtime)

    def _note(self, shared: Runtime) -> None:
        self._undo.callback(Globals().put_back)
        known = list(shared._applications)
        self._undo.callback(lambda: rest(one for one in shared._applications if one not in known))

    def _make(self, *given: Any) -> TestedRuntime:
        made = TestedRuntime(_wake, *given)
        self._join(made)
        return made

    def _join(self, tested: TestedRuntime) -> None:
        self._undo.callback(tested.put_aside)
        self._listening.join(tested)

    def _families(self) -> Iterator[Family]:
        """
        What instruments hold; those of the test's own providers as soon as it has set something up.
        """
        if self._reader is not None:
            yield from self._reader.families()
        shared = runtime.current()
        if shared is not None and (self._reader is None or shared.telemetry.meter_provider is not self._meters):
            yield from shared.instruments.families()


_running: list[OneTest] = []
"""
The test that runs, if it uses the fixture.
"""


def _wake(tested: TestedRuntime) -> None:
    """
    An application of an earlier test is used again, in whatever test.
    """
    if _running:
        _running[-1].wake(tested)
    else:
        _come_back(tested, Before())


def _come_back(tested: TestedRuntime, before: Before) -> None:
    if runtime.current() is None:
        tested.come_back(before)
        runtime.put(tested)
    else:
        tested.stand_beside()
