"""
The report: the start-up block as data.
"""

from __future__ import annotations

import json

import pytest
from fastapi import FastAPI

from otel_kit import Counter, setup_observability
from otel_kit.ledger import ledger
from otel_kit.testing import CapturedTelemetry

from .asgi_client import call


@pytest.mark.usefixtures("first_set_up", "telemetry")
def test_what_names_the_service_goes_through_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A secret that slipped into a variable is masked in the report as it is in telemetry.
    """
    monkeypatch.setenv("ENVIRONMENT", "password=hunter2hunter2")
    monkeypatch.setenv("APP_VERSION", "1.2.3+alice@example.com")
    monkeypatch.setenv("HOSTNAME", "web-7d4b9c6f5d-x2x7z")
    kit = setup_observability(FastAPI(), service_name="shop")
    service = kit.report()["service"]
    kit.undo()

    assert {
        "name": "shop",
        "version": "REDACTED",
        "environment": "password=REDACTED",
        "hostname": "web-7d4b9c6f5d-x2x7z",
    } == service
    assert "hunter2hunter2" not in json.dumps(service)


async def test_help_of_the_applications_metrics_is_clean_on_the_page(telemetry: CapturedTelemetry) -> None:
    """
    Declared before or after the set-up, an address in it is not shown.
    """
    early = Counter("report_early_total", "Ask alice@example.com.")
    early.inc()
    app = FastAPI()
    kit = setup_observability(app)
    late = Counter("report_late_total", "Ask bob@example.com.")
    late.inc()
    page = (await call(app, path="/metrics")).body.decode()
    kit.undo()
    ledger.unregister(early)
    ledger.unregister(late)

    assert "# HELP report_early_total Ask REDACTED.\n" in page
    assert "# HELP report_late_total Ask REDACTED.\n" in page
