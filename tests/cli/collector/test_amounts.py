"""
Numbers and times of the Collector, and what is none.
"""

from __future__ import annotations

import pytest

from otel_kit.cli.collector.amounts import judged_amounts

WAIT = "OTEL_KIT_COLLECTOR_SAMPLING_WAIT"
NUMBERS = {
    "OTEL_KIT_COLLECTOR_MEMORY_MIB": (100, 1_048_576),
    "OTEL_KIT_QUEUE_BYTES": (262_144, 2**50),
    "OTEL_KIT_COLLECTOR_SAMPLING_SLOW_MS": (1, 86_400_000),
    "OTEL_KIT_COLLECTOR_SAMPLING_TRACES": (1, 10_000_000),
}


@pytest.mark.parametrize("value", ["5", "0", "0s", "-5s", "5 s", "5sec", "1ns", "99ms", "61m", "2h", "abc", "5s5", "s"])
def test_a_time_has_a_unit_and_is_within_reason(value: str) -> None:
    """
    The Collector takes a bare number for nanoseconds, and decides before the second span is there.
    """
    (problem,) = judged_amounts({WAIT: value})

    assert f"{WAIT}={value}" == problem.subject
    assert "is no time from 100ms to 1h" == problem.problem
    assert problem.remedy.endswith("such as 5s or 500ms")


@pytest.mark.parametrize("value", ["5s", "500ms", "100ms", "1m30s", "1.5s", "1h", "60m"])
def test_times_as_go_writes_them_are_taken(value: str) -> None:
    """
    Parts, fractions, and the bounds themselves.
    """
    assert [] == judged_amounts({WAIT: value})


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "1G", "0400", "400MiB", "999999999999999999", "9" * 40, "\u0664"])
def test_a_number_is_digits_within_reason(name: str, value: str) -> None:
    """
    Zero, a sign, a unit, what YAML reads as octal, and more than any machine has.
    """
    (problem,) = judged_amounts({name: value})

    assert problem.subject.startswith(f"{name}=")
    assert problem.problem.startswith("is no whole number from ")


@pytest.mark.parametrize(("name", "bounds"), NUMBERS.items())
def test_the_bounds_themselves_are_taken(name: str, bounds: tuple[int, int]) -> None:
    """
    And one beyond each is not.
    """
    least, most = bounds

    assert [] == judged_amounts({name: str(least)})
    assert [] == judged_amounts({name: str(most)})
    assert 2 == len([*judged_amounts({name: str(least - 1)}), *judged_amounts({name: str(most + 1)})])
