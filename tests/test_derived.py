"""
Gauges that are a share of one metric in another.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from otel_kit import derived
from otel_kit.catalogue import DeclarationError
from otel_kit.derived import Derived, Share
from otel_kit.errors import ConfigurationError
from otel_kit.ledger import Counter, Gauge, Histogram, Ledger, Registry, Summary
from tests.begun import Begun
from tests.ledger.conftest import until
from tests.ledger.test_workers import told

WINDOW = 300.0


class Clock:
    """
    The time that samples are taken by.
    """

    now = 10_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """
    Stands still until a test moves it.
    """
    made = Clock()
    monkeypatch.setattr(derived, "monotonic", made)
    return made


@dataclass
class Worker:
    """
    One process: requests, errors among them, and the share that they are.
    """

    registry: Registry = field(default_factory=Registry)
    window_seconds: float = WINDOW

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.registry)
        self.errors = Counter("errors", "Errors.", ["path"], registry=self.registry)
        self.requests = Counter("requests", "Requests.", ["path"], registry=self.registry)
        self.rate = Gauge("error_rate", "Error rate.", registry=self.registry)
        self.share = Share(self.rate, self.errors, self.requests, self.window_seconds)
        self.derived = Derived([self.share], self.ledger)

    def serve(self, requests: int, errors: int = 0, path: str = "/") -> None:
        """
        Count so many requests.
        """
        self.requests.labels(path).inc(requests)
        self.errors.labels(path).inc(errors)

    def shown(self, own: bool = False) -> float:
        """
        The gauge, as whoever reads finds it.
        """
        (found,) = [family for family in self.ledger.snapshot(own) if family.declaration.name == "error_rate"]
        (series,) = found.series
        return series.values[0]


@pytest.fixture
def alone(clock: Clock) -> Worker:
    """
    A process that serves alone.
    """
    return Worker()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[[], Worker]]:
    """
    Makes workers of one server.
    """
    made: list[Worker] = []

    def make() -> Worker:
        one = Worker()
        one.ledger.attach(group="g", directory=str(tmp_path))
        made.append(one)
        return one

    yield make
    for one in made:
        one.derived.leave()
        one.ledger.close()


def run_directory(tmp_path: Path) -> Path:
    """
    Where the workers of these tests meet.
    """
    return next(tmp_path.glob("otel_kit-*/g"))


def test_share_is_of_all_series_together(alone: Worker) -> None:
    """
    Errors of all paths in requests of all paths, in percent.
    """
    alone.serve(3, 1, "/a")
    alone.serve(5, 1, "/b")

    assert 25.0 == alone.shown()


def test_share_of_nothing_is_zero(alone: Worker) -> None:
    """
    Neither an error nor a gap.
    """
    assert 0.0 == alone.shown()


@pytest.mark.parametrize("kind", [Histogram, Summary])
def test_observations_are_counted(clock: Clock, kind: type[Histogram] | type[Summary]) -> None:
    """
    Of a histogram or summary it is how many there were, not how large they were.
    """
    registry = Registry()
    ledger, gauge = Ledger(registry), Gauge("slow", "Slow.", registry=registry)
    slow, took = Counter("slow_ones", "Slow.", registry=registry), kind("took", "Took.", registry=registry)
    Derived([Share(gauge, slow, took, scale=1)], ledger)
    for value in (100.0, 0.001, 7.0, 7.0):
        took.observe(value)
    slow.inc()
    values = {family.declaration.name: family.series for family in ledger.snapshot()}

    assert 0.25 == values["slow"][0].values[0]


def test_what_was_counted_before_does_not_count(clock: Clock) -> None:
    """
    A second application of a process, as in tests, has no errors of the first.
    """
    one = Worker()
    one.derived.leave()
    one.serve(10, 10)
    Derived([one.share], one.ledger)
    one.serve(1)

    assert 0.0 == one.shown()


def test_share_is_of_the_window(alone: Worker, clock: Clock) -> None:
    """
    What was before it has gone, to within one step; what is in it counts.
    """
    alone.serve(10, 10)
    seen = []
    for _ in range(80):
        clock.now += 5.0
        alone.serve(1)
        seen.append(alone.shown())

    assert 100.0 * 10 / 11 == seen[0]
    assert 100.0 * 10 / 69 == seen[58]
    assert [0.0] * 19 == seen[-19:]


def test_idle_service_returns_to_zero(alone: Worker, clock: Clock) -> None:
    """
    A last error does not stay for good.
    """
    alone.serve(1, 1)
    seen = []
    for _ in range(62):
        clock.now += 5.0
        seen.append(alone.shown())

    assert (100.0, 0.0) == (seen[0], seen[-1])


def test_fall_of_a_counter_is_no_decrease(alone: Worker, clock: Clock) -> None:
    """
    After a reset the share goes on from there, and is never negative.
    """
    alone.serve(100, 50)
    clock.now += 5.0
    before = alone.shown()
    alone.ledger.reset()
    clock.now += 5.0
    after = alone.shown()
    clock.now += 5.0
    alone.serve(50)

    assert (50.0, 50.0, 100.0 * 50 / 150) == (before, after, alone.shown())


def test_share_is_of_the_sums_of_all_workers(clock: Clock, worker: Callable[[], Worker]) -> None:
    """
    Not the sum of the workers' shares, nor their mean; each says the same, and of itself its own.
    """
    one, other, idle = worker(), worker(), worker()
    one.serve(90)
    other.serve(10, 10)

    assert [10.0] * 3 == [each.shown() for each in (one, other, idle)]
    assert [0.0, 100.0, 0.0] == [each.shown(own=True) for each in (one, other, idle)]


def test_newborn_worker_says_the_same(clock: Clock, worker: Callable[[], Worker]) -> None:
    """
    It knows what was sampled before it was born.
    """
    one = worker()
    one.serve(10, 10)
    for _ in range(61):
        clock.now += 5.0
        one.shown()
    one.serve(4, 1)
    newborn = worker()

    assert (25.0, 25.0, 0.0) == (one.shown(), newborn.shown(), newborn.shown(own=True))


def test_dead_workers_take_nothing_away(clock: Clock, worker: Callable[[], Worker]) -> None:
    """
    Neither what they counted nor what they sampled, also when all die at once.
    """
    first, second = worker(), worker()
    first.serve(50, 50)
    for _ in range(61):
        clock.now += 5.0
        first.shown()
    first.serve(10, 1)
    second.serve(10, 4)
    first.ledger.close()
    left = second.shown()
    second.ledger.close()
    heir = worker()
    heir.serve(80)

    assert (25.0, 5.0) == (left, heir.shown())


def test_removed_directory_harms_nobody(clock: Clock, worker: Callable[[], Worker], tmp_path: Path) -> None:
    """
    The samples are put back, as the seats are.
    """
    one = worker()
    one.serve(10, 10)
    for _ in range(61):
        clock.now += 5.0
        one.shown()
    one.serve(4, 1)
    shutil.rmtree(run_directory(tmp_path))
    at_once = one.shown()
    assert until(lambda: list(tmp_path.glob("otel_kit-*/g/*.v")) != [])
    clock.now += 5.0
    one.shown()

    assert (25.0, 25.0, 25.0) == (at_once, one.shown(), worker().shown())


def test_own_part_survives_leaving_the_others(clock: Clock, worker: Callable[[], Worker]) -> None:
    """
    After the server's end a process still tells what it has done itself.
    """
    one = worker()
    one.serve(4, 1)
    one.ledger.close()

    assert (25.0, 25.0) == (one.shown(), one.shown(own=True))


def test_forked_child_begins_at_zero(tmp_path: Path) -> None:
    """
    Its parent's errors are not its own, and its own are all there.
    """
    program = """
from otel_kit.derived import Derived, Share
from otel_kit.ledger import ledger
errors, requests = Counter("errors", "E."), Counter("requests", "R.")
errors.inc(7)
requests.inc(7)
Derived([Share(Gauge("error_rate", "Rate."), errors, requests)], ledger)
errors.inc(2)
requests.inc(2)
def work():
    before = value("error_rate", own=True)
    requests.inc(4)
    errors.inc(1)
    alone = value("error_rate", own=True)
    ledger.attach(group="g", directory=directory)
    requests.inc(6)
    return [before, alone, value("error_rate", own=True), ledger.state]
print(json.dumps([in_child(work), value("error_rate")]))
"""
    assert [[0.0, 25.0, 10.0, "shared"], 100.0] == told(program, tmp_path)


def test_sampled_without_anybody_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A process alone that is scraped seldom still knows where its window begins.
    """
    monkeypatch.setattr("otel_kit.ledger.workers.LONE_BEAT_SECONDS", 0.01)
    one = Worker(window_seconds=0.5)
    one.ledger.attach()
    one.serve(10, 10)
    before = one.shown()

    assert until(lambda: 0.0 == one.shown())
    assert 100.0 == before
    one.serve(4, 1)
    assert 25.0 == one.shown()
    one.derived.leave()


def test_two_applications_share_the_work(clock: Clock) -> None:
    """
    The same share is one, until the last of them leaves; then the gauge is an ordinary one.
    """
    one = Worker()
    before = one.rate.derived
    again = Derived([Share(one.rate, one.errors, one.requests)], one.ledger)
    one.serve(2, 1)
    same = one.rate.derived is before
    one.derived.leave()
    one.derived.leave()
    still = one.shown()
    again.leave()
    one.rate.set(7)

    assert (True, 50.0, 7.0) == (same, still, one.shown())


def test_another_share_of_one_gauge_is_refused(clock: Clock) -> None:
    """
    Which of the two would it be? The shares before it in the list are not kept either.
    """
    one = Worker()
    free = Gauge("free", "Free.", registry=one.registry)
    shares = [Share(free, one.errors, one.requests), Share(one.rate, one.errors, one.requests, 60.0)]

    with pytest.raises(DeclarationError, match="error_rate"):
        Derived(shares, one.ledger)
    assert free.derived is None


def test_no_shares_cost_nothing() -> None:
    """
    Neither a thread nor a hook.
    """
    ledger, begun = Ledger(Registry()), Begun()
    nothing = Derived((), ledger)
    ledger.attach()
    nothing.leave()

    assert ([], []) == (begun.threads(), ledger._beats)


def test_leaving_ends_the_thread() -> None:
    """
    Nothing is sampled for nobody.
    """
    begun, one = Begun(), Worker()
    one.ledger.attach()
    serving = len(begun.threads())
    one.derived.leave()

    assert (1, []) == (serving, begun.threads())


def test_memory_is_bounded(alone: Worker, clock: Clock) -> None:
    """
    Sixty samples and a few, however long it runs.
    """
    for _ in range(500):
        clock.now += 5.0
        alone.shown()
    running = alone.rate.derived

    assert isinstance(running, derived.RunningShare)
    assert 62 == len(running._own.samples)


@pytest.mark.parametrize(
    ("wrong", "changed"),
    [
        ("without labels", {"gauge": "labelled"}),
        ("may fall", {"part": "gauge"}),
        ("may fall", {"whole": "gauge"}),
        ("above 0", {"window_seconds": 0.0}),
        ("above 0", {"window_seconds": float("nan")}),
        ("above 0", {"scale": float("inf")}),
    ],
)
def test_refuses_what_has_no_share(wrong: str, changed: dict[str, object]) -> None:
    """
    An error where it is declared, in a line.
    """
    registry = Registry()
    metrics = {
        "gauge": Gauge("g", "G.", registry=registry),
        "labelled": Gauge("l", "L.", ["x"], registry=registry),
        "part": Counter("p", "P.", registry=registry),
        "whole": Counter("w", "W.", registry=registry),
    }
    arguments = {"gauge": "gauge", "part": "part", "whole": "whole", **changed}

    with pytest.raises(ConfigurationError, match=wrong):
        Share(**{name: metrics.get(value, value) for name, value in arguments.items()})  # type: ignore[arg-type,call-overload]
