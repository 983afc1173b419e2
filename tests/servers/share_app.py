"""
A service with a gauge that is the share of requests to one route in all requests.
"""

from __future__ import annotations

from fastapi import FastAPI

from otel_kit import Counter, Gauge, Histogram, setup_observability
from otel_kit.derived import Derived, Share
from otel_kit.ledger import ledger, totals
from tests.servers.apps import SaysWho

served_total = Counter("served_total", "Served.", ["route"])
failed_total = Counter("failed_total", "Failed.")
failed_percent = Gauge("failed_percent", "Failed in percent of served.")
sizes = Histogram("sizes", "Sizes.", buckets=(10.0,), extremes=True)

service = FastAPI()
setup_observability(service, service_name="share")
Derived([Share(failed_percent, failed_total, served_total)], ledger)


@service.get("/good/{size}")
async def good(size: float) -> str:
    """
    Nothing but a request.
    """
    served_total.labels("good").inc()
    sizes.observe(size)
    return "good"


@service.get("/bad")
async def bad() -> str:
    """
    One that counts as failed.
    """
    served_total.labels("bad").inc()
    failed_total.inc()
    return "bad"


@service.get("/totals")
async def read_totals() -> dict[str, object]:
    """
    The document of all metrics.
    """
    return totals.totals(ledger.snapshot())


app = SaysWho(service)
