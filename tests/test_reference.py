"""
The generated reference pages.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from otel_kit.assets.reference import WITHOUT_EFFECT, main, metrics_page, pages, settings_page
from otel_kit.profiles import BUILT_IN, load_profile
from otel_kit.settings import Settings, settings_reference
from otel_kit.settings.source import variable_of_field

PACKAGE = Path(__file__).parent.parent / "otel_kit"


def test_every_variable_has_exactly_one_row() -> None:
    """
    Whatever is read is on the page, once.
    """
    shown = re.findall(r"^\| `(\w+)` \|", settings_page(), re.MULTILINE)

    assert sorted(row.variable for row in settings_reference()) == sorted(shown)


def test_settings_without_effect_are_those_that_nobody_reads() -> None:
    """
    The page says honestly which settings are only checked.
    """
    readers = [path for path in PACKAGE.rglob("*.py") if "settings" not in path.parts]
    code = "\n".join(path.read_text(encoding="utf-8") for path in readers)
    unread = {
        variable_of_field(Settings, name)
        for name in Settings.model_fields
        if not re.search(rf"settings\.{name}\b", code)
    }

    assert unread == set(WITHOUT_EFFECT)


@pytest.mark.parametrize("name", BUILT_IN)
def test_everything_of_a_profile_is_on_its_page(name: str) -> None:
    """
    Name, help and labels of each documented metric, each log field, health route and query.
    """
    profile, page = load_profile(name), pages()[f"profile-{name}.md"]
    metrics = [f"### `{one.name}`\n\n{one.declaration.help}\n" for one in profile.metrics]
    fields = [f"| `{field.name}` |" for field in profile.layout.fields]
    routes = [f"| `{route.path}` |" for route in profile.health.routes]
    queries = [query for reading in profile.readings for query in reading.queries.values()]

    assert [] == [text for text in [*metrics, *fields, *routes, *queries] if text not in page]


def test_the_kits_own_metrics_are_explained() -> None:
    """
    The accounts and the state of the kit are on the page too.
    """
    names = set(re.findall(r"^### `(otel_kit_\w+)`", metrics_page(), re.MULTILINE))

    assert {"otel_kit_items_accepted_total", "otel_kit_internal_errors_total", "otel_kit_ledger_shared"} <= names


def test_writes_pages_and_finds_them_fresh(tmp_path: Path) -> None:
    """
    What has just been written differs in nothing.
    """
    assert 0 == main([str(tmp_path)])
    assert 0 == main([str(tmp_path), "--check"])


def test_finds_a_stale_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    A page that was changed by hand fails the check, which names it and leaves it alone.
    """
    main([str(tmp_path)])
    (tmp_path / "metrics.md").write_text("by hand", encoding="utf-8")

    assert 1 == main([str(tmp_path), "--check"])
    assert "metrics.md" in capsys.readouterr().err
    assert "by hand" == (tmp_path / "metrics.md").read_text(encoding="utf-8")
