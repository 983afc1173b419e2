"""
The driver: `python -m benchmarks.run [--quick] [--only MEASURE ...] [--write FILE]`.

Runs every variant side by side in one run of fresh, interleaved processes, prints the tables and judges the bars.
Exits 1 when a bar fails.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks import (
    apps,
    bars,
    decisions,
    in_process,
    limiters,
    pages,
    probes,
    profiles,
    report,
    scale,
    scrape,
    start_up,
    under_load,
)
from benchmarks.bars import KIT, Results
from benchmarks.exchange import UnexpectedAnswer
from benchmarks.processes import Sink, running_sink

MEASURES = ("in-process", "load", "start-up", "scrape", "limits", "probes", "profiles", "scale")


@dataclass(frozen=True)
class Effort:
    """How much of everything: more rounds give steadier medians."""

    generations: int
    rounds: int
    load_rounds: int
    load_seconds: int
    profile_generations: int
    page_rounds: int
    page_seconds: int
    cold_starts: int
    import_starts: int
    scale_seconds: float
    scale_processes: int
    scaled: dict[str, float]
    """Variants measured with many routes and clients, and the seconds each may take to let the clients in."""


THOROUGH = Effort(
    generations=4,
    rounds=6,
    load_rounds=4,
    load_seconds=2,
    profile_generations=8,
    page_rounds=3,
    page_seconds=4,
    cold_starts=3,
    import_starts=7,
    scale_seconds=5.0,
    scale_processes=3,
    # the kit has time for the whole million
    scaled={"prometheus_fastapi_instrumentator": 10.0, "opentelemetry_contrib": 10.0, "assembled": 10.0, KIT: 200.0},
)
QUICK = Effort(
    generations=2,
    rounds=3,
    load_rounds=1,
    load_seconds=1,
    profile_generations=2,
    page_rounds=1,
    page_seconds=2,
    cold_starts=1,
    import_starts=3,
    scale_seconds=1.0,
    scale_processes=1,
    scaled={KIT: 4.0},
)


def main() -> int:
    """
    Parse, measure, print, judge.
    """
    options = parse_options()
    effort = QUICK if options.quick else THOROUGH
    variants = [variant for variant in apps.VARIANTS if variant not in options.without]
    with running_sink() as sink:
        results = measure(set(options.only or MEASURES), variants, effort, sink)
    judged = bars.judge(results)
    text = report.render(results, judged, f"Results of {date.today()}" + (" (quick run)" if options.quick else ""))
    print(text)
    if options.write:
        options.write.write_text(text)
    return 0 if all(bar.verdict != "FAIL" for bar in judged) else 1


def parse_options() -> argparse.Namespace:
    """
    The command line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run", description="What the kit costs beside its peers."
    )
    parser.add_argument("--quick", action="store_true", help="about two minutes, with fewer rounds")
    parser.add_argument("--only", choices=MEASURES, nargs="+", help="measure just these")
    parser.add_argument("--without", choices=list(apps.VARIANTS), nargs="+", default=[], help="leave variants out")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write the report to a file")
    return parser.parse_args()


def measure(wanted: set[str], variants: list[str], effort: Effort, sink: Sink) -> Results:
    """
    What was asked for, one measure after the other: they would disturb each other.
    """
    results = Results()
    if "in-process" in wanted:
        say("in process")
        results.in_process = in_process.measure(variants, sink, effort.generations, effort.rounds)
    if "load" in wanted and under_load.available():
        say("under load")
        results.under_load = under_load.measure(variants, sink, effort.load_rounds, effort.load_seconds)
    elif "load" in wanted:
        say("under load: left out, it needs wrk and two cores")
    results.received = sink.counts()
    check_exports(results, variants)
    if "start-up" in wanted:
        say("start-up")
        results.start_up = start_up.measure(variants, sink, effort.cold_starts)
        if KIT in variants:
            results.kit_import = start_up.measure_kit_import(sink, effort.import_starts)
    if "scrape" in wanted:
        say("scrapes")
        sources = [source for source in scrape.SOURCES if source in variants or source != KIT]
        results.scrape = scrape.measure(sources, sink)
    if "limits" in wanted:
        say("rate limits")
        results.limiters = limiters.measure(sink, effort.generations, effort.rounds)
        results.decisions = decisions.measure(sink)
    if "probes" in wanted:
        say("probes")
        results.probed = probes.measure(sink)
    if "profiles" in wanted:
        measure_profiles(results, effort, sink)
    if "scale" in wanted:
        say("routes and clients")
        scaled = {variant: seconds for variant, seconds in effort.scaled.items() if variant in variants}
        results.scale = scale.measure(scaled, sink, effort.scale_seconds, effort.scale_processes)
    return results


def measure_profiles(results: Results, effort: Effort, sink: Sink) -> None:
    """
    One request with each profile, then its `/metrics`.
    """
    say("profiles")
    results.profiles = profiles.measure(sink, effort.profile_generations, effort.rounds)
    if under_load.available():
        say("pages of profiles")
        results.pages = pages.measure(sink, effort.page_rounds, effort.page_seconds)
    else:
        say("pages of profiles: left out, they need wrk and two cores")


def check_exports(results: Results, variants: list[str]) -> None:
    """
    A variant that sent nothing was not doing its work.

    Raises:
        UnexpectedAnswer: The sink has nothing of a signal that the variant exports.
    """
    if not (results.in_process or results.under_load):
        return
    for variant in variants:
        for signal in apps.EXPORTED.get(variant, ()):
            if not results.received.get(f"{variant}/{signal}"):
                raise UnexpectedAnswer(f"{variant} exported no {signal}")


def say(what: str) -> None:
    """
    Progress, beside the report.
    """
    print(f"measuring: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
