"""
A service of any documented system: the profile comes by the environment, and one request feeds every metric of it.

Owns nothing of a profile: metrics are fed by their kind, with the words of the checks below for labels.
"""

from __future__ import annotations

from fastapi import FastAPI

from otel_kit import Counter, Gauge, Histogram, Settings, setup_observability
from otel_kit.profiles import load_profile
from otel_kit.ratelimit import Limit

PROFILE = load_profile(Settings().profile)
FILLED = {item.metric.name for item in PROFILE.requests} | {share.gauge.name for share in PROFILE.derived}
"""By the kit."""

app = FastAPI(title=PROFILE.name)
kit = setup_observability(
    app,
    checks={"database": lambda: True, "auth": lambda: True},
    limits={"/limited": "1/minute", "/watched": Limit("1/minute", shadow=True)},
)
if "ai_provider_calls_total" in {metric.name for metric in PROFILE.metrics}:
    kit.providers({"openai": True, "anthropic": False, "perplexity": False})

WORDS = {"period": "day", "outcome": "success", "status": "healthy"}


@app.post("/feed")
async def feed() -> dict[str, int]:
    """
    Each metric that the kit does not fill, once.
    """
    fed = 0
    for metric in PROFILE.metrics:
        if metric.name in FILLED or metric is PROFILE.health_gauge:
            continue
        series = metric.labels(*(WORDS.get(label, "any") for label in metric.labelnames))
        if isinstance(metric, Counter):
            series.inc(3)
        elif isinstance(metric, Gauge):
            series.set(3)
        elif isinstance(metric, Histogram):
            series.observe(0.3)
        fed += 1
    return {"fed": fed}


@app.get("/items/{item}")
async def read(item: int) -> dict[str, int]:
    """
    A good answer.
    """
    return {"item": item}


@app.get("/broken")
async def broken() -> None:
    """
    An unhandled exception.
    """
    raise RuntimeError("broken")


@app.post("/auth/login")
@app.post("/chat/completions")
@app.get("/limited")
@app.get("/watched")
async def ordinary() -> dict[str, bool]:
    """
    What the documents name, and what is limited here.
    """
    return {"ok": True}
