"""
What the Collector costs: `python -m benchmarks.collector [--quick] [--write FILE]`.

10 000 spans a second with twenty attributes each and 1 000 log lines a second, through the files of `collector/`
into a store that discards: processor time, anonymous memory, and whether all that was accepted arrived. Exits 1 when
a bar fails. A row takes its minute and some seconds.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from benchmarks.bars import Bar, agreed
from benchmarks.collector_run import Outcome, Rate, Row, measure
from benchmarks.markdown import table
from benchmarks.report import bars_table
from e2e.programs import find

ALL = ("tempo", "jaeger", "loki", "prometheus")

ROWS = (
    Row("receive and discard", redacts=False),
    Row("receive, redact and discard", redacts=True),
    Row("receive and one backend (Tempo)", redacts=False, backends=("tempo",)),
    Row("receive, redact and one backend (Tempo)", redacts=True, backends=("tempo",)),
    Row("the same, from senders that redact themselves", redacts=True, backends=("tempo",), marked=True),
    Row("receive and four backends", redacts=False, backends=ALL),
    Row("receive, redact and four backends", redacts=True, backends=ALL),
    Row("the same four, from senders that redact themselves", redacts=True, backends=ALL, marked=True),
)

BAR_PERCENT = 65.0
GOAL_PERCENT = 30.0
BAR_MEBIBYTES = 150.0
BUSY_PERCENT = 20.0
"""Of one core: when others used more than this, the figures are those of a busy machine."""


def main() -> int:
    """
    Parse, measure, print, judge.
    """
    options = parse_options()
    rate = Rate(seconds=10 if options.quick else options.seconds, spans=options.spans, logs=options.logs)
    outcomes = []
    for row in ROWS:
        if not options.only or any(word in row.name for word in options.only):
            print(f"measuring: {row.name}", file=sys.stderr, flush=True)
            outcomes.append(measure(row, rate))
    judged = list(judge(outcomes))
    text = render(outcomes, judged, rate)
    print(text)
    if options.write:
        with options.write.open("a", encoding="utf-8") as report:
            report.write("\n" + text)
    return 0 if all(bar.verdict != "FAIL" for bar in judged) else 1


def parse_options() -> argparse.Namespace:
    """
    The command line.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collector", description="What the Collector costs.")
    parser.add_argument("--quick", action="store_true", help="ten seconds a row")
    parser.add_argument("--seconds", type=float, default=60, help="a row's load (60)")
    parser.add_argument("--spans", type=int, default=10_000, metavar="PER_SECOND")
    parser.add_argument("--logs", type=int, default=1_000, metavar="PER_SECOND")
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="rows whose name has one of these in it")
    parser.add_argument("--write", type=Path, metavar="FILE", help="append the report to a file")
    return parser.parse_args()


def judge(outcomes: list[Outcome]) -> Iterator[Bar]:
    """
    Cost of the row that the bar is about; memory and loss of all.
    """
    for outcome in outcomes:
        if outcome.row.redacts and len(outcome.row.backends) == 1:
            whole = outcome.percent_at_full_rate
            yield Bar(
                f"{outcome.row.name} ≤ {BAR_PERCENT:.0f} % of one core (goal {GOAL_PERCENT:.0f} %)",
                f"{outcome.cpu_percent:.0f} % ({whole:.0f} % at the full rate)",
                agreed(outcome.cpu_percent <= BAR_PERCENT, whole <= BAR_PERCENT),
            )
    if outcomes:
        largest = max(outcome.anonymous_mebibytes for outcome in outcomes)
        small = largest <= BAR_MEBIBYTES
        # a Collector that is kept from its core holds the requests that pile up meanwhile
        starved = others(outcomes) > BUSY_PERCENT
        requirement = f"anonymous memory ≤ {BAR_MEBIBYTES:.0f} MiB in every row"
        yield Bar(requirement, f"{largest:.0f} MiB", agreed(small, small or starved))
        lost = {f"{one.row.name}, {name}": one.lost(name) for one in outcomes for name in one.arrived if one.lost(name)}
        measured = "; ".join(f"{name}: {count}" for name, count in lost.items()) or "0"
        yield Bar("nothing lost that was accepted", measured, agreed(not any(count > 0 for count in lost.values())))


def render(outcomes: list[Outcome], judged: list[Bar], rate: Rate) -> str:
    """
    One section of the report.
    """
    offered = f"{rate.spans:,} spans and {rate.logs:,} log lines a second for {rate.seconds:g} s a row"
    parts = [f"## {date.today()}: {offered}", versions(), *busy(outcomes), bars_table(judged), rows_table(outcomes)]
    return "\n\n".join(parts) + "\n"


def versions() -> str:
    """
    What was measured, on what.
    """
    collector = subprocess.run([find("collector"), "--version"], capture_output=True, text=True, check=True).stdout
    model = next(
        (line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return f"{collector.strip()}; {os.cpu_count()} cores, {model}."


def busy(outcomes: list[Outcome]) -> list[str]:
    """
    A warning when others used the machine too.
    """
    used = others(outcomes)
    if used <= BUSY_PERCENT:
        return []
    return [f"**The machine was busy**: other processes used up to {used:.0f} % of a core."]


def others(outcomes: list[Outcome]) -> float:
    """
    Of one core, in the busiest row.
    """
    return max((outcome.others_percent for outcome in outcomes), default=0.0)


def rows_table(outcomes: list[Outcome]) -> str:
    """
    A row a set of files.
    """
    header = (
        "files",
        "CPU % of one core",
        "anonymous MiB",
        "spans/s",
        "log lines/s",
        "refused",
        "lost",
        "sender CPU %",
    )
    return table(header, (cells(outcome) for outcome in outcomes))


def cells(outcome: Outcome) -> tuple[str, ...]:
    """
    One outcome in words.
    """
    rates = [outcome.sent[signal]["accepted"] / outcome.sent[signal]["seconds"] for signal in ("traces", "logs")]
    refused = sum(signal["refused"] for signal in outcome.sent.values())
    return (
        outcome.row.name,
        f"{outcome.cpu_percent:.0f}",
        f"{outcome.anonymous_mebibytes:.0f}",
        *(f"{rate:,.0f}" for rate in rates),
        f"{refused:,}",
        f"{sum(outcome.lost(name) for name in outcome.arrived):,}",
        f"{outcome.sender_percent:.0f}",
    )


if __name__ == "__main__":
    sys.exit(main())
