"""
The page of each documented system: nothing that its profile declares is missing, and what is later is said. And the
tutorial on profiles: it has every word in which one is written.

Owns that a name stands there. That it is true is for the page's own blocks, which run, and for `tests/conformance`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from otel_kit import layout, profiles
from otel_kit.health_layout import HealthKind
from otel_kit.profiles import BUILT_IN, Profile, load_profile
from tests.conformance.later import LATER
from tests.conformance.lines import select

DOCS = Path(__file__).parent.parent / "docs"


def page(name: str) -> str:
    """
    The page of a system.
    """
    return (DOCS / "systems" / f"{name}.md").read_text(encoding="utf-8")


def declared(profile: Profile) -> set[str]:
    """
    Names under which somebody who runs the system would look.
    """
    # the label of one check stands for its name
    routes = {re.sub(r"/\{.*", "", route.path).removeprefix("/trpc/") for route in profile.health.routes}
    return {
        *(metric.name for metric in profile.metrics),
        *(field.name for field in profile.layout.fields),
        *(routes - {"/readyz", "/startupz"}),
        *profile.environment,
        *profile.limits,
        *(threshold.name for threshold in profile.thresholds if "_" in threshold.name),
        profile.metrics_path,
    }


@pytest.mark.parametrize("name", BUILT_IN)
def test_everything_of_a_profile_is_on_the_page_of_its_system(name: str) -> None:
    """
    Metrics, log fields, health routes, variables, limits and thresholds, by their names.
    """
    text = page(name)

    assert [] == sorted(each for each in declared(load_profile(name)) if each not in text)


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_is_later_is_what_the_contract_s_list_says(name: str) -> None:
    """
    A row for each reason for which a line of the system is not served yet, and no other.
    """
    shown = re.findall(r"^\| ([^|]+) \|", page(name).partition("\n## Later\n")[2], re.MULTILINE)
    reasons = [reason for reason, places in LATER.items() if any(select(name, place) for place in places)]

    assert reasons == shown


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_disagreement_of_the_documents_has_a_row(name: str) -> None:
    """
    At least as many as the contract has.
    """
    table = page(name).partition("\n## Where the documents disagree\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (?!---|the documents say)", table, re.MULTILINE)

    assert len(rows) >= len(select(name, f"{name}.conflicts[*]")) > 0


@pytest.mark.parametrize(
    "words", [profiles.Role, profiles.Source, layout.Source, HealthKind], ids=["roles", "labels", "fields", "routes"]
)
def test_the_tutorial_has_all_words_of_a_profile(words: object) -> None:
    """
    Roles, sources of labels and of log fields, kinds of health routes.
    """
    tutorial = (DOCS / "tutorial-profile.md").read_text(encoding="utf-8").partition("\n## The words there are\n")[2]

    assert [] == [word for word in get_args(words) if f"`{word}`" not in tutorial]
