"""
Several workers of one server, their deaths, and what may happen to the files.
"""

from __future__ import annotations

import errno
import math
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from otel_kit.catalogue import Declaration
from otel_kit.faults import counts
from otel_kit.ledger import Counter, Gauge, Histogram, seat
from otel_kit.ledger.children import CounterChild
from otel_kit.ledger.place import make_private, seat_names
from otel_kit.ledger.sharing import RETIRED_MOST, Sharing
from tests.begun import open_below

from .conftest import GROUP, Worker, until

MakeWorker = Callable[[], Worker]

ORDERS = Declaration("counter", "orders_total", "Orders.", ("status",))


def run_directory(tmp_path: Path) -> Path:
    """
    Where the workers of these tests meet.
    """
    return tmp_path / f"otel_kit-{os.geteuid()}" / GROUP


def seats(tmp_path: Path) -> list[str]:
    """
    Names of the values files.
    """
    return sorted(path.name for path in run_directory(tmp_path).glob("*.v"))


def full_disk(*_: object) -> None:
    """
    As `posix_fallocate` fails on a full disk.
    """
    raise OSError(errno.ENOSPC, "No space left on device")


def test_any_worker_shows_the_totals_of_all(worker: MakeWorker) -> None:
    """
    Counters, gauges and histograms add up, whoever is asked.
    """
    workers = [worker() for _ in range(3)]
    for number, one in enumerate(workers):
        one.orders.labels("paid").inc(number + 1)
        one.busy.set(2)
        one.sizes.observe(1.5)

    for one in workers:
        assert {("paid",): (6.0,)} == one.seen("orders_total")
        assert {(): (6.0,)} == one.seen("busy")
        assert {(): (4.5, 0.0, 3.0, 0.0)} == one.seen("sizes")


def test_fractions_add_up_to_the_same_last_digit(worker: MakeWorker) -> None:
    """
    Whoever is asked: a total that is smaller by the least there is would be a counter started anew.
    """
    workers = [worker() for _ in range(6)]
    for number, one in enumerate(workers):
        one.sizes.observe(0.1 * (number + 1) ** 2)

    assert 1 == len({one.seen("sizes")[()][0] for one in workers})


def test_counts_of_before_the_start_are_kept(tmp_path: Path) -> None:
    """
    What an import or a start-up hook has counted counts.
    """
    early = Worker()
    child = early.orders.labels("paid")
    child.inc(5)
    early.busy.set(3)
    early.ledger.attach(group=GROUP, directory=str(tmp_path))
    child.inc()

    assert ({("paid",): (6.0,)}, {(): (3.0,)}) == (early.seen("orders_total"), early.seen("busy"))
    early.ledger.close()


def test_own_values_are_this_processs_alone(worker: MakeWorker) -> None:
    """
    Neither siblings nor the dead worker whose seat was taken over.
    """
    first = worker()
    first.orders.labels("paid").inc(5)
    first.ledger.close()
    second, third = worker(), worker()
    second.orders.labels("paid").inc(2)
    third.orders.labels("paid").inc(1)

    assert {("paid",): (2.0,)} == second.seen("orders_total", own=True)
    assert {("paid",): (8.0,)} == second.seen("orders_total")


def test_own_values_survive_leaving_and_coming_back(worker: MakeWorker, tmp_path: Path) -> None:
    """
    A second lifespan in one process does not send totals back to zero.
    """
    one = worker()
    one.orders.labels("paid").inc(5)
    one.ledger.close()
    one.orders.labels("paid").inc()
    one.ledger.attach(group=GROUP, directory=str(tmp_path))

    assert {("paid",): (6.0,)} == one.seen("orders_total", own=True)
    assert {("paid",): (6.0,)} == one.seen("orders_total")


def test_dead_workers_gauges_are_gone_and_its_counts_stay(worker: MakeWorker) -> None:
    """
    Nobody is in a seat that nobody locks.
    """
    first, second = worker(), worker()
    for one in (first, second):
        one.orders.labels("paid").inc()
        one.busy.set(2)
    first.ledger.close()

    assert {("paid",): (2.0,)} == second.seen("orders_total")
    assert {(): (2.0,)} == second.seen("busy")


def test_many_deaths_need_no_more_seats(worker: MakeWorker, tmp_path: Path) -> None:
    """
    A seat belongs to the server: the next worker counts on in it.
    """
    watcher = worker()
    for _ in range(100):
        one = worker()
        one.orders.labels("paid").inc()
        one.ledger.close()

    assert {("paid",): (100.0,)} == watcher.seen("orders_total")
    assert len(seats(tmp_path)) <= 3


def test_successor_shows_series_it_never_made(worker: MakeWorker) -> None:
    """
    What only the dead worker has counted is still the server's.
    """
    first = worker()
    first.orders.labels("rare").inc()
    Counter("only_there", "Only there.", registry=first.registry).inc(7)
    first.ledger.close()
    second = worker()

    assert {("rare",): (1.0,)} == second.seen("orders_total")
    assert {(): (7.0,)} == second.seen("only_there_total")


def test_newer_code_adds_nothing_unlike(worker: MakeWorker) -> None:
    """
    A histogram with other bounds has slots of its own, and the asked worker shows its own kind.
    """
    first = worker()
    first.sizes.observe(1.5)
    Counter("renamed", "Renamed.", ["a"], registry=first.registry).labels("x").inc()
    first.ledger.close()

    second = worker()
    second.registry.unregister(second.sizes)
    Histogram("sizes", "Sizes.", buckets=(5.0,), registry=second.registry).observe(3)
    Counter("renamed", "Renamed.", ["b"], registry=second.registry).labels("x").inc(2)

    assert {(): (3.0, 1.0, 0.0)} == second.seen("sizes")
    assert [((("b", "x"),), (2.0,))] == [
        s[:2] for f in second.ledger.snapshot() for s in f.series if f.declaration.name == "renamed_total"
    ]


@pytest.mark.parametrize(("mode", "value"), [("max", 5.0), ("min", 2.0)])
def test_gauges_may_be_merged_by_the_largest_or_smallest(worker: MakeWorker, mode: str, value: float) -> None:
    """
    Dead workers do not count, nor does a successor that has set nothing yet.
    """
    workers = [worker() for _ in range(4)]
    for one, number in zip(workers, (2.0, 5.0, 9.0, 0.5), strict=True):
        Gauge("level", "Level.", registry=one.registry, multiprocess_mode=mode).set(number)
    for one in workers[2:]:
        one.ledger.close()
    worker()

    assert {(): (value,)} == workers[0].seen("level")


def test_extreme_of_no_living_worker_is_gone(worker: MakeWorker) -> None:
    """
    A gauge that only a dead worker has set has no value: 0 would be one that nobody has measured.
    """
    first, second = worker(), worker()
    Gauge("level", "Level.", registry=first.registry, multiprocess_mode="max").set(9)
    first.ledger.close()

    assert {} == second.seen("level")


def test_a_removed_series_is_gone_with_the_last_worker_that_has_it(worker: MakeWorker) -> None:
    """
    The other worker's stays, and one that is set again is there again.
    """
    first, second = worker(), worker()
    gauges = [Gauge("up", "Up.", ["check"], registry=one.registry, multiprocess_mode="min") for one in (first, second)]
    for gauge, value in zip(gauges, (0.0, 1.0), strict=True):
        gauge.labels("database").set(value)
    seen = [second.seen("up")]
    for gauge in gauges:
        gauge.remove("database")
        seen.append(second.seen("up"))
    gauges[0].labels("database").set(1.0)

    key = ("database",)
    assert [{key: (0.0,)}, {key: (1.0,)}, {}] == seen
    assert {key: (1.0,)} == second.seen("up")


def test_a_removed_series_that_adds_up_is_at_zero(worker: MakeWorker) -> None:
    """
    Where numbers are shared its place stays.
    """
    first, second = worker(), worker()
    gauge = Gauge("berths", "Berths.", ["pier"], registry=first.registry)
    gauge.labels("north").set(7)

    gauge.remove("north")

    assert {("north",): (0.0,)} == second.seen("berths")


def test_local_gauge_tells_that_numbers_are_shared(worker: MakeWorker) -> None:
    """
    1 while totals cover all workers; it is nobody's sum.
    """
    worker()

    assert {(): (1.0,)} == worker().seen("otel_kit_ledger_shared")


def test_a_lone_process_does_not_tell() -> None:
    """
    There is nothing to share.
    """
    alone = Worker()
    alone.ledger.attach()

    assert ("alone", {}) == (alone.ledger.state, alone.seen("otel_kit_ledger_shared"))


def test_cap_counts_what_dead_workers_left(worker: MakeWorker) -> None:
    """
    Else each generation of workers could add a full set of series to one seat.
    """
    for generation in range(3):
        one = worker()
        capped = Counter("capped", "Capped.", ["x"], registry=one.registry, max_series=10)
        for number in range(10):
            capped.labels(f"{generation}-{number}").inc()
        one.ledger.close()
    last = worker()

    assert 11 == len(last.seen("capped_total"))
    assert (20.0,) == last.seen("capped_total")[()]


def test_removed_directory_harms_nobody(worker: MakeWorker, tmp_path: Path) -> None:
    """
    Totals stay exact and never fall; living workers write their seats anew, dead ones are put back.
    """
    dead, *living = [worker() for _ in range(3)]
    for one in (dead, *living):
        one.orders.labels("paid").inc(10)
    assert {("paid",): (30.0,)} == living[0].seen("orders_total") == living[1].seen("orders_total")
    before = seats(tmp_path)
    dead.ledger.close()
    shutil.rmtree(run_directory(tmp_path).parent)

    at_once = [one.seen("orders_total") for one in living]
    assert until(lambda: before == seats(tmp_path))
    for one in living:
        one.orders.labels("paid").inc()
    newborn = worker()

    assert [{("paid",): (30.0,)}] * 2 == at_once
    assert [{("paid",): (32.0,)}] * 3 == [one.seen("orders_total") for one in (*living, newborn)]
    assert before == seats(tmp_path)


def test_files_removed_again_and_again_bring_no_old_numbers_back(tmp_path: Path) -> None:
    """
    A worker whose newest files nobody has seen is alive all the same, and its old ones are not put in their place.
    """
    directory, child = str(tmp_path / "run"), CounterChild(1)
    placed = [(ORDERS, ("paid",), child)]
    make_private(directory)
    one, other = Sharing(directory), Sharing(directory)
    one.place(*placed[0])
    child.inc(10)
    other.check(list)
    for _ in range(RETIRED_MOST):
        shutil.rmtree(directory)
        one.check(lambda: placed)
        child.inc()
    shutil.rmtree(directory)
    other.check(list)
    others_files = seat_names(directory)
    one.check(lambda: placed)
    merge, totals = other.merge(lambda _: ORDERS, 0)
    (series,) = merge.series(ORDERS.schema, totals, {})

    assert {other.seat.name} == others_files
    assert (10.0 + RETIRED_MOST,) == series.values == child.values()
    for sharing in (one, other):
        sharing.close()


def test_files_removed_at_every_beat_cost_a_bounded_number_of_descriptors(tmp_path: Path) -> None:
    """
    Old seats are kept open, but not all of them, and none once the newest has stood for a beat.
    """
    directory, child = str(tmp_path / "run"), CounterChild(1)
    placed = [(ORDERS, ("paid",), child)]
    make_private(directory)
    sharing = Sharing(directory)
    sharing.place(*placed[0])
    before = len(open_below(tmp_path))
    open_files = []
    for _ in range(4 * RETIRED_MOST):
        shutil.rmtree(directory)
        sharing.check(lambda: placed)
        open_files.append(len(open_below(tmp_path)))
    sharing.check(lambda: placed)

    assert open_files[-1] == open_files[RETIRED_MOST]
    assert before == len(open_below(tmp_path))
    sharing.close()


def test_counting_goes_on_while_files_are_written_anew(worker: MakeWorker, tmp_path: Path) -> None:
    """
    Threads lose nothing when their cells move from file to file, and no scrape sees a fall.
    """
    one, other = worker(), worker()
    child, stop, counted, seen = one.orders.labels("paid"), threading.Event(), [0, 0], []

    def count(at: int) -> None:
        while not stop.is_set():
            child.inc()
            counted[at] += 1

    threads = [threading.Thread(target=count, args=(at,)) for at in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    for thread in threads:
        thread.start()
    for _ in range(2):
        shutil.rmtree(run_directory(tmp_path))
        assert until(lambda: seen.append(other.seen("orders_total").get(("paid",), (0.0,))[0]) or seats(tmp_path) != [])  # type: ignore[func-returns-value]
    stop.set()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)

    assert until(lambda: {("paid",): (float(sum(counted)),)} == other.seen("orders_total"))
    assert sorted(seen) == seen


def test_series_without_room_stay_in_memory(worker: MakeWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A full disk costs no count: it is a fault, shown, and mended when there is room again.
    """
    one, other, before = worker(), worker(), counts().get("ledger", 0)
    wide = Histogram("wide", "Wide.", ["x"], buckets=range(1, 900), registry=one.registry)
    monkeypatch.setattr(seat, "allocate", full_disk)
    for number in range(10):
        wide.labels(str(number)).observe(1)
    full = one.seen("wide")

    assert 10 == len(full)
    assert counts()["ledger"] > before
    assert until(lambda: {(): (0.0,)} == one.seen("otel_kit_ledger_shared"))
    monkeypatch.undo()
    assert until(lambda: full == other.seen("wide"))
    assert until(lambda: {(): (1.0,)} == one.seen("otel_kit_ledger_shared"))


def test_worker_without_a_place_counts_for_itself(
    worker: MakeWorker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    A full disk at the start: everything works, and the page says that it is one worker's.
    """
    monkeypatch.setattr(seat, "allocate", full_disk)
    one = worker()
    one.orders.labels("paid").inc()

    assert "unshared" == one.ledger.state
    assert {("paid",): (1.0,)} == one.seen("orders_total")
    assert {(): (0.0,)} == one.seen("otel_kit_ledger_shared")
    assert [] == list(run_directory(tmp_path).iterdir())


def test_directory_of_somebody_else_is_not_used(worker: MakeWorker, tmp_path: Path) -> None:
    """
    One that others may write in could be a trap.
    """
    run_directory(tmp_path).mkdir(parents=True)
    run_directory(tmp_path).parent.chmod(0o777)

    assert "unshared" == worker().ledger.state


def test_link_is_not_followed(worker: MakeWorker, tmp_path: Path) -> None:
    """
    Files are made where they should be, or nowhere.
    """
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    run_directory(tmp_path).parent.symlink_to(tmp_path / "elsewhere")

    assert "unshared" == worker().ledger.state


def test_damaged_seat_is_left_alone(worker: MakeWorker, tmp_path: Path) -> None:
    """
    Whatever stands in the files, the next worker starts and the page is there.
    """
    first = worker()
    first.orders.labels("paid").inc()
    first.ledger.close()
    (name,) = seats(tmp_path)
    (run_directory(tmp_path) / name).write_bytes(b"x" * 5)
    (run_directory(tmp_path) / name).with_suffix(".k").write_bytes(b'nonsense\n["series", 0, 1, 7]\n\xff\n[]\n')
    second = worker()
    second.orders.labels("paid").inc()

    assert {("paid",): (1.0,)} == second.seen("orders_total")
    assert 2 == len(seats(tmp_path))


def test_gauges_of_hooks_reach_siblings(worker: MakeWorker) -> None:
    """
    The pulse runs hooks, so that whoever answers knows what the others are doing.
    """
    one, other = worker(), worker()
    one.ledger.on_refresh(lambda: one.busy.set(7))

    assert until(lambda: {(): (7.0,)} == other.seen("busy"))


def test_nan_in_a_gauge_is_shown(worker: MakeWorker) -> None:
    """
    The sum with something that is no number is no number.
    """
    one = worker()
    one.busy.set(math.nan)

    assert math.isnan(worker().seen("busy")[()][0])
