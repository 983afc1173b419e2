"""
What one decision of the limiter costs with one client and with a million, in memory.

A child for each number of clients lets all of them in, then measures decisions for clients spread over all of them,
in processor time of its thread. A tight loop would measure a warm cache: so each client comes once in a stretch.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from time import thread_time

from benchmarks.processes import Child, Sink, memory_megabytes, take_channel

CLIENTS = (1, 10_000, 100_000, 1_000_000)
STRETCH = 2_000
STRETCHES = 25


async def time_decisions(clients: int) -> dict[str, float]:
    """
    Microseconds a decision, and how much memory the clients take.
    """
    from otel_kit.context import RequestRecord
    from otel_kit.identity import Identities
    from otel_kit.ratelimit import Limiter, build_rules
    from otel_kit.settings import Settings

    limiter = Limiter(
        build_rules({"/": "1000000/minute"}),
        identities=Identities([], None, ()),
        identify=None,
        enabled=True,
        storage_url=Settings().ratelimit_storage_url,
    )
    await limiter.start()
    scope = {"type": "http", "path": "/items", "root_path": "", "headers": [(b"host", b"localhost")]}
    record = RequestRecord(scope, "id")

    def judge(number: int) -> None:
        record.client, record.identity = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", None
        limiter.judge(record, scope)

    before = memory_megabytes()
    for number in range(clients):
        judge(number)
    costs = []
    for stretch in range(STRETCHES):
        numbers = [(stretch * STRETCH + number) * 7_919 % clients for number in range(STRETCH)]
        started = thread_time()
        for number in numbers:
            judge(number)
        costs.append((thread_time() - started) * 1e6 / STRETCH)
    return {"microseconds": statistics.median(costs), "megabytes": memory_megabytes() - before}


def measure(sink: Sink) -> dict[int, dict[str, float]]:
    """
    A fresh process for each number of clients.
    """
    found: dict[int, dict[str, float]] = {}
    for clients in CLIENTS:
        child = Child("decisions", str(clients), environment=sink.environment("decisions"))
        try:
            found[clients] = child.read()
        finally:
            child.close()
    return found


if __name__ == "__main__":
    channel = take_channel()
    channel.write(json.dumps(asyncio.run(time_decisions(int(sys.argv[1])))) + "\n")
