"""
The bars that the kit has to clear, judged on one run.

All but the import are ratios of figures from the same interleaved run, so that they survive the machine.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks import in_process, scale, scrape, start_up, under_load
from benchmarks.exchange import KINDS

KIT = "otel_kit"
INSTRUMENTATOR = "prometheus_fastapi_instrumentator"
ASSEMBLED = "assembled"


@dataclass
class Results:
    """What a run measured; a measure that was not asked for is empty."""

    in_process: in_process.Measured = field(default_factory=dict)
    under_load: under_load.Measured = field(default_factory=dict)
    start_up: dict[str, start_up.StartUp] = field(default_factory=dict)
    kit_import: start_up.KitImport | None = None
    scrape: list[scrape.Scrape] = field(default_factory=list)
    scale: list[scale.Point] = field(default_factory=list)
    received: dict[str, int] = field(default_factory=dict)
    """Items at the sink by `variant/signal`, from the two measures that send requests of every variant."""


@dataclass(frozen=True)
class Bar:
    """One requirement, what was measured, and whether it holds."""

    requirement: str
    measured: str
    holds: bool


def judge(results: Results) -> list[Bar]:
    """
    Every bar for which the run holds the figures.
    """
    return [*judge_in_process(results), *judge_load(results), *judge_scale(results), *judge_import(results)]


def judge_in_process(results: Results) -> Iterator[Bar]:
    """
    Added wall time and processor time against the instrumentator and the assembled stack.
    """
    measured = results.in_process
    for kind in KINDS:
        kit = measured.get(KIT, {}).get(kind)
        instrumentator = measured.get(INSTRUMENTATOR, {}).get(kind)
        assembled = measured.get(ASSEMBLED, {}).get(kind)
        if kit and instrumentator:
            added = ratio(kit.added, instrumentator.added)
            shown = (
                f"{added:.2f} x ({ratio(kit.added_path, instrumentator.added_path):.2f} x by the path's processor time)"
            )
            yield Bar(f"added time on {kind} ≤ 1.8 x the instrumentator's (goal 0.75)", shown, added <= 1.8)
        if kit and assembled:
            added = ratio(assembled.added, kit.added)
            shown = f"{added:.1f} x ({ratio(assembled.added_path, kit.added_path):.1f} x by the path's processor time)"
            yield Bar(f"the assembled stack's added time on {kind} ≥ 8 x the kit's", shown, added >= 8)
            cpu = ratio(assembled.cpu, kit.cpu)
            yield Bar(
                f"the assembled stack's processor time with export on {kind} ≥ 8 x the kit's", f"{cpu:.1f} x", cpu >= 8
            )


def judge_load(results: Results) -> Iterator[Bar]:
    """
    Throughput against the bare application.
    """
    for kind, load in results.under_load.get(KIT, {}).items():
        share = statistics.median(load.share)
        yield Bar(f"requests a second on {kind} ≥ 0.5 of bare", f"{share:.2f}", share >= 0.5)


def judge_scale(results: Results) -> Iterator[Bar]:
    """
    A request with many routes or clients costs what bare costs there plus what the kit adds with one, within 10 %.
    """
    for axis in scale.POINTS:
        points = [point for point in results.scale if point.variant == KIT and point.axis == axis]
        for point in points[1:]:
            growth = (point.bare + point.added) / (point.bare + points[0].added)
            yield Bar(
                f"cost flat within 10 % at {point.size:,} {axis}",
                f"{growth:.3f} x (added {points[0].added:.0f} to {point.added:.0f} ± {point.spread:.0f} µs)",
                growth <= 1.1,
            )


def judge_import(results: Results) -> Iterator[Bar]:
    """
    The kit's own part of the start; set-up counts too, as it imports what the settings ask for.
    """
    if results.kit_import:
        whole = statistics.median(results.kit_import.import_and_setup_ms)
        alone = statistics.median(results.kit_import.import_ms)
        yield Bar(
            "import with set-up ≤ 150 ms over FastAPI and the SDK", f"{whole:.0f} ms (import {alone:.0f})", whole <= 150
        )


def ratio(numerator: list[float], denominator: list[float]) -> float:
    """
    Of two medians.
    """
    return statistics.median(numerator) / statistics.median(denominator)
