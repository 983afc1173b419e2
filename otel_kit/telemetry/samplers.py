"""
The sampler that `OTEL_TRACES_SAMPLER` asks for.

Owns names and arguments. Who may decide for others is not decided here: the outer ring hands
the sampler a parent only where the peer is trusted.
"""

from __future__ import annotations

from importlib.metadata import entry_points

from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    ParentBased,
    Sampler,
    TraceIdRatioBased,
)

from otel_kit.environment import OtelEnvironment
from otel_kit.faults import fault

__all__ = ["build_sampler"]

_FIXED = {
    "always_on": ALWAYS_ON,
    "always_off": ALWAYS_OFF,
    "parentbased_always_on": DEFAULT_ON,
    "parentbased_always_off": DEFAULT_OFF,
}


def build_sampler(otel: OtelEnvironment) -> Sampler:
    """
    One of the specification's six samplers, or an installed one by its name.
    """
    fixed = _FIXED.get(otel.sampler)
    if fixed is not None:
        return fixed
    ratio = TraceIdRatioBased(1.0 if otel.sampler_argument is None else otel.sampler_argument)
    if otel.sampler == "traceidratio":
        return ratio
    if otel.sampler == "parentbased_traceidratio":
        return ParentBased(ratio)
    return _installed(otel) or DEFAULT_ON


def _installed(otel: OtelEnvironment) -> Sampler | None:
    for point in entry_points(group="opentelemetry_traces_sampler", name=otel.sampler):
        try:
            made = point.load()(otel.sampler_argument_text)
        except Exception as error:  # a package of anybody's; the default sampler serves as well
            fault("sampler", error)
            return None
        if isinstance(made, Sampler):
            return made
    return None
