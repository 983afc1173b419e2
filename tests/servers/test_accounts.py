"""
The books on `/metrics`, in every mood that a collector has.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.otlp_receiver import OtlpReceiver
from tests.servers.serving import Page, serve, wait_until

SIGNALS = ("traces", "logs", "metrics")

MOODS: dict[str, tuple[dict[str, Any], str]] = {
    "ok": ({}, "delivered"),
    "refused": ({"mode": "refuse"}, "queued"),
    "hanging": ({"mode": "hang"}, "queued"),
    "slow": ({"mode": "slow", "delay": 30.0}, "queued"),
    "server error": ({"mode": "status", "status": 500}, "server_error"),
    "redirect": ({"mode": "status", "status": 307, "location": "http://127.0.0.1:9/v1/traces"}, "redirected"),
    "too many requests": ({"mode": "status", "status": 429, "retry_after": "60"}, "queued"),
    "partial success": ({"mode": "partial", "rejected": 2}, "partial_success"),
}


def books(page: Page, signal: str) -> tuple[float, float, float, float]:
    """
    Accepted, delivered, dropped and queued.
    """
    return tuple(  # type: ignore[return-value]
        page.sum(f"otel_kit_items_{name}", signal=signal)
        for name in ("accepted_total", "delivered_total", "dropped_total", "queued")
    )


def fate(page: Page) -> dict[str, float]:
    """
    What became of the spans.
    """
    found = {
        "delivered": page.sum("otel_kit_items_delivered_total", signal="traces"),
        "queued": page.sum("otel_kit_items_queued", signal="traces"),
    }
    for reason in ("server_error", "redirected", "partial_success"):
        found[reason] = page.sum("otel_kit_items_dropped_total", signal="traces", reason=reason)
    return {name: value for name, value in found.items() if value}


@pytest.mark.parametrize("mood", MOODS)
def test_books_are_true(mood: str, tmp_path: Path) -> None:
    """
    Accepted is delivered, dropped and queued together, for each signal, over both workers, on every page.
    """
    settings, expected = MOODS[mood]
    with OtlpReceiver(mode=settings.get("mode", "ok")) as receiver:
        vars(receiver).update(settings)
        often = {"OTEL_METRIC_EXPORT_INTERVAL": "500"}
        with serve("gunicorn-preload", tmp_path, workers=2, collector=receiver.url, environment=often) as server:
            server.drive_all_workers(60)
            wait_until(lambda: fate(server.scrape()).get(expected), 20, "the spans have met their fate")
            wait_until(lambda: all(books(server.scrape(), signal)[0] for signal in SIGNALS), 20, "all signals are used")
            pages = [server.scrape() for _ in range(10)]

    for page in pages:
        for signal in SIGNALS:
            accepted, delivered, dropped, queued = books(page, signal)
            assert accepted == delivered + dropped + queued, (signal, mood)
    final = fate(pages[-1])
    assert (60.0, True) == (books(pages[-1], "traces")[0], expected in final)
    assert ({expected} if expected != "partial_success" else {expected, "delivered"}) == set(final)


def test_delivered_means_arrived(tmp_path: Path) -> None:
    """
    What the page calls delivered is what the collector has: no more and no less.
    """
    with OtlpReceiver() as receiver, serve("uvicorn", tmp_path, collector=receiver.url) as server:
        server.drive(60)
        assert receiver.wait_for(lambda: 60 == len(receiver.spans))
        wait_until(lambda: not any(books(server.scrape(), signal)[3] for signal in SIGNALS), 20, "nothing is queued")
        page = server.scrape()

        assert (60.0, float(len(receiver.logs))) == (books(page, "traces")[1], books(page, "logs")[1])
