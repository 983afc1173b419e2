"""
The reference page of the words in which a profile is written.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any, get_args

import pytest

from otel_kit import layout
from otel_kit.assets.reference import pages
from otel_kit.assets.vocabulary_page import CLASSES
from otel_kit.event_layout import EventClass, EventLevel, EventName
from otel_kit.health_layout import STATUSES, Form, HealthKind, HealthStatus, Phase
from otel_kit.profiles import (
    CheckReport,
    EventCount,
    Field,
    HealthReport,
    HealthRoute,
    LogLayout,
    Profile,
    Reading,
    RequestMetric,
    Role,
    SecurityEvent,
    Share,
    Source,
    Threshold,
)

PAGE = pages()["profile-vocabulary.md"]
WRITTEN = (
    Profile,
    RequestMetric,
    HealthRoute,
    LogLayout,
    Field,
    Reading,
    Threshold,
    Share,
    SecurityEvent,
    EventCount,
    HealthReport,
    CheckReport,
)


def section(title: str) -> str:
    """
    From a heading to the next of its rank.
    """
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("cls", [*WRITTEN, *CLASSES], ids=lambda cls: cls.__name__)
def test_each_field_is_explained(cls: Any) -> None:
    """
    With its type and a sentence, below its class.
    """
    rows = re.findall(r"^\| `(\w+)` \| `.+` \| .* \| .*\w.* \|$", section(cls.__name__), re.MULTILINE)
    assert [field.name for field in fields(cls)] == [row for row in rows if row in {one.name for one in fields(cls)}]


@pytest.mark.parametrize(
    "words", [Role, Source, layout.Source, HealthKind, Form, HealthStatus, Phase, EventClass, EventLevel, EventName]
)
def test_each_word_is_there(words: Any) -> None:
    """
    Of every closed set.
    """
    assert [] == [word for word in get_args(words) if f"`{word}`" not in PAGE]


def test_each_usual_status_is_there() -> None:
    """
    Beside its word.
    """
    assert [] == [word for word, status in STATUSES.items() if f"| `{word}` | {status} |" not in PAGE]


@pytest.mark.parametrize("name", ["status", "ready", "timestamp", "check(name)"])
def test_what_a_report_works_out(name: str) -> None:
    """
    A document may use it as well as the fields.
    """
    assert f"| `report.{name}` | " in section("HealthReport")


def test_how_workers_become_one_is_told() -> None:
    """
    Every way that a gauge takes.
    """
    ways = ["sum", "livesum", "all", "liveall", "max", "livemax", "min", "livemin"]
    assert [] == [way for way in ways if f"`{way}`" not in section("Gauges of several workers")]
