"""
What it costs when a part of two tiers is away: `python -m benchmarks.collector_tiers [--quick] [--write FILE]`.

Two agents and two gateways on loopback under a steady load. One of them is stopped, or killed, for a while in the
middle. Every span that an agent accepted is looked for in the stores: lost, stored, stored twice.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.collector_items import ITEMS, encode_spans
from benchmarks.collector_load import Connection
from benchmarks.markdown import table
from e2e.programs import Collector
from e2e.tiers import Tiers, two_tiers

SPANS_PER_SECOND = 1_000
"""By each agent; the stores are files, so this is no measure of speed."""

SETTLED_SECONDS = 30.0
"""Nothing new for so long is the end, where something is missing: longer than any pause between two repeats."""

ALL_KEPT = {"OTEL_KIT_COLLECTOR_SAMPLING": "1", "OTEL_KIT_COLLECTOR_SAMPLING_WAIT": "5s"}


@dataclass(frozen=True)
class Case:
    """What goes away, and how."""

    name: str
    away: Callable[[Tiers], Collector]
    end: Callable[[Collector], object]
    sampling: bool = False


@dataclass(frozen=True)
class Cost:
    """What became of the spans of one case."""

    case: Case
    accepted: int
    refused: int
    stored: int
    doubled: int
    """Stored more than once."""

    alive: int
    """Spans that reached the stores while it was away."""

    late_seconds: float
    """From the return of what was away to the last span's arrival."""


def first_agent(tiers: Tiers) -> Collector:
    """
    One of the senders' side.
    """
    return tiers.agents[0]


def second_gateway(tiers: Tiers) -> Collector:
    """
    One of the stores' side.
    """
    return tiers.gateways[1]


CASES = (
    Case("a gateway is stopped", second_gateway, Collector.stop),
    Case("a gateway is killed", second_gateway, Collector.kill),
    Case("a gateway that samples is stopped", second_gateway, Collector.stop, sampling=True),
    Case("a gateway that samples is killed", second_gateway, Collector.kill, sampling=True),
    Case("an agent is killed", first_agent, Collector.kill),
)


def main() -> int:
    """
    Parse, measure, print. Exits 1 when spans were lost where none may be.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collector_tiers")
    parser.add_argument("--quick", action="store_true", help="away for 5 seconds instead of 20")
    parser.add_argument("--write", type=Path, metavar="FILE", help="append the report to a file")
    options = parser.parse_args()
    away = 5.0 if options.quick else 20.0
    costs = []
    for case in CASES:
        print(f"measuring: {case.name}", file=sys.stderr, flush=True)
        costs.append(measure(case, away))
    text = render(costs, away)
    print(text)
    if options.write:
        with options.write.open("a", encoding="utf-8") as report:
            report.write("\n" + text)
    return 1 if any(cost.stored < cost.accepted and not cost.case.sampling for cost in costs) else 0


def measure(case: Case, away_seconds: float) -> Cost:
    """
    Five seconds before, a while without it, five seconds after.
    """
    files = ("backends/tempo.yaml", *(["overlays/sampling.yaml"] if case.sampling else []))
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-tiers-") as place,
        two_tiers(Path(place), ALL_KEPT if case.sampling else {}, *files) as tiers,
    ):
        connections = [
            Connection(agent.url, "/v1/traces", encode_spans({}), SPANS_PER_SECOND, {}) for agent in tiers.agents
        ]
        threads = [threading.Thread(target=each.run, args=(away_seconds + 10,)) for each in connections]
        for thread in threads:
            thread.start()
        time.sleep(5)
        case.end(case.away(tiers))
        before = stored(tiers).total()
        time.sleep(away_seconds)
        alive = stored(tiers).total() - before
        case.away(tiers).start()
        back = time.monotonic()
        for thread in threads:
            thread.join()
        accepted = sum(each.sent.accepted for each in connections)
        last = settled(tiers, accepted)
        spans = stored(tiers)
        return Cost(
            case=case,
            accepted=accepted,
            refused=sum(each.sent.refused for each in connections),
            stored=len(spans),
            doubled=sum(times > 1 for times in spans.values()),
            alive=alive,
            late_seconds=max(last - back, 0.0),
        )


def stored(tiers: Tiers) -> Counter[tuple[str, str]]:
    """
    How often each span is in the stores, by trace and span id.
    """
    return Counter((span["traceId"], span["spanId"]) for store in tiers.stores for span in store.spans())


def settled(tiers: Tiers, accepted: int) -> float:
    """
    The moment at which the last span arrived: all that was accepted is there, or nothing new has come for long.
    """
    size, since, complete = -1, time.monotonic(), False
    while not complete and time.monotonic() < since + SETTLED_SECONDS:
        time.sleep(0.5)
        here = sum(path_bytes(store.directory / "traces.jsonl") for store in tiers.stores)
        if here != size:
            size, since = here, time.monotonic()
        else:
            complete = len(stored(tiers)) >= accepted
    return since


def path_bytes(path: Path) -> int:
    """
    Size of a file; 0 before it is there.
    """
    return path.stat().st_size if path.exists() else 0


def render(costs: list[Cost], away_seconds: float) -> str:
    """
    One section of the report.
    """
    header = ("case", "accepted", "refused", "lost", "stored twice", "stored meanwhile", "last one after s")
    rows = [
        (
            cost.case.name,
            f"{cost.accepted:,}",
            f"{cost.refused:,}",
            f"{cost.accepted - cost.stored:,}",
            f"{cost.doubled:,}",
            f"{cost.alive:,}",
            f"{cost.late_seconds:.1f}",
        )
        for cost in costs
    ]
    heading = (
        f"## {date.today()}: two tiers, one of them away for {away_seconds:g} s, "
        f"{2 * SPANS_PER_SECOND:,} spans a second in requests of {ITEMS}"
    )
    return f"{heading}\n\n{table(header, rows)}\n"


if __name__ == "__main__":
    sys.exit(main())
