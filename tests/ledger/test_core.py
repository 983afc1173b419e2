"""
Snapshots of one process: refresh, own values, other libraries' numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from otel_kit.catalogue import Declaration, DeclarationError
from otel_kit.faults import counts, fault
from otel_kit.ledger import Counter, Gauge, Histogram, Ledger, Registry, Summary, workers

from ..begun import Begun
from .conftest import Worker, until

FOREIGN = Declaration("counter", "rows_total", "Rows.", ("table",))


def test_metric_without_series_is_in_the_snapshot(registry: Registry) -> None:
    """
    Documented metrics stand on the page from the start.
    """
    ledger = Ledger(registry)
    Counter("c", "C.", ["x"], registry=registry)

    assert ("c_total", []) == (ledger.snapshot()[-1].declaration.name, ledger.snapshot()[-1].series)


def test_unlabelled_metric_starts_at_zero(registry: Registry) -> None:
    """
    A counter that has not counted yet is 0, not missing.
    """
    ledger = Ledger(registry)
    Counter("c", "C.", registry=registry)

    assert [((), (0.0,))] == [series[:2] for series in ledger.snapshot()[-1].series]


def test_series_are_the_same_tuple_in_each_snapshot(registry: Registry) -> None:
    """
    Labels and key are kept, so that a caller may keep what it made of them.
    """
    ledger = Ledger(registry)
    Counter("c", "C.", ["x"], registry=registry).labels("a")
    first, second = (ledger.snapshot()[-1].series[0] for _ in range(2))

    assert first.labels is second.labels
    assert first.key is second.key


def test_hooks_run_before_each_snapshot(registry: Registry) -> None:
    """
    A gauge that a hook sets is up to date; one hook that fails does not stop the next.
    """
    ledger, gauge, before = Ledger(registry), Gauge("g", "G.", registry=registry), counts().get("ledger", 0)
    values = iter((1.0, 2.0, 3.0))

    def fail() -> None:
        raise KeyError

    def set_gauge() -> None:
        gauge.set(next(values))

    ledger.on_refresh(fail)
    ledger.on_refresh(set_gauge)
    seen = [ledger.snapshot()[-1].series[0].values for _ in range(2)]
    ledger.off_refresh(set_gauge)
    seen.append(ledger.snapshot()[-1].series[0].values)

    assert [(1.0,), (2.0,), (2.0,)] == seen
    assert before + 3 == counts()["ledger"]


def test_hook_may_take_a_snapshot(registry: Registry) -> None:
    """
    It does not run itself again.
    """
    ledger, runs = Ledger(registry), []
    ledger.on_refresh(lambda: runs.append(len(ledger.snapshot())))
    ledger.snapshot()

    assert 1 == len(runs)


def test_hook_that_was_never_there_may_be_taken_off(registry: Registry) -> None:
    """
    Taking off twice is no error.
    """
    ledger = Ledger(registry)
    ledger.off_refresh(print)

    assert 2 == len(ledger.snapshot())


def test_beats_begin_with_serving_and_go_on(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    At once and then again, though nobody asks for a number; one hook that fails does not stop the next.
    """
    monkeypatch.setattr(workers, "LONE_BEAT_SECONDS", 0.01)
    ledger, beats, before = Ledger(registry), [], counts().get("ledger", 0)

    def fail() -> None:
        raise KeyError

    def note() -> None:
        beats.append(ledger.state)

    ledger.on_beat(fail)
    ledger.on_beat(note)
    idle = len(beats)
    ledger.attach()
    at_once = len(beats)

    assert (0, True, True) == (idle, at_once > 0, until(lambda: len(beats) >= 5))
    assert counts()["ledger"] > before
    ledger.close()


def test_beats_end_with_the_last_hook(registry: Registry) -> None:
    """
    A process alone has a thread for them only while somebody wants them, also when that comes late.
    """
    ledger, begun = Ledger(registry), Begun()
    ledger.attach()
    without = begun.threads()
    ledger.on_beat(len)
    ledger.on_beat(repr)
    ledger.off_beat(len)
    wanted = begun.threads()
    ledger.off_beat(repr)
    ledger.off_beat(repr)

    assert ([], 1, []) == (without, len(wanted), begun.threads())
    ledger.close()


def test_directory_is_that_of_the_workers(worker: Callable[[], Worker]) -> None:
    """
    A process that serves alone has none.
    """
    one, other, alone = worker(), worker(), Worker()
    alone.ledger.attach()

    assert one.ledger.directory is not None
    assert (one.ledger.directory, None) == (other.ledger.directory, alone.ledger.directory)


def test_derived_gauge_is_asked_for_its_value(worker: Callable[[], Worker]) -> None:
    """
    For totals and for one's own part, by whoever reads; what its cells hold in any worker does not count.
    """
    one, other = worker(), worker()
    one.busy.set(1)
    other.busy.set(5)
    one.orders.labels("paid").inc(2)
    other.orders.labels("open").inc(3)
    one.busy.derived = lambda look: look.count(one.orders) * 10

    assert ({(): (50.0,)}, {(): (20.0,)}) == (one.seen("busy"), one.seen("busy", own=True))
    assert 1 == [family.declaration.name for family in one.ledger.snapshot()].count("busy")


def test_derived_gauge_that_fails_is_alone_in_it(registry: Registry) -> None:
    """
    All other metrics are there, and the fault is counted.
    """
    ledger, gauge, before = Ledger(registry), Gauge("g", "G.", registry=registry), counts().get("ledger", 0)
    Counter("last", "Last.", registry=registry)

    def fail(look: object) -> float:
        raise ZeroDivisionError

    gauge.derived = fail
    found = {family.declaration.name: len(family.series) for family in ledger.snapshot()}

    assert ((0, 1), before + 1) == ((found["g"], found["last_total"]), counts()["ledger"])


def test_a_look_counts_events(registry: Registry) -> None:
    """
    A counter's series together; the observations of a histogram or summary.
    """
    ledger, counter = Ledger(registry), Counter("c", "C.", ["x"], registry=registry)
    histogram, summary = Histogram("h", "H.", registry=registry), Summary("s", "S.", registry=registry)
    counter.labels("a").inc(2)
    counter.labels("b").inc(0.5)
    histogram.observe(7)
    histogram.observe(0.001)
    summary.observe(9)
    look = ledger.look()

    assert [2.5, 2.0, 1.0] == [look.count(family) for family in (counter, histogram, summary)]


def test_faults_are_counted_by_component(registry: Registry) -> None:
    """
    `otel_kit_internal_errors_total` shows what `fault` has counted.
    """
    ledger = Ledger(registry)
    fault("a-component-of-this-test", "something")
    errors = {s.key: s.values for f in ledger.snapshot() for s in f.series if "internal_errors" in f.declaration.name}

    assert (1.0,) == errors["a-component-of-this-test",]


def test_declarations_become_metrics(registry: Registry) -> None:
    """
    A declared value gives the same object as the constructor.
    """
    declaration = Declaration("histogram", "h", "H.", ("x",), (1.0,))

    assert Ledger(registry).declare(declaration) is Histogram("h", "H.", ["x"], buckets=(1,), registry=registry)


def test_clash_of_declarations_is_an_error(registry: Registry) -> None:
    """
    Also when declared as values.
    """
    ledger = Ledger(registry)
    ledger.declare(FOREIGN)

    with pytest.raises(DeclarationError, match="rows"):
        ledger.declare(Declaration("gauge", "rows", "Rows."))


def test_other_libraries_numbers_are_set_not_added(registry: Registry) -> None:
    """
    They come as totals.
    """
    ledger = Ledger(registry)

    assert all(ledger.foreign(FOREIGN, ["users"], (total,)) for total in (3.0, 5.0))
    assert {("users",): (5.0,)} == {s.key: s.values for s in ledger.snapshot()[-1].series}


def test_other_libraries_numbers_are_not_this_processs_own(registry: Registry) -> None:
    """
    They leave over OTLP by their own provider.
    """
    ledger = Ledger(registry)
    ledger.foreign(FOREIGN, ["users"], (3.0,))

    assert "rows_total" not in [family.declaration.name for family in ledger.snapshot(own=True)]


def test_other_libraries_may_not_take_a_name(registry: Registry) -> None:
    """
    The application's own metric wins.
    """
    ledger = Ledger(registry)
    Gauge("rows", "Rows.", registry=registry)

    assert not ledger.foreign(FOREIGN, ["users"], (3.0,))


def test_other_libraries_are_capped(registry: Registry) -> None:
    """
    Totals can't be added up in an overflow series, so they are refused.
    """
    ledger = Ledger(registry)
    taken = [ledger.foreign(FOREIGN, [str(number)], (1.0,)) for number in range(2010)]

    assert 2000 == sum(taken)


def test_foreign_numbers_of_workers_add_up(worker: Callable[[], Worker]) -> None:
    """
    Whoever answers shows the total, and a restarted worker counts on.
    """
    first, second = worker(), worker()
    first.ledger.foreign(FOREIGN, ["users"], (3.0,))
    second.ledger.foreign(FOREIGN, ["users"], (4.0,))
    second.ledger.close()
    third = worker()
    third.ledger.foreign(FOREIGN, ["users"], (1.0,))
    third.ledger.foreign(FOREIGN, ["users"], (2.0,))

    assert {("users",): (9.0,)} == first.seen("rows_total")


def test_reset_empties_the_cells(registry: Registry) -> None:
    """
    Children that somebody holds go on counting.
    """
    ledger, counter = Ledger(registry), Counter("c", "C.", ["x"], registry=registry)
    child = counter.labels("a")
    child.inc(5)
    ledger.reset()
    child.inc()

    assert [(1.0,)] == [series.values for series in ledger.snapshot()[-1].series]


def test_start_time_is_that_of_the_process(registry: Registry) -> None:
    """
    OTLP needs to know since when own values count.
    """
    before = time.time()

    assert before <= Ledger(registry).start_time <= time.time()
