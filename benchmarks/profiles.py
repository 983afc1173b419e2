"""
What a request costs with each profile, beside goblin.

Owns the variants: the kit with everything on, as elsewhere, and one profile after the other. The limits that a profile
documents give way to one that is never met, so that all judge the same.

The costs themselves are those of `in_process`. Each is held against goblin's in the same round; two processes of one
profile differ by a few hundredths through memory layout alone, so each profile has several in every generation.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks import in_process
from benchmarks.apps import EXPORTED, Built, add_routes, build_kit
from benchmarks.exchange import KINDS, UnexpectedAnswer
from benchmarks.processes import Sink
from otel_kit.profiles import BUILT_IN

REFERENCE = "goblin"
PROCESSES = 2

VARIANTS: dict[str, Callable[[], Built]] = {
    f"otel_kit_{profile}": partial(build_kit, add_routes, profile) for profile in BUILT_IN
}


@dataclass(frozen=True)
class Cost:
    """
    One profile and one kind of request, medians over the rounds: microseconds, and ratios to goblin's.
    """

    path: float
    """Processor time of the event loop's thread."""

    added_path: float
    """The same over that of `bare`."""

    cpu: float
    """Processor time of the whole process, with the export of everything."""

    wall_ratio: float
    path_ratio: float
    added_ratio: float
    """Of `added_path`: what the kit alone costs, without the application."""

    cpu_ratio: float


Measured = dict[str, dict[str, Cost]]
"""Costs by profile, then by kind of request."""


def measure(sink: Sink, generations: int, rounds: int) -> Measured:
    """
    All profiles side by side.

    Raises:
        UnexpectedAnswer: The sink has nothing of a signal from one of them.
    """
    costs = in_process.measure(["bare", *VARIANTS], sink, generations, rounds, processes=PROCESSES)
    received = sink.counts()
    for variant, signal in itertools.product(VARIANTS, EXPORTED["otel_kit"]):
        if not received.get(f"{variant}/{signal}"):
            raise UnexpectedAnswer(f"{variant} exported no {signal}")
    return {
        profile: {kind: beside(costs[variant][kind], costs[f"otel_kit_{REFERENCE}"][kind]) for kind in KINDS}
        for profile, variant in zip(BUILT_IN, VARIANTS, strict=True)
    }


def beside(costs: in_process.Costs, reference: in_process.Costs) -> Cost:
    """
    Medians of what was measured, and of its ratios to the reference round by round.
    """
    return Cost(
        path=statistics.median(costs.path),
        added_path=statistics.median(costs.added_path),
        cpu=statistics.median(costs.cpu),
        wall_ratio=middle_ratio(costs.wall, reference.wall),
        path_ratio=middle_ratio(costs.path, reference.path),
        added_ratio=middle_ratio(costs.added_path, reference.added_path),
        cpu_ratio=middle_ratio(costs.cpu, reference.cpu),
    )


def middle_ratio(values: list[float], reference: list[float]) -> float:
    """
    The median of the rounds' ratios.
    """
    return statistics.median(value / other for value, other in zip(values, reference, strict=True))
