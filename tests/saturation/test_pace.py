"""
When figures are read again.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from otel_kit.saturation.pace import Pace


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (1.0, [True, False, True, False, True]),
        (0.0, [True, True, True, True, True]),
        (math.inf, [True, False, False, False, False]),
    ],
)
def test_is_due_once_in_so_many_seconds(monkeypatch: pytest.MonkeyPatch, seconds: float, expected: list[bool]) -> None:
    """
    The first time at once, then not before the seconds since the last reading are over.
    """
    moments = iter([0.0, 0.9, 1.0, 1.9, 90.0])
    monkeypatch.setattr("otel_kit.saturation.pace.time", SimpleNamespace(monotonic=lambda: next(moments)))
    pace = Pace(seconds)

    assert expected == [pace.due() for _ in expected]


def test_each_has_its_own() -> None:
    """
    Who was told so takes nothing from another.
    """
    first, second = Pace(60.0), Pace(60.0)

    assert [True, True, False] == [first.due(), second.due(), first.due()]
