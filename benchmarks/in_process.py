"""
Time and processor time of one request through `app(scope, receive, send)`.

The driver keeps one process a variant (three for `bare`: one process differs from the next by memory layout alone)
and asks them in shuffled order for a batch of requests; after some rounds all are replaced by fresh ones. A figure
is judged against `bare` in the same round, and medians are taken over the rounds.

Wall time is the request path as one client sees it; what exporter threads do meanwhile leaks into it, as in
production. The path's processor time is that of the event loop's thread alone: it says the same on a busy machine,
where wall time says more about the neighbours. Processor time with export is that of the whole process including a
flush after the batch: what the machine pays.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter, process_time, thread_time
from typing import Any

from benchmarks.exchange import KINDS, Lifespan, Request, send_request
from benchmarks.processes import Child, Sink, memory_megabytes, take_channel

BATCH = 200
"""Requests in a batch; the same for every variant, so that each exports its share within the batch."""

BARE_PROCESSES = 3


# --- the child: one variant, one batch for each question ------------------------------------------------------


async def serve_batches(variant: str) -> None:
    """
    Answer each line on standard input with the cost of a batch, in microseconds a request.
    """
    channel = take_channel()
    from benchmarks.apps import build

    built = build(variant)
    async with Lifespan(built.app):
        for kind in json.loads(sys.stdin.readline())["warm"]:
            await run_batch(built.app, KINDS[kind], 300)
        await built.flush()
        channel.write(json.dumps({"ready": variant}) + "\n")
        for line in sys.stdin:
            question = json.loads(line)
            cpu_before, path_before = process_time(), thread_time()
            wall = await run_batch(built.app, KINDS[question["kind"]], question["count"])
            path = thread_time() - path_before
            await built.flush()
            cpu = process_time() - cpu_before
            per_request = 1e6 / question["count"]
            answer = {"wall": wall * per_request, "path": path * per_request, "cpu": cpu * per_request}
            answer["peak"] = memory_megabytes(field="VmHWM")
            channel.write(json.dumps(answer) + "\n")


async def run_batch(app: Any, request: Request, count: int) -> float:
    """
    Seconds for `count` requests, one after the other.
    """
    started = perf_counter()
    for _ in range(count):
        await send_request(app, request)
    return perf_counter() - started


# --- the driver ---------------------------------------------------------------------------------------------


@dataclass
class Costs:
    """One variant and one kind of request; every list has one entry a round, in microseconds."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    path: list[float] = field(default_factory=list)
    """Processor time of the event loop's thread."""

    added: list[float] = field(default_factory=list)
    """Wall over that of `bare` in the same round."""

    added_path: list[float] = field(default_factory=list)
    """The same of the processor time of the event loop's thread."""

    times_bare: list[float] = field(default_factory=list)
    peak_megabytes: float = 0.0

    def add(self, answer: dict[str, float], bare: dict[str, float]) -> None:
        """
        Take in one batch.
        """
        self.wall.append(answer["wall"])
        self.cpu.append(answer["cpu"])
        self.path.append(answer["path"])
        self.added.append(answer["wall"] - bare["wall"])
        self.added_path.append(answer["path"] - bare["path"])
        self.times_bare.append(answer["wall"] / bare["wall"])
        self.peak_megabytes = max(self.peak_megabytes, answer["peak"])


Measured = dict[str, dict[str, Costs]]
"""Costs by variant, then by kind of request."""


def measure(
    variants: list[str],
    sink: Sink,
    generations: int,
    rounds: int,
    kinds: Sequence[str] = tuple(KINDS),
    processes: int = 1,
) -> Measured:
    """
    `generations` times fresh processes, each asked in `rounds` shuffled rounds.

    Args:
        processes: Of each variant but `bare` in one generation.
    """
    measured: Measured = {variant: {kind: Costs() for kind in kinds} for variant in variants}
    for _ in range(generations):
        children = start_children(variants, sink, kinds, processes)
        try:
            for _ in range(rounds):
                for kind in kinds:
                    run_round(children, kind, measured)
        finally:
            for _, child in children:
                child.close()
    return measured


def start_children(variants: list[str], sink: Sink, kinds: Sequence[str], processes: int) -> list[tuple[str, Child]]:
    """
    The processes of each variant, started one after the other so that none warms up beside another.
    """
    children: list[tuple[str, Child]] = []
    for variant in variants:
        for _ in range(BARE_PROCESSES if variant == "bare" else processes):
            child = Child("in_process", variant, environment=sink.environment(variant))
            children.append((variant, child))
            child.ask(warm=list(kinds))
    return children


def run_round(children: list[tuple[str, Child]], kind: str, measured: Measured) -> None:
    """
    One batch from every process, in an order of its own.
    """
    answers: dict[str, list[dict[str, float]]] = {}
    for variant, child in random.sample(children, len(children)):
        answers.setdefault(variant, []).append(child.ask(kind=kind, count=BATCH))
    typical = {
        variant: {name: statistics.median(batch[name] for batch in batches) for name in ("wall", "path", "cpu", "peak")}
        for variant, batches in answers.items()
    }
    for variant, answer in typical.items():
        measured[variant][kind].add(answer, typical["bare"])


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve_batches(sys.argv[1]))
