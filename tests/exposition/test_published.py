"""
Instruments of other libraries over several workers.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from otel_kit.exposition.families import Family
from otel_kit.exposition.published import PublishedInstruments
from otel_kit.ledger import Counter, Ledger
from otel_kit.ledger.registry import Registry
from tests.exposition.build import Samples, counter, faults, gauge, histogram, page, samples, series

TARGET = Family("info", "target_info", "", [series(1.0, service_instance_id="a", process_pid="7", service_name="shop")])


class Source:
    """
    Instruments whose families a test sets.
    """

    def __init__(self, *families: Family, before: Callable[[], object] | None = None) -> None:
        self.now, self._before = list(families), before

    def families(self) -> list[Family]:
        if self._before is not None:
            self._before()
        return self.now


class Worker:
    """
    One of several workers, in this process.
    """

    def __init__(self, directory: Path, *families: Family) -> None:
        self.ledger = Ledger(Registry())
        self.ledger.attach(group="test", directory=str(directory))
        self.source = Source(*families)
        self.instruments = PublishedInstruments(self.source, self.ledger)
        self.ledger.on_refresh(self.instruments.on_refresh)

    def scrape(self) -> Samples:
        """
        Samples of other libraries, as a page of this worker shows them.
        """
        beside = self.instruments.families()
        found = samples(page([*map(Family.of, self.ledger.snapshot()), *beside]))
        return {key: value for key, value in found.items() if not key[0].startswith("otel_kit_")}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """
    Makes workers of one server, which end with the test.
    """
    workers: list[Worker] = []

    def make(*families: Family) -> Worker:
        workers.append(Worker(tmp_path, *families))
        return workers[-1]

    yield make
    for worker in workers:
        worker.ledger.close()


def wait_for(condition: Callable[[], bool]) -> bool:
    """
    Whether it became true within twenty seconds.
    """
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_a_process_alone_reads_its_instruments_directly() -> None:
    """
    Nothing goes through the ledger, and the resource is shown whole.
    """
    source, ledger = Source(TARGET, counter("sent_total", series(3.0))), Ledger(Registry())
    instruments = PublishedInstruments(source, ledger)
    instruments.on_refresh()

    assert source.now == instruments.families()
    assert "sent_total" not in {snapshot.declaration.name for snapshot in ledger.snapshot()}


def test_totals_are_those_of_all_workers(start: Callable[..., Worker]) -> None:
    """
    Counters, histograms and sums that go up and down add up, whichever worker is asked.
    """
    took = series(1.5, 1.0, 2.0, path="/")
    one = start(counter("sent_total", series(3.0, to="a")), histogram("took", (1.0,), took), gauge("pool", series(2.0)))
    two = start(
        counter("sent_total", series(4.0, to="a")), histogram("took", (1.0,), took), gauge("pool", series(-1.0))
    )
    one.instruments.publish()
    expected = {("sent_total", (("to", "a"),)): 7.0, ("pool", ()): 1.0, ("took_count", (("path", "/"),)): 6.0}

    for found in (two.scrape(), one.scrape()):
        assert expected == {key: value for key, value in found.items() if key in expected}


def test_a_later_reading_replaces_the_earlier_one(start: Callable[..., Worker]) -> None:
    """
    Instruments give cumulative numbers: publishing twice counts nothing twice.
    """
    worker = start(counter("sent_total", series(3.0)))
    worker.scrape()
    worker.source.now = [counter("sent_total", series(5.0))]

    assert {("sent_total", ()): 5.0} == worker.scrape()


def test_readings_that_cannot_be_added_show_the_largest(start: Callable[..., Worker]) -> None:
    """
    The temperature of two workers is not the sum.
    """
    one, two = (start(Family("gauge", "heat", "", [series(value)], additive=False)) for value in (20.0, 30.0))
    two.instruments.publish()

    assert {("heat", ()): 30.0} == one.scrape()


def test_different_labels_of_one_name_stay_apart(start: Callable[..., Worker]) -> None:
    """
    Two libraries that share a name keep their own labels on the way through the ledger.
    """
    worker = start(counter("sent_total", series(1.0, to="a"), series(2.0, by="b", via="c"), series(3.0)))
    expected = {
        ("sent_total", (("to", "a"),)): 1.0,
        ("sent_total", (("by", "b"), ("via", "c"))): 2.0,
        ("sent_total", ()): 3.0,
    }

    assert expected == worker.scrape()


def test_the_overflow_series_goes_through(start: Callable[..., Worker]) -> None:
    """
    What the SDK's limit put together is shown under the label that says so.
    """
    worker = start(counter("sent_total", series(1.0, to="a"), series(9.0, otel_metric_overflow="true")))

    assert 9.0 == worker.scrape()["sent_total", (("otel_metric_overflow", "true"),)]


def test_the_resource_is_the_same_whoever_answers(start: Callable[..., Worker]) -> None:
    """
    What differs from worker to worker is not in `target_info`.
    """
    assert {("target_info", (("service_name", "shop"),)): 1.0} == start(TARGET).scrape()


def test_a_dead_workers_counts_stay(start: Callable[..., Worker]) -> None:
    """
    What a worker published counts on when it is gone, and its successor adds to it.
    """
    one, two = start(counter("sent_total", series(3.0))), start(counter("sent_total", series(4.0)))
    one.scrape()
    two.scrape()
    one.ledger.close()
    three = start(counter("sent_total", series(1.0)))
    three.instruments.publish()

    assert {("sent_total", ()): 8.0} == two.scrape()


def test_what_is_published_is_not_shown_twice_when_sharing_ends(start: Callable[..., Worker]) -> None:
    """
    A worker that has left its seat shows each series once: like a counter of the ledger, what came since.
    """
    before, worker = faults(), start(counter("sent_total", series(3.0)))
    worker.scrape()
    worker.ledger.close()
    worker.source.now = [counter("sent_total", series(5.0))]

    assert {("sent_total", ()): 2.0} == worker.scrape()
    assert before == faults()


def test_a_refresh_publishes_by_itself(start: Callable[..., Worker]) -> None:
    """
    Without a scrape of this worker its numbers reach the others within about a second.
    """
    start(counter("sent_total", series(3.0)))
    asked = start()

    assert wait_for(lambda: {("sent_total", ()): 3.0} == asked.scrape())


def test_a_refresh_is_not_held_up_by_callbacks(start: Callable[..., Worker]) -> None:
    """
    A callback that hangs hangs in a thread of its own, and only one.
    """
    worker, never = start(), threading.Event()
    source = Source(before=lambda: never.wait(5))
    instruments = PublishedInstruments(source, worker.ledger)
    try:
        begun = time.perf_counter()
        for _ in range(20):
            instruments.on_refresh()
        assert time.perf_counter() - begun < 1
        assert 1 == [thread.name for thread in threading.enumerate()].count("otel_kit-publish")
    finally:
        never.set()


def test_a_name_of_the_ledger_is_not_published_over(start: Callable[..., Worker]) -> None:
    """
    The documented metric keeps its name, and the instrument is counted as left out.
    """
    before, worker = faults(), start(counter("orders_total", series(100.0)))
    Counter("orders_total", "Orders.", registry=worker.ledger.registry).inc(2)

    assert {("orders_total", ()): 2.0} == worker.scrape()
    assert {("orders_total", ()): 2.0} == worker.scrape()
    assert before + 1 == faults()


def test_what_cannot_be_declared_costs_only_itself(start: Callable[..., Worker]) -> None:
    """
    A series with a label that is no label is counted as left out.
    """
    before = faults()
    worker = start(counter("sent_total", series(1.0, **{"": "x"}), series(2.0, to="a")))

    assert {("sent_total", (("to", "a"),)): 2.0} == worker.scrape()
    assert before + 1 == faults()


def test_instruments_that_raise_are_counted(start: Callable[..., Worker]) -> None:
    """
    A reading that fails while it is published leaves the page as it was.
    """
    before, worker = faults(), start()

    def broken() -> None:
        raise RuntimeError("broken")

    assert [] == PublishedInstruments(Source(before=broken), worker.ledger).publish()
    assert before + 1 == faults()


def serve_until_killed(directory: Path, published: Event) -> None:
    """
    A worker process that publishes once and then waits for its end.
    """
    worker = Worker(directory, counter("sent_total", series(3.0)))
    worker.instruments.publish()
    published.set()
    time.sleep(30)


def test_a_killed_workers_counts_stay(tmp_path: Path) -> None:
    """
    What a real worker had published when it was killed is on its siblings' page.
    """
    context = multiprocessing.get_context("spawn")
    published = context.Event()
    process = context.Process(target=serve_until_killed, args=(tmp_path, published), daemon=True)
    process.start()
    assert published.wait(20)
    process.kill()
    process.join(10)
    worker = Worker(tmp_path, counter("sent_total", series(4.0)))
    try:
        assert {("sent_total", ()): 7.0} == worker.scrape()
    finally:
        worker.ledger.close()
