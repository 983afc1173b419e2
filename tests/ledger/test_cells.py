"""
Counting in several threads, also while the cells move.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from otel_kit.ledger.cells import GLOBAL_LOCK, Cells, Move
from otel_kit.ledger.children import CounterChild, GaugeChild, HistogramChild

THREADS = 8
ROUNDS = 100_000


@pytest.fixture
def _tiny_switch_interval() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def mapped(size: int) -> Cells:
    """
    Cells as in a mapped file.
    """
    return memoryview(bytearray(8 * size)).cast("d")


def in_threads(work: Callable[[], None], meanwhile: Callable[[], None] = lambda: None) -> None:
    """
    Run the work in all threads at once, and something else again and again until they are done.
    """
    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        meanwhile()
        time.sleep(0.001)
    for thread in threads:
        thread.join()


@pytest.mark.usefixtures("_tiny_switch_interval")
@pytest.mark.parametrize("make", [lambda: [0.0], lambda: mapped(1)])
def test_threads_lose_no_count(make: Callable[[], Cells]) -> None:
    """
    Neither by the method nor in place, on a list or on mapped memory.
    """
    child = CounterChild(1)
    child.m = make()

    def work() -> None:
        for _ in range(ROUNDS):
            child.inc()
            if GLOBAL_LOCK:
                child.m[child.i] += 1.0
            else:
                child.inc()

    in_threads(work)

    assert (2.0 * THREADS * ROUNDS,) == child.values()


@pytest.mark.usefixtures("_tiny_switch_interval")
def test_threads_lose_no_count_while_cells_move() -> None:
    """
    What was written to the old cells by a thread that had looked them up is carried over.
    """
    counter, histogram = CounterChild(1), HistogramChild(3, (1.0,))
    moves: list[Move] = []

    def work() -> None:
        for _ in range(ROUNDS):
            counter.inc()
            histogram.observe(2)

    def move() -> None:
        # as from one file to the next: the new cells hold a copy
        for child in (counter, histogram):
            copied, place = list(child.values()), len(moves) % 3
            fresh = mapped(8)
            for offset, value in enumerate(copied):
                fresh[place + offset] = value
            moves.append(Move(child, fresh, place, copied))

    in_threads(work, move)
    for one in moves:
        one.carry()

    assert len(moves) > 20
    assert (float(THREADS * ROUNDS),) == counter.values()
    assert (2.0 * THREADS * ROUNDS, 0.0, float(THREADS * ROUNDS)) == histogram.values()


def test_adopted_cells_keep_what_a_dead_worker_counted() -> None:
    """
    The total goes on; one's own part is told apart.
    """
    child, cells = CounterChild(1), mapped(2)
    cells[1] = 40.0
    child.inc(2)

    child.adopt(cells, 1)
    child.inc()

    assert ((43.0,), (3.0,)) == (child.values(), child.own_values())


def test_adopted_gauge_starts_at_its_own_value() -> None:
    """
    A dead worker's gauge says nothing about this one.
    """
    child, cells = GaugeChild(1), mapped(1)
    cells[0] = math.nan
    child.set(2)

    child.adopt(cells, 0)

    assert ((2.0,), (2.0,)) == (child.values(), child.own_values())


def test_leaving_keeps_ones_own_part() -> None:
    """
    After leaving a seat a process has still counted what it has counted.
    """
    child, cells = CounterChild(1), mapped(1)
    cells[0] = 40.0
    child.adopt(cells, 0)
    child.inc(3)

    child.leave()
    child.inc()

    assert ((1.0,), (4.0,), 43.0) == (child.values(), child.own_values(), cells[0])


def test_publishing_sets_ones_own_part() -> None:
    """
    Totals counted elsewhere stand on top of what a dead worker left.
    """
    child, cells = CounterChild(1), mapped(1)
    cells[0] = 40.0
    child.adopt(cells, 0)

    for total in (5.0, 7.0):
        child.publish((total,))

    assert ((47.0,), (7.0,)) == (child.values(), child.own_values())


@pytest.mark.parametrize(("keep", "value"), [(True, 2.0), (False, 0.0)])
def test_forgetting_may_keep_a_gauge(keep: bool, value: float) -> None:
    """
    What a preloading master has set is kept for its workers; counts never are.
    """
    gauge, counter = GaugeChild(1), CounterChild(1)
    gauge.set(2)
    counter.inc()

    gauge.forget(keep)
    counter.forget(keep)

    assert ((value,), (0.0,)) == (gauge.values(), counter.values())


def test_gauge_of_nan_is_moved_as_it_is() -> None:
    """
    NaN is no difference that could be added.
    """
    child, cells = GaugeChild(1), mapped(1)
    child.set(math.nan)
    move = child.adopt(cells, 0)
    moved = child.values()[0]
    child.set(3)
    move.carry()

    assert math.isnan(moved)
    assert (3.0,) == child.values()
