"""
The page on events says what the catalogue says.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_kit.event_layout import SECURITY_EVENTS, SecurityEvent

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "record-security-events.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("event", SECURITY_EVENTS, ids=lambda event: event.name)
def test_every_event_is_on_the_page(event: SecurityEvent) -> None:
    """
    With its class, level, message and fields.
    """
    fields = ", ".join(f"`{name}`" for name in event.fields)

    assert f"| `{event.name}` | {event.log_class} | {event.level} | {event.message} | {fields} |" in PAGE
