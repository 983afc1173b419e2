"""
Collections of garbage.
"""

from __future__ import annotations

import gc

import pytest

from otel_kit.saturation import garbage
from otel_kit.saturation.garbage import Garbage
from tests.counting import value_of


@pytest.fixture
def quiet() -> object:
    """
    No collection but those that the test asks for.
    """
    gc.disable()
    yield
    gc.enable()


def pauses(generation: int) -> tuple[float, float]:
    """
    Seconds and number.
    """
    seconds, *counts = garbage.gc_pause.labels(str(generation)).values()
    return seconds, sum(counts)


@pytest.mark.usefixtures("quiet")
def test_each_collection_is_timed_by_generation() -> None:
    """
    Between start and stop, and no others.
    """
    one = Garbage()
    gc.collect(0)
    one.start()
    for generation in (0, 0, 2):
        gc.collect(generation)
    one.stop()
    gc.collect(0)
    one.refresh()

    assert [2, 0, 1] == [pauses(generation)[1] for generation in range(3)]
    assert 0 < pauses(2)[0] < 10


@pytest.mark.usefixtures("quiet")
def test_the_interpreters_own_numbers() -> None:
    """
    Under prometheus_client's names.
    """
    one = Garbage()
    one.refresh()
    before = value_of("python_gc_collections_total", generation="1")
    gc.collect(1)
    one.refresh()

    assert 1 == value_of("python_gc_collections_total", generation="1") - before


@pytest.mark.usefixtures("quiet")
def test_what_was_found_is_counted() -> None:
    """
    What the collector says that it collected, a cycle among it; other tests may have left more.
    """
    one = Garbage()
    gc.collect()
    one.refresh()
    before = value_of("python_gc_objects_collected_total", generation="2")
    found: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "stop" and info["generation"] == 2:
            found.append(info["collected"])

    gc.callbacks.append(note)
    cycle: list[object] = []
    cycle.append(cycle)
    del cycle
    gc.collect(2)
    gc.callbacks.pop()
    one.refresh()

    assert sum(found) >= 1
    assert sum(found) == value_of("python_gc_objects_collected_total", generation="2") - before


@pytest.mark.usefixtures("quiet")
def test_from_zero() -> None:
    """
    A forked child leaves out what its parent has done.
    """
    one = Garbage()
    one.start()
    gc.collect()
    one.zero()
    one.stop()
    one.refresh()

    assert (0, 0) == pauses(2)
    assert 0 == value_of("python_gc_collections_total", generation="2")
