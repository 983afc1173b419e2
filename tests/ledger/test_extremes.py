"""
Histograms that keep their smallest and largest observation.
"""

from __future__ import annotations

import math
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from otel_kit.catalogue import Declaration, DeclarationError
from otel_kit.exposition.families import Family
from otel_kit.exposition.text import Renderer
from otel_kit.ledger import Counter, Histogram, Ledger, Registry, seat
from otel_kit.ledger.children import HistogramChild
from otel_kit.ledger.extremes import ExtremesChild
from otel_kit.ledger.family import make_child
from otel_kit.ledger.seat import Seat

from .conftest import Worker, until
from .test_sharing import full_disk, run_directory
from .test_workers import told

MakeWorker = Callable[[], Worker]
Found = dict[tuple[str, ...], tuple[float, float] | None]

PLAIN = Declaration("histogram", "took", "Took.", ("x",), (1.0, 2.0))
KEPT = Declaration("histogram", "took", "Took.", ("x",), (1.0, 2.0), extremes=True)


def took(registry: Registry, *labels: str) -> Histogram:
    """
    A histogram with extremes.
    """
    return Histogram("took", "Took.", labels, buckets=(1.0, 2.0), extremes=True, registry=registry)


def extremes(ledger: Ledger, own: bool = False) -> Found:
    """
    Extremes by label values.
    """
    return {
        series.key: series.extremes
        for family in ledger.snapshot(own)
        if family.declaration.name == "took"
        for series in family.series
    }


@pytest.fixture
def alone() -> Worker:
    """
    A process that serves alone.
    """
    return Worker()


def test_smallest_and_largest_of_one_series(alone: Worker) -> None:
    """
    In whatever order they come, negative numbers and zero among them.
    """
    histogram = took(alone.registry)
    for value in (1, 0, 3.5, -2, 1.5):
        histogram.observe(value)

    assert {(): (-2.0, 3.5)} == extremes(alone.ledger)


def test_each_series_has_its_own(alone: Worker) -> None:
    """
    One without observations has none.
    """
    histogram = took(alone.registry, "x")
    histogram.labels("a").observe(5)
    histogram.labels("b").observe(0.1)
    histogram.labels("c")

    assert {("a",): (5.0, 5.0), ("b",): (0.1, 0.1), ("c",): None} == extremes(alone.ledger)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_odd_numbers_are_no_extremes(alone: Worker, odd: float) -> None:
    """
    What JSON and a store could not hold is counted as any histogram does, and no more.
    """
    histogram = took(alone.registry)
    histogram.observe(odd)
    before = extremes(alone.ledger)
    histogram.observe(1)
    histogram.observe(odd)

    assert ({(): None}, {(): (1.0, 1.0)}) == (before, extremes(alone.ledger))


def test_values_are_those_of_any_histogram(alone: Worker) -> None:
    """
    Extremes stand beside the numbers, not among them.
    """
    histogram = took(alone.registry)
    histogram.observe(1.5)

    assert (1.5, 0.0, 1.0, 0.0) == histogram.unlabelled.values() == alone.seen("took")[()]


def test_other_histograms_are_as_they_were() -> None:
    """
    Without extremes there is no further cell, no further field in the schema, and not one more instruction.
    """
    child = make_child(PLAIN)

    assert (HistogramChild, 4, 6, (0.0,) * 4) == (type(child), PLAIN.width, len(PLAIN.schema), PLAIN.empty)
    assert "own" not in HistogramChild.__slots__
    assert HistogramChild.observe is not ExtremesChild.observe


def test_observing_costs_the_others_no_more_calls() -> None:
    """
    One for the bucket; where extremes are kept, and the observation is within them, the histogram's own besides.
    """
    plain, kept = make_child(PLAIN), make_child(KEPT)
    assert isinstance(plain, HistogramChild)
    assert isinstance(kept, ExtremesChild)
    for value in (0.0, 9.0):
        kept.observe(value)

    assert ["observe", "bisect_left"] == calls(lambda: plain.observe(1.5))
    assert ["observe", "observe", "bisect_left"] == calls(lambda: kept.observe(1.5))


def calls(work: Callable[[], None]) -> list[str]:
    """
    Names of all functions that the work calls, those in C included.
    """
    found: list[str] = []

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            found.append(frame.f_code.co_name)
        elif event == "c_call":
            found.append(argument.__name__)

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return [name for name in found if name not in ("<lambda>", "setprofile")]


@pytest.mark.parametrize("openmetrics", [False, True])
def test_page_has_no_line_of_them(openmetrics: bool) -> None:
    """
    It is the same text with and without.
    """
    pages = []
    for keeps in (True, False):
        registry = Registry()
        histogram = Histogram("took", "Took.", ["x"], buckets=(1.0, 2.0), extremes=keeps, registry=registry)
        histogram.labels("a").observe(0.5)
        families = [Family.of(family) for family in Ledger(registry).snapshot()]
        pages.append("".join(Renderer().chunks([one for one in families if one.name == "took"], openmetrics)))

    assert pages[0] == pages[1] != ""


def test_a_histogram_with_and_one_without_are_two(alone: Worker) -> None:
    """
    Their numbers have different widths, so one name can't be both.
    """
    took(alone.registry)

    with pytest.raises(DeclarationError, match="took"):
        Histogram("took", "Took.", buckets=(1.0, 2.0), registry=alone.registry)


def test_any_worker_shows_those_of_all(worker: MakeWorker) -> None:
    """
    Merged by size, whoever is asked; a worker without observations takes nothing away.
    """
    workers = [worker() for _ in range(4)]
    histograms = [took(one.registry, "x") for one in workers]
    for histogram, value in zip(histograms, (3.0, -1.0, 7.0), strict=False):
        histogram.labels("a").observe(value)
    histograms[3].labels("a")
    histograms[0].labels("b")

    assert [{("a",): (-1.0, 7.0), ("b",): None}] * 4 == [extremes(one.ledger) for one in workers]
    assert [{("a",): (9.0, 1.0, 0.0, 2.0), ("b",): (0.0,) * 4}] * 4 == [one.seen("took") for one in workers]


def test_those_of_dead_workers_count(worker: MakeWorker) -> None:
    """
    As their observations do.
    """
    first, second = worker(), worker()
    for value in (100, -100):
        took(first.registry).observe(value)
    took(second.registry).observe(1)
    first.ledger.close()

    assert {(): (-100.0, 100.0)} == extremes(second.ledger)


def test_successor_keeps_those_of_the_seat_and_has_its_own(worker: MakeWorker) -> None:
    """
    Over OTLP a worker tells of itself alone.
    """
    first = worker()
    took(first.registry).observe(100)
    took(first.registry).observe(-100)
    first.ledger.close()
    second = worker()
    histogram = took(second.registry)
    before = extremes(second.ledger), extremes(second.ledger, own=True)
    histogram.observe(5)

    assert ({(): (-100.0, 100.0)}, {(): None}) == before
    assert ({(): (-100.0, 100.0)}, {(): (5.0, 5.0)}) == (extremes(second.ledger), extremes(second.ledger, own=True))


def test_those_of_before_the_start_are_kept(tmp_path: Path) -> None:
    """
    What an import or a start-up hook has observed was observed.
    """
    early = Worker()
    histogram = took(early.registry)
    histogram.observe(9)
    early.ledger.attach(group="g", directory=str(tmp_path))
    histogram.observe(1)
    seen = extremes(early.ledger)
    early.ledger.close()

    assert {(): (1.0, 9.0)} == seen


def test_own_ones_survive_leaving_and_coming_back(worker: MakeWorker, tmp_path: Path) -> None:
    """
    A second lifespan in one process begins where the first has ended.
    """
    one = worker()
    histogram = took(one.registry)
    histogram.observe(9)
    one.ledger.close()
    histogram.observe(1)
    between = extremes(one.ledger, own=True)
    one.ledger.attach(group="test-group", directory=str(tmp_path))
    histogram.observe(5)

    assert {(): (1.0, 9.0)} == between == extremes(one.ledger) == extremes(one.ledger, own=True)


def test_series_without_room_count_too(worker: MakeWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A full disk takes nothing away, neither while it lasts nor when there is room again.
    """
    one, other = worker(), worker()
    histogram = Histogram("took", "Took.", ["x"], buckets=range(900), extremes=True, registry=one.registry)
    monkeypatch.setattr(seat, "allocate", full_disk)
    for number in range(10):
        histogram.labels(str(number)).observe(number)
    full = extremes(one.ledger)
    monkeypatch.undo()

    assert {(str(number),): (float(number), float(number)) for number in range(10)} == full
    assert until(lambda: full == extremes(other.ledger))


def test_removed_directory_harms_nothing(worker: MakeWorker, tmp_path: Path) -> None:
    """
    The seat that is written anew has the same extremes, those of a dead worker before included.
    """
    dead = worker()
    took(dead.registry).observe(-7)
    dead.ledger.close()
    one, other = worker(), worker()
    histogram = took(one.registry)
    histogram.observe(7)
    shutil.rmtree(run_directory(tmp_path))
    assert until(lambda: len(list(run_directory(tmp_path).glob("*.v"))) == 2)
    histogram.observe(8)

    assert until(lambda: {(): (-7.0, 8.0)} == extremes(other.ledger) == extremes(one.ledger))


def test_metric_of_one_process_only_has_them(worker: MakeWorker) -> None:
    """
    A local metric is nobody else's.
    """
    one, other = worker(), worker()
    for each, value in ((one, 1.0), (other, 2.0)):
        histogram = each.registry.intern(
            Histogram, Declaration("histogram", "took", "", (), (1.0,), extremes=True), None, True
        )
        each.registry.register(histogram)
        histogram.observe(value)

    assert ({(): (1.0, 1.0)}, {(): (2.0, 2.0)}) == (extremes(one.ledger), extremes(other.ledger))


def test_series_that_become_one_have_both(alone: Worker) -> None:
    """
    The policy may give two early series one name; handles of both go on counting there.
    """
    histogram = took(alone.registry, "x")
    first, second = histogram.labels("secret-a"), histogram.labels("secret-b")
    first.observe(1)
    second.observe(5)
    alone.ledger.clean_label = lambda label, value: "REDACTED"
    second.observe(9)

    assert {("REDACTED",): (1.0, 9.0)} == extremes(alone.ledger)


def test_reset_forgets_them(worker: MakeWorker) -> None:
    """
    In a seat as well.
    """
    one, other = worker(), worker()
    histogram = took(one.registry)
    histogram.observe(9)
    one.ledger.reset()
    histogram.observe(1)

    assert {(): (1.0, 1.0)} == extremes(one.ledger) == extremes(other.ledger)


def test_forked_child_starts_without(tmp_path: Path) -> None:
    """
    Its observations are its own; its parent's stay its parent's.
    """
    program = """
from otel_kit.ledger import Histogram
took = Histogram("took", "Took.", extremes=True)
def own(own=True):
    return [s.extremes for f in ledger.snapshot(own) for s in f.series if f.declaration.name == "took"]
ledger.attach(group="g", directory=directory)
took.observe(5)
def work():
    before = own()
    took.observe(1000)
    return [before, own(), own(False), ledger.state]
print(json.dumps([in_child(work), own(), own(False)]))
"""
    assert [[[None], [[1000, 1000]], [[1000, 1000]], "idle"], [[5, 5]], [[5, 5]]] == told(program, tmp_path)


def test_slots_of_a_series_that_was_never_named_are_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What fails or is killed between slots and key leaves nothing that the next series could take for its own.
    """
    one = Seat.create(str(tmp_path))
    monkeypatch.setattr(one, "_append", full_disk)
    with pytest.raises(OSError, match="No space"):
        one.allocate(KEPT, ("a",))
    monkeypatch.undo()
    wide = Declaration("histogram", "wide", "Wide.", ("x",), tuple(map(float, range(20))))
    view, place = one.allocate(wide, ("a",))

    assert [0.0] * wide.width == list(view[place : place + wide.width])
    one.release()


@pytest.fixture
def _tiny_switch_interval() -> Any:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_tiny_switch_interval")
def test_threads_lose_none_while_cells_move(worker: MakeWorker, tmp_path: Path) -> None:
    """
    Neither in the process nor in a seat that is written anew meanwhile.
    """
    one, other = worker(), worker()
    histogram, counter = took(one.registry), Counter("c", "C.", registry=one.registry)

    def work(sign: float) -> None:
        for number in range(20_000):
            histogram.observe(sign * number)
        counter.inc()

    threads = [threading.Thread(target=work, args=(sign,)) for sign in (1.0, -1.0, 0.5, -0.5)]
    for thread in threads:
        thread.start()
    shutil.rmtree(run_directory(tmp_path))
    for thread in threads:
        thread.join()

    assert {(): (-19999.0, 19999.0)} == extremes(one.ledger, own=True)
    assert until(lambda: {(): (-19999.0, 19999.0)} == extremes(other.ledger))
    assert until(lambda: 80_000.0 == sum(other.seen("took")[()][1:]))
