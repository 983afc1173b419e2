"""
The tables of a run, in Markdown.

Reads results and decides nothing; the bars are judged in `bars`.
"""

from __future__ import annotations

import platform
import statistics
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks import in_process, pages, profiles, scale, scrape, start_up, under_load
from benchmarks.apps import EXPORTED
from benchmarks.bars import Bar, Results
from benchmarks.exchange import KINDS
from benchmarks.markdown import table
from benchmarks.probes import PROBERS, Probed

median = statistics.median

STEADY = 1.5
"""The largest factor between two rounds of `bare` on a machine that does nothing else."""


def render(results: Results, bars: list[Bar], title: str) -> str:
    """
    The whole report.
    """
    sections = [
        ("Bars", bars_table(bars)),
        ("In process: one request through the application", in_process_table(results.in_process)),
        ("Under uvicorn with wrk", load_table(results.under_load)),
        ("What arrived at the sink", received_table(results)),
        ("Start-up and memory", start_up_table(results.start_up)),
        ("One scrape of `/metrics`", scrape_table(results.scrape)),
        ("Many routes, many clients", scale_table(results.scale)),
        ("Rate limits", limiters_table(results.limiters)),
        ("One decision of the limiter in memory", decisions_table(results.decisions)),
        ("Probes", probes_table(results.probed)),
        ("Profiles: one request", profiles_table(results.profiles)),
        ("Profiles: `/metrics` under load", pages_table(results.pages)),
    ]
    shown = [f"## {heading}\n\n{body}" for heading, body in sections if body]
    return "\n\n".join([f"# {title}", versions(), *steadiness(results), *shown]) + "\n"


def steadiness(results: Results) -> list[str]:
    """
    A warning when `bare` itself varied so much that the machine must have been busy with something else.
    """
    series = [costs.wall for costs in results.in_process.get("bare", {}).values()]
    series += [load.rate for load in results.under_load.get("bare", {}).values()]
    spread = max((max(values) / min(values) for values in series), default=1.0)
    if spread <= STEADY:
        return []
    return [
        f"**The machine was busy**: `bare` varied by a factor of {spread:.1f} between rounds. "
        "Wall times and rates of this run say little; processor times say more."
    ]


def versions() -> str:
    """
    What was measured, on what.
    """
    here = Path(__file__).with_name("requirements.txt").read_text().splitlines()
    names = [line.partition(">=")[0].strip() for line in here if line and not line.startswith("#")]
    installed = ", ".join(f"{name} {installed_version(name)}" for name in names)
    return f"Python {platform.python_version()} on {platform.machine()}; {installed}."


def installed_version(name: str) -> str:
    """
    The version in this environment.
    """
    try:
        return version(name)
    except PackageNotFoundError:
        return "(absent)"


def bars_table(bars: list[Bar]) -> str:
    """
    The verdicts, a row a bar.
    """
    rows = [(bar.requirement, bar.measured, bar.verdict) for bar in bars]
    return table(("bar", "measured", "result"), rows)


def in_process_table(measured: in_process.Measured) -> str:
    """
    Microseconds a request, medians over the rounds.
    """

    def cells(costs: in_process.Costs) -> Iterator[str]:
        quartiles = statistics.quantiles(costs.wall, n=4) if len(costs.wall) > 1 else costs.wall * 3
        yield f"{median(costs.wall):.0f} ({quartiles[0]:.0f} to {quartiles[2]:.0f})"
        yield f"{median(costs.times_bare):.2f}"
        yield f"{median(costs.added):+.0f}"
        yield f"{median(costs.added_path):+.0f}"
        yield f"{median(costs.cpu):.0f}"

    header = ["variant"]
    for kind in KINDS:
        header += [f"{kind} wall µs (q1 to q3)", "x bare", "added", "added CPU of the path", "CPU with export"]
    rows = []
    for variant, kinds in measured.items():
        peak = max(costs.peak_megabytes for costs in kinds.values())
        rows.append([variant, *(cell for kind in KINDS for cell in cells(kinds[kind])), f"{peak:.0f}"])
    return table([*header, "peak RSS MB"], rows)


def load_table(measured: under_load.Measured) -> str:
    """
    Rates, latencies and processor time of the server.
    """
    header = ["variant"]
    for kind in KINDS:
        header += [f"{kind} requests/s", "share of bare", "p50 ms", "p99 ms", "CPU µs/request"]
    rows = []
    for variant, kinds in measured.items():
        row = [variant]
        for kind in KINDS:
            load = kinds[kind]
            row += [f"{median(load.rate):.0f}", f"{median(load.share):.2f}", f"{median(load.p50_ms):.1f}"]
            row += [f"{median(load.p99_ms):.1f}", f"{median(load.cpu):.0f}"]
        rows.append([*row, f"{max(load.megabytes for load in kinds.values()):.0f}"])
    return table([*header, "RSS MB"], rows)


def received_table(results: Results) -> str:
    """
    Spans and log records a request: a variant that drops what it should export looks cheaper than it is.
    """
    rows = []
    for variant, signals in EXPORTED.items():
        counted = {signal: results.received.get(f"{variant}/{signal}", 0) for signal in signals}
        if any(counted.values()):
            rows.append((variant, *(f"{counted.get(signal, 0):,}" for signal in ("traces", "logs", "metrics"))))
    return table(("variant", "spans", "log records", "bytes of metrics"), rows)


def start_up_table(measured: dict[str, start_up.StartUp]) -> str:
    """
    Cold processes, medians.
    """
    if not measured:
        return ""
    bare = measured["bare"]
    rows = [
        (
            variant,
            f"{median(start.built_ms):.0f}",
            f"{median(start.built_ms) - median(bare.built_ms):+.0f}",
            f"{median(start.answered_ms):.0f}",
            f"{median(start.megabytes):.0f}",
            f"{median(start.megabytes) - median(bare.megabytes):+.0f}",
            f"{start.modules}",
        )
        for variant, start in measured.items()
    ]
    return table(
        ("variant", "built ms", "over bare", "first answer ms", "RSS MB", "over bare", "modules"),
        rows,
    )


def scrape_table(measured: list[scrape.Scrape]) -> str:
    """
    Milliseconds for a whole scrape.
    """
    rows = [
        (
            f"{one.source}, {one.shape}",
            f"{one.lines:,}",
            f"{one.first_ms:.2f}",
            f"{one.typical_ms:.2f}",
            f"{one.kilobytes:.0f}",
        )
        for one in measured
    ]
    return table(("source", "lines", "first ms", "typical ms", "KiB"), rows)


def scale_table(measured: list[scale.Point]) -> str:
    """
    Added cost by number of routes and clients.
    """
    rows = [
        (
            f"{point.axis}, {point.variant}",
            f"{point.size:,}",
            f"{point.seen:,}",
            f"{point.bare:.0f}",
            f"{point.added:+.1f} ± {point.spread:.1f}",
            f"{point.yardstick:.0f}",
            f"{point.grown_megabytes:.0f}",
            f"{point.metrics_kilobytes:.0f}",
        )
        for point in measured
    ]
    header = (
        *("axis, variant", "size", "really seen", "bare CPU µs", "added CPU µs", "yardstick µs"),
        *("RSS growth MB", "`/metrics` KiB"),
    )
    return table(header, rows)


def limiters_table(added: dict[str, float]) -> str:
    """
    What each limiter adds to a GET that passes.
    """
    rows = [(variant, f"{cost:+.0f}") for variant, cost in added.items()]
    return table(("limiter", "added wall µs"), rows)


def decisions_table(measured: dict[int, dict[str, float]]) -> str:
    """
    By number of clients; the time includes making the client's address.
    """
    rows = [
        (f"{clients:,}", f"{cost['microseconds']:.1f}", f"{cost['megabytes']:.0f}")
        for clients, cost in measured.items()
    ]
    return table(("clients", "CPU µs", "RSS growth MB"), rows)


def probes_table(probed: Probed | None) -> str:
    """
    An ordinary request, without probers and with them.
    """
    if probed is None:
        return ""
    rows = [
        ("without probers", f"{probed.alone_p50:.2f}", f"{probed.alone_p99:.2f}", "", ""),
        (
            f"with {PROBERS} probers",
            f"{probed.probed_p50:.2f}",
            f"{probed.probed_p99:.2f}",
            f"{probed.probes:,}",
            f"{probed.runs:,}",
        ),
    ]
    return table(("ordinary requests", "p50 ms", "p99 ms", "probes", "runs of the busiest check"), rows)


def profiles_table(measured: profiles.Measured) -> str:
    """
    Processor time in microseconds, and in brackets what it is of goblin's, round by round.
    """
    header = ["profile"]
    for kind in KINDS:
        header += [f"{kind} wall, x goblin", "CPU of the path", "added CPU of the path", "CPU with export"]
    rows = []
    for name, kinds in measured.items():
        row = [name]
        for cost in kinds.values():
            row += [f"{cost.wall_ratio:.2f}", f"{cost.path:.0f} ({cost.path_ratio:.2f})"]
            row += [f"{cost.added_path:+.0f} ({cost.added_ratio:.2f})", f"{cost.cpu:.0f} ({cost.cpu_ratio:.2f})"]
        rows.append(row)
    return table(header, rows)


def pages_table(measured: dict[str, pages.Page]) -> str:
    """
    Scrapes under load, and the 99th percentile of requests meanwhile.
    """
    header = ("profile", "lines", "KiB", "KiB sent", "p50 ms", "p99 ms", "scrapes", "document p50 ms", "p99 ms")
    paces = ("requests' p99 ms alone", "scraped each second", "ten times a second")
    rows = []
    for name, page in measured.items():
        row = [name, f"{page.lines:,}", f"{page.size:.0f}", f"{page.sent:.0f}"]
        row += [*percentiles(page.scrapes), f"{len(page.scrapes)}", *percentiles(page.documents)]
        rows.append([*row, *(f"{median(values):.1f}" for values in (page.alone, page.once, page.frequent))])
    return table((*header, *paces), rows)


def percentiles(values: list[float]) -> tuple[str, str]:
    """
    The 50th and the 99th, or nothing of nothing.
    """
    if len(values) < 2:
        return "", ""
    return f"{median(values):.1f}", f"{statistics.quantiles(values, n=100, method='inclusive')[98]:.1f}"
