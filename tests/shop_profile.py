"""
A small profile with nothing wrong in it, for tests that change one part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from otel_kit.errors import ConfigurationError
from otel_kit.health_layout import HealthReport
from otel_kit.layout import Field, LogLayout
from otel_kit.ledger import Counter, Gauge, Histogram
from otel_kit.profiles import Profile, Reading, RequestMetric

calls = Counter("test_profile_calls_total", "Calls.", ["place"], registry=None)
calls_gauge = Gauge("test_profile_calls", "Calls.", registry=None)
seconds = Histogram("test_profile_seconds", "Seconds.", registry=None)
worst = Gauge("test_profile_up", "Up.", ["service"], registry=None, multiprocess_mode="min")

CORRELATION = Field("correlation_id", "correlation_id")

SHOP = Profile(
    name="shop",
    metrics=(calls, worst),
    requests=(RequestMetric("total", calls, {"place": "route"}),),
    layout=LogLayout(fields=(Field("message", "message"), CORRELATION)),
    readings=(Reading("calls", {"": "sum(test_profile_calls_total)"}), Reading("times", {"p50": "a", "p95": "b"})),
)


def document(report: HealthReport) -> dict[str, Any]:
    """
    Of a health route.
    """
    return {"status": report.state}


def said(make: Callable[[], object]) -> str:
    """
    The one line of the error.
    """
    with pytest.raises(ConfigurationError) as caught:
        make()
    text = str(caught.value)
    assert "\n" not in text
    return text
