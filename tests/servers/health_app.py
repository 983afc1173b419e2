"""
A service whose checks misbehave in each way that there is.
"""

from __future__ import annotations

import asyncio
import os
import time
from itertools import count

from fastapi import FastAPI

from otel_kit import setup_observability
from otel_kit.integrations.checks import collector_check

service = app = FastAPI()
kit = setup_observability(service, service_name="ward")
runs = count()


@service.get("/items/{item_id}")
async def item(item_id: int) -> dict[str, int]:
    """
    An ordinary route.
    """
    return {"item": item_id}


@service.get("/runs")
async def runs_so_far() -> int:
    """
    How often the good check has run.
    """
    return next(runs)


@kit.check("good")
async def good() -> None:
    """
    Healthy.
    """
    next(runs)


if "APP_COLLECTOR" in os.environ:
    kit.checks.add("collector", collector_check(kit), critical=False)

if "APP_SICK" in os.environ:

    @kit.check("hangs")
    async def hangs() -> None:
        """
        Never comes to an end.
        """
        await asyncio.sleep(3600)

    @kit.check("stubborn")
    async def stubborn() -> None:
        """
        Takes no cancellation either.
        """
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue

    @kit.check("blocks")
    def blocks() -> None:
        """
        Blocks its thread.
        """
        time.sleep(3600)

    @kit.check("blocks_the_loop")
    async def blocks_the_loop() -> None:
        """
        Blocks the loop on which it was started.
        """
        time.sleep(1.5)  # noqa: ASYNC251 - what it is about

    @kit.check("raises")
    def raises() -> None:
        """
        Raises what would end a program.
        """
        raise SystemExit("password=hunter2")
