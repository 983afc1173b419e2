"""
Samples of one process, and those that workers have in common.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from otel_kit.faults import counts
from otel_kit.ledger.history import RECORD, History, Sample, SharedHistory, increases

from ..begun import open_below

WINDOW, STEP = 10.0, 1.0
Numbers = tuple[float, float]


def shared(path: Path) -> SharedHistory:
    """
    The history as one worker has it.
    """
    return SharedHistory(str(path / "x.h"), WINDOW, STEP)


def moments(history: History) -> list[float]:
    """
    When each sample was read.
    """
    return [sample.moment for sample in history.samples.values()]


def unread() -> Numbers:
    """
    For a worker that has nothing to sample.
    """
    raise AssertionError("the step has its sample")


def test_one_sample_in_a_step() -> None:
    """
    However often it is asked to.
    """
    history = History(WINDOW, STEP)
    for now in (5.0, 5.1, 5.9, 6.0, 6.5):
        history.update(now, lambda: (1.0, 2.0))

    assert [5.0, 6.0] == moments(history)


def test_memory_is_bounded() -> None:
    """
    By the window, whatever time goes by.
    """
    history = History(WINDOW, STEP)
    for now in range(1000):
        history.update(float(now), lambda: (0.0, 0.0))

    assert 12 == len(history.samples)
    assert 989.0 == history.since(989.5)[0].moment


@pytest.mark.parametrize(("moment", "first"), [(0.0, 3.0), (3.0, 3.0), (4.9, 3.0), (5.0, 5.0), (99.0, 8.0)])
def test_looks_back_to_the_last_sample_before_the_moment(moment: float, first: float) -> None:
    """
    Or to the first there is.
    """
    history = History(WINDOW, STEP)
    for now in (3.0, 5.0, 8.0):
        history.update(now, lambda: (0.0, 0.0))

    assert first == history.since(moment)[0].moment


def test_increase_is_never_negative() -> None:
    """
    After a fall it goes on from there.
    """
    samples = [Sample(1.0, 5.0, 10.0), Sample(2.0, 7.0, 20.0), Sample(3.0, 0.0, 0.0)]

    assert (2.0 + 0.0 + 1.0, 10.0 + 0.0 + 4.0) == increases(samples, (1.0, 4.0))


def test_workers_have_the_same_samples(tmp_path: Path) -> None:
    """
    The first in a step samples for all; one that comes later knows what was before it.
    """
    one, other = shared(tmp_path), shared(tmp_path)
    for now in (100.0, 101.0, 102.0):
        one.update(now, lambda: (1.0, 2.0))
        other.update(now + 0.5, unread)
    newborn = shared(tmp_path)
    newborn.update(102.9, unread)

    assert [100.0, 101.0, 102.0] == moments(one) == moments(other) == moments(newborn)


def test_what_was_longer_ago_is_passed_over(tmp_path: Path) -> None:
    """
    Samples of the ring's last round are none of this one.
    """
    shared(tmp_path).update(100.0, lambda: (1.0, 2.0))
    late = shared(tmp_path)
    late.update(200.0, lambda: (3.0, 4.0))

    assert [200.0] == moments(late)


@pytest.mark.parametrize(
    "record",
    [
        (math.nan, 1.0, 1.0),
        (math.inf, 1.0, 1.0),
        (101.0, math.nan, 1.0),
        (1e300, 1.0, 1.0),
        (-101.0, 1.0, 1.0),
        (0.0, 0.0, 0.0),
        (109.0, 1.0, 1.0),
    ],
)
def test_what_makes_no_sense_is_passed_over(tmp_path: Path, record: tuple[float, float, float]) -> None:
    """
    Whatever stands in the file.
    """
    (tmp_path / "x.h").write_bytes(RECORD.pack(*record) * 12 + b"half")
    history = shared(tmp_path)
    history.update(108.0, lambda: (1.0, 2.0))

    assert [Sample(108.0, 1.0, 2.0)] == list(history.samples.values())


def test_each_step_has_one_place(tmp_path: Path) -> None:
    """
    A sample that stands in another's counts once.
    """
    (tmp_path / "x.h").write_bytes(RECORD.pack(105.0, 1.0, 2.0) * 12)
    history = shared(tmp_path)
    history.update(108.0, lambda: (3.0, 4.0))

    assert [105.0, 108.0] == moments(history)


def test_removed_file_is_put_back(tmp_path: Path) -> None:
    """
    From any worker's memory.
    """
    one = shared(tmp_path)
    for now in (100.0, 101.0):
        one.update(now, lambda: (1.0, 2.0))
    (tmp_path / "x.h").unlink()
    one.update(102.0, lambda: (1.0, 2.0))
    newborn = shared(tmp_path)
    newborn.update(102.5, unread)

    assert [100.0, 101.0, 102.0] == moments(newborn)


def test_missing_directory_costs_no_sample(tmp_path: Path) -> None:
    """
    A fault, and this worker goes on by itself until there is one again.
    """
    before, one = counts().get("ledger", 0), shared(tmp_path / "gone")
    one.update(100.0, lambda: (1.0, 2.0))
    alone = moments(one)
    (tmp_path / "gone").mkdir()
    one.update(101.0, lambda: (1.0, 2.0))
    newborn = shared(tmp_path / "gone")
    newborn.update(101.5, unread)

    assert ([100.0], [100.0, 101.0], before + 1) == (alone, moments(newborn), counts()["ledger"])


def test_link_is_not_followed(tmp_path: Path) -> None:
    """
    Numbers are written where they should be, or nowhere.
    """
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / "x.h").symlink_to(tmp_path / "elsewhere")
    one = shared(tmp_path)
    one.update(100.0, lambda: (1.0, 2.0))

    assert ([100.0], b"") == (moments(one), (tmp_path / "elsewhere").read_bytes())


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    """
    A forked child has nothing of it.
    """
    shared(tmp_path).update(100.0, lambda: (1.0, 2.0))

    assert [] == open_below(tmp_path)
    assert 0o600 == (tmp_path / "x.h").stat().st_mode & 0o777
