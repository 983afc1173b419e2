"""
What a variant adds to the start of a process: time, modules and memory. And what importing the kit costs.

Every figure is the median of cold processes; the byte code is cached, as in a deployed image. The kit's import is
timed in a process that has imported FastAPI and OpenTelemetry's SDK before, so that only its own part counts.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import sys
from dataclasses import dataclass, field
from importlib import import_module
from time import perf_counter, process_time

from benchmarks.processes import Child, Sink, memory_megabytes, take_channel

KIT_IMPORT = "kit_import"


# --- the children ---------------------------------------------------------------------------------------------


async def time_variant(variant: str) -> dict[str, float]:
    """
    From the first import to the first answer, in milliseconds.
    """
    started = perf_counter()
    from benchmarks.apps import build
    from benchmarks.exchange import GET, Lifespan, send_request

    built = build(variant)
    built_at = perf_counter()
    async with Lifespan(built.app):
        await send_request(built.app, GET)
        return {
            "built": (built_at - started) * 1000,
            "answered": (perf_counter() - started) * 1000,
            "megabytes": memory_megabytes(),
            "modules": len(sys.modules),
        }


async def time_kit_import() -> dict[str, float]:
    """
    The kit's import, and its import with set-up, in milliseconds over FastAPI and the SDK.
    """
    for signal in ("_logs", "metrics", "trace"):
        import_module(f"opentelemetry.sdk.{signal}.export")
    app = import_module("fastapi").FastAPI()
    # what those have left to collect is theirs: a full collection of some 25 ms would come due during the kit's import
    gc.collect()
    started, cpu_started = perf_counter(), process_time()
    from otel_kit import setup_observability

    imported = perf_counter()
    setup_observability(app)
    return {
        "import": (imported - started) * 1000,
        "import_and_setup": (perf_counter() - started) * 1000,
        "cpu": (process_time() - cpu_started) * 1000,
    }


# --- the driver -----------------------------------------------------------------------------------------------


@dataclass
class StartUp:
    """One entry a cold process."""

    built_ms: list[float] = field(default_factory=list)
    answered_ms: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    modules: int = 0


@dataclass
class KitImport:
    """Milliseconds over FastAPI and the SDK, one entry a cold process."""

    import_ms: list[float] = field(default_factory=list)
    import_and_setup_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    """Processor time of the latter."""


def measure(variants: list[str], sink: Sink, rounds: int) -> dict[str, StartUp]:
    """
    `rounds` cold processes of every variant, shuffled; one unmeasured round first, which writes the byte code.
    """
    measured = {variant: StartUp() for variant in variants}
    for round_number in range(rounds + 1):
        for variant in random.sample(variants, len(variants)):
            answer = ask_once(variant, sink)
            if round_number:
                measured[variant].built_ms.append(answer["built"])
                measured[variant].answered_ms.append(answer["answered"])
                measured[variant].megabytes.append(answer["megabytes"])
                measured[variant].modules = int(answer["modules"])
    return measured


def measure_kit_import(sink: Sink, rounds: int) -> KitImport:
    """
    `rounds` cold processes that import the kit last.
    """
    measured = KitImport()
    for _ in range(rounds):
        answer = ask_once(KIT_IMPORT, sink)
        measured.import_ms.append(answer["import"])
        measured.import_and_setup_ms.append(answer["import_and_setup"])
        measured.cpu_ms.append(answer["cpu"])
    return measured


def ask_once(subject: str, sink: Sink) -> dict[str, float]:
    """
    One cold process and its one answer.
    """
    child = Child("start_up", subject, environment=sink.environment("start_up"))
    try:
        answer: dict[str, float] = child.read()
        return answer
    finally:
        child.close()


if __name__ == "__main__":
    channel = take_channel()
    subject = sys.argv[1]
    answer = asyncio.run(time_kit_import() if subject == KIT_IMPORT else time_variant(subject))
    channel.write(json.dumps(answer) + "\n")
