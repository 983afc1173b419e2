"""
The models: answer at once, but the one called `broken` falls over, and `slow` takes its time.
"""

from __future__ import annotations

import asyncio
import logging

from fastapi import FastAPI

from otel_kit import setup_observability

SLOW_SECONDS = 2.5

app = FastAPI(title="Models")
kit = setup_observability(app)

logger = logging.getLogger("goblin.models")


class ModelBroken(RuntimeError):
    """
    Nobody catches it.
    """


@app.get("/generate/{model}")
async def generate(model: str) -> dict[str, str]:
    """
    One answer.
    """
    logger.info("generation_started", extra={"model": model})
    if model == "broken":
        raise ModelBroken("the model lost its thread")
    if model == "slow":
        await asyncio.sleep(SLOW_SECONDS)
    return {"text": f"{model} says hello"}
