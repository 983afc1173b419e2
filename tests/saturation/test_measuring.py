"""
Start and stop of the measurements.
"""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio.to_thread
import pytest

from otel_kit.ledger import ledger
from otel_kit.saturation import Saturation, measuring
from tests.counting import value_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def made() -> Iterator[list[Saturation]]:
    """
    Takes what a test starts, and stops it afterwards.
    """
    found: list[Saturation] = []
    yield found
    for one in found:
        one.stop()


def hooks() -> tuple[int, int]:
    """
    How often we are asked by the ledger, and called by the garbage collector.
    """
    shared = measuring._shared
    return ledger._hooks.count(shared.refresh), gc.callbacks.count(shared._garbage._time)


def timers() -> int:
    """
    Event loops that are watched.
    """
    return len({watch for watch in measuring._shared._members.values() if watch is not None})


async def test_requests_of_all_applications_are_added_up(made: list[Saturation]) -> None:
    """
    As they are when somebody asks.
    """
    flying = [3, 4]
    made.extend([Saturation(lambda: flying[0]), Saturation(lambda: flying[1])])
    for one in made:
        one.start()
    before = value_of("otel_kit_requests_in_flight")
    flying[0] = 10

    assert (7, 14) == (before, value_of("otel_kit_requests_in_flight"))


async def test_what_is_shared_is_there_once(made: list[Saturation]) -> None:
    """
    For two applications, one of them started twice, and until the last has stopped.
    """
    one, other = Saturation(int), Saturation(int)
    made.extend([one, other])
    seen = []
    for step in (one.start, one.start, other.start, one.stop, other.stop, other.stop):
        step()
        seen.append((hooks(), timers()))

    there = ((1, 1), 1)
    assert [there, there, there, there, ((0, 0), 0), ((0, 0), 0)] == seen


async def test_requests_are_forgotten_with_their_application(made: list[Saturation]) -> None:
    """
    A gauge does not keep what nobody measures any more.
    """
    one = Saturation(lambda: 5)
    made.append(one)
    one.start()
    one.stop()

    assert 0 == value_of("otel_kit_requests_in_flight")


def test_each_lifespan_has_its_loop(made: list[Saturation]) -> None:
    """
    A second start in another loop is followed there, whether the first one was stopped or not.
    """
    one = Saturation(int)
    made.append(one)
    loops = []
    for _ in range(3):

        async def lifespan() -> None:
            one.start()
            loops.append(measuring._shared._members[one].loop is asyncio.get_running_loop())

        asyncio.run(lifespan())

    assert [True, True, True] == loops
    assert ((1, 1), 1) == (hooks(), timers())


def test_two_loops_in_two_threads(made: list[Saturation]) -> None:
    """
    As two test clients have them: each is watched, and their threads are added up.
    """
    ready, done = threading.Barrier(3, timeout=10), threading.Event()

    async def serve(one: Saturation) -> None:
        one.start()
        await asyncio.get_running_loop().run_in_executor(None, ready.wait)
        await asyncio.get_running_loop().run_in_executor(None, done.wait, 10)
        one.stop()

    made.extend([Saturation(int), Saturation(int)])
    threads = [threading.Thread(target=asyncio.run, args=(serve(one),)) for one in made]
    for thread in threads:
        thread.start()
    ready.wait()
    seen = (timers(), value_of("otel_kit_threads_limit"))
    done.set()
    for thread in threads:
        thread.join(10)

    assert (2, 80) == seen
    assert ((0, 0), 0) == (hooks(), timers())


def test_outside_of_a_loop_the_process_is_measured(made: list[Saturation]) -> None:
    """
    Nobody's event loop is needed for memory and CPU.
    """
    one = Saturation(int)
    made.append(one)
    one.start()

    assert ((1, 1), 0) == (hooks(), timers())
    assert value_of("process_resident_memory_bytes") > 0


async def test_threads_at_work_and_in_line(made: list[Saturation]) -> None:
    """
    Those that plain functions run in, of AnyIO's default limiter.
    """
    one, go_on = Saturation(int), threading.Event()
    made.append(one)
    one.start()
    limiter = anyio.to_thread.current_default_thread_limiter()
    limiter.total_tokens = 2
    tasks = [asyncio.create_task(anyio.to_thread.run_sync(go_on.wait, 10)) for _ in range(5)]
    for _ in range(5):
        await asyncio.sleep(0)
    seen = [value_of(f"otel_kit_threads_{name}") for name in ("in_use", "limit", "waiting")]
    go_on.set()
    await asyncio.gather(*tasks)

    assert [2, 2, 3] == seen
    assert 0 == value_of("otel_kit_threads_in_use")


FORKING = """
import asyncio, gc, os
from otel_kit.ledger import ledger
from otel_kit.saturation import Saturation, measuring
from otel_kit.saturation.process import start_time

def look():
    shared = measuring._shared
    values = {family.declaration.name: family.series[0].values for family in ledger.snapshot() if family.series}
    collections = sum(sum(counts) for counts in shared._garbage._counts)
    return (ledger._hooks.count(shared.refresh), len(gc.callbacks), int(collections),
            int(values["otel_kit_requests_in_flight"][0]), int(values["python_gc_collections_total"][0]))

async def main():
    gc.disable()
    one = Saturation(lambda: 5)
    one.start()
    gc.collect(0)
    started = start_time.unlabelled.values()
    if os.fork() == 0:
        before = look()
        Saturation(lambda: 2).start()
        print(before, look(), start_time.unlabelled.values() > started, flush=True)
        os._exit(0)
    os.wait()
    print(look()[:4])

asyncio.run(main())
"""


def test_a_forked_child_begins_anew() -> None:
    """
    It measures nothing before it serves, and nothing of its parent's then.
    """
    done = subprocess.run(
        [sys.executable, "-c", FORKING], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )

    assert ["(0, 0, 0, 0, 0) (1, 1, 0, 2, 0) True", "(1, 1, 1, 5)"] == done.stdout.splitlines()
