"""
What tests of health have at hand.
"""

from __future__ import annotations

import pytest


@pytest.fixture
def always_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No answer is kept: each question is a run.
    """
    monkeypatch.setattr("otel_kit.health.check.FRESH_SECONDS", 0.0)
