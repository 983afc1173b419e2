"""
The largest number of the last minute, by a clock that the test moves.
"""

from __future__ import annotations

import pytest

from otel_kit.ratelimit.peak import Peak


def test_the_largest_number_counts() -> None:
    """
    Smaller ones that come later change nothing.
    """
    peak = Peak(100.0)
    for number in (2.0, 5.0, 3.0):
        peak.see(number, 101.0)

    assert 5.0 == peak.within_minute(101.0)


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, 5.0), (60.0, 5.0), (74.9, 5.0), (75.1, 0.0), (86_400.0, 0.0)])
def test_a_number_counts_for_a_minute(seconds: float, expected: float) -> None:
    """
    Seen at the beginning of a slice it is forgotten a slice later, whether or not anything else comes.
    """
    peak = Peak(100.0)
    peak.see(5.0, 100.0)

    assert expected == peak.within_minute(100.0 + seconds)


@pytest.mark.parametrize("pause", [1.0, 14.0, 31.0, 59.0, 500.0])
def test_no_number_of_the_last_minute_is_missed(pause: float) -> None:
    """
    However far the numbers are apart, and wherever in a slice they come.
    """
    peak = Peak(0.0)
    seen: list[tuple[float, float]] = []
    for step in range(200):
        now, number = step * pause, float(step * 7 % 11)
        peak.see(number, now)
        seen.append((now, number))
        least = max(number for moment, number in seen if now - moment <= 60.0)
        most = max(number for moment, number in seen if now - moment <= 75.0)
        assert least <= peak.within_minute(now) <= most


def test_to_read_changes_nothing() -> None:
    """
    A reader whose clock is far ahead takes nothing from the others.
    """
    peak = Peak(100.0)
    peak.see(5.0, 100.0)

    assert (0.0, 5.0) == (peak.within_minute(1_000.0), peak.within_minute(110.0))


def test_forgets_all_at_once() -> None:
    """
    As in a forked child: also what earlier slices hold.
    """
    peak = Peak(100.0)
    peak.see(5.0, 100.0)
    peak.see(4.0, 116.0)
    peak.forget_numbers()

    assert 0.0 == peak.within_minute(117.0)
