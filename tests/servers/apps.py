"""
The applications that real servers serve in these tests.

`app` is an ordinary service under the kit, in a wrapper that says which process has answered.
What a test wants to be different about the process, it asks for by a variable `APP_…`.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import resource
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from opentelemetry import metrics, trace
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_kit import Counter, setup_observability
from otel_kit.ledger import place

logger = logging.getLogger("shop")
orders_total = Counter("orders_total", "Orders taken.", ["status"])

if "APP_RUN_DIRECTORY" in os.environ:
    # the places are the system's; a test needs one of its own, or one that can't be written
    place._bases = lambda: list(filter(None, [os.environ["APP_RUN_DIRECTORY"]]))
if "APP_LARGEST_FILE" in os.environ:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["APP_LARGEST_FILE"]),) * 2)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """
    The user's own: it says when it begins and ends.
    """
    logger.info("shop.opened")
    yield
    logger.info("shop.closed")


service = FastAPI(lifespan=lifespan)
kit = setup_observability(service, service_name="shop")
logger.info("shop.imported")


@service.get("/items/{item_id}")
async def item(item_id: int) -> dict[str, int]:
    """
    An ordinary route.
    """
    return {"item": item_id}


@service.get("/slow")
async def slow(seconds: float) -> str:
    """
    A request that stays in progress for a while.
    """
    await asyncio.sleep(seconds)
    return "done"


@service.get("/say/{size}")
async def say(size: int, times: int = 1) -> str:
    """
    Logs lines of about so many characters.
    """
    for _ in range(times):
        logger.info("x" * size)
    return "said"


@service.get("/instrument")
async def instrument() -> str:
    """
    Counts as another library does: by an instrument of OpenTelemetry.
    """
    metrics.get_meter("library").create_counter("library.calls").add(1)
    return "counted"


@service.get("/threads")
async def threads() -> list[str]:
    """
    Names of the threads of this process.
    """
    return sorted(thread.name for thread in threading.enumerate())


@service.get("/fork")
def fork() -> int | None:
    """
    Forks a child that counts, logs and makes a span as if it were the worker, and waits for its end.
    """
    child = multiprocessing.get_context("fork").Process(target=_work_in_child)
    child.start()
    child.join(20)
    return child.exitcode


def _work_in_child() -> None:
    orders_total.labels("forked").inc()
    logger.info("shop.forked")
    with trace.get_tracer("shop").start_as_current_span("forked"):
        pass


class SaysWho:
    """
    Puts the number of the answering process on each answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_pid(message: Message) -> None:
            if message["type"] == "http.response.start":
                pid = (b"x-worker", str(os.getpid()).encode())
                message = {**message, "headers": [*message["headers"], pid]}
            await send(message)

        await self.app(scope, receive, send_with_pid)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.app, name)


app = SaysWho(service)
