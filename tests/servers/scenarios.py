"""
Programs that use the kit without a server: `python -m tests.servers.scenarios NAME`.

Each runs in a process of its own, prints what it saw as one JSON line on standard error, since
standard output belongs to the kit, and ends by itself.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from otel_kit import setup_observability
from tests.asgi_client import call
from tests.counting import value_of

logger = logging.getLogger("shop")


def make_app(name: str = "shop") -> FastAPI:
    """
    A small service that logs when it opens and closes, not yet under the kit.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        logger.info("%s.opened", name)
        yield
        logger.info("%s.closed", name)

    app = FastAPI(lifespan=lifespan)

    @app.get("/items/{item_id}")
    async def item(item_id: int) -> dict[str, int]:
        return {"item": item_id}

    @app.get("/slow")
    async def slow(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    return app


def test_client_twice() -> dict[str, Any]:
    """
    Two lifespans of one application, one after the other.
    """
    app = make_app()
    setup_observability(app)
    delivered = []
    for _ in range(2):
        with TestClient(app) as client:
            for _ in range(3):
                client.get("/items/1")
        delivered.append(value_of("otel_kit_items_delivered_total", signal="traces"))
    return {"delivered": delivered}


def test_client_without_lifespan() -> dict[str, Any]:
    """
    Nobody tells the application that it begins or ends.
    """
    app = make_app()
    setup_observability(app)
    client = TestClient(app)
    return {"statuses": [client.get("/items/1").status_code for _ in range(3)]}


def plain_asgi() -> dict[str, Any]:
    """
    The application is called, and nothing else.
    """
    app = make_app()
    setup_observability(app)
    return {"statuses": [asyncio.run(call(app, path="/items/1")).status for _ in range(3)]}


def two_applications() -> dict[str, Any]:
    """
    Two applications side by side, the lifespan of one within that of the other.
    """
    apps = [make_app("one"), make_app("other")]
    for app in apps:
        setup_observability(app)
    with TestClient(apps[0]) as one:
        with TestClient(apps[1]) as other:
            ids = [client.get("/items/1").headers.get_list("X-Correlation-ID") for client in (one, other)]
            slow = [threading.Thread(target=client.get, args=("/slow?seconds=1.5",)) for client in (one, other)]
            for thread in slow:
                thread.start()
            in_progress = highest(lambda: value_of("http_requests_in_progress", endpoint="/slow"), 2.0)
            for thread in slow:
                thread.join()
        after = one.get("/items/1").status_code
    return {
        "ids": [len(found) for found in ids],
        "in_progress": in_progress,
        "after": after,
        "total": value_of("http_requests_total"),
    }


def highest(read: Callable[[], float], enough: float) -> float:
    """
    The highest value seen within ten seconds, or the first that is enough.
    """
    best, deadline = 0.0, time.monotonic() + 10
    while best < enough and time.monotonic() < deadline:
        best = max(best, read())
    return best


def set_up_twice() -> dict[str, Any]:
    """
    The second call changes nothing.
    """
    app = make_app()
    first, second = setup_observability(app), setup_observability(app)
    with TestClient(app) as client:
        client.get("/items/1")
    return {"same": first is second, "total": value_of("http_requests_total")}


def undone() -> dict[str, Any]:
    """
    The kit comes, serves one request, and goes.
    """
    before = _logging_state()
    app = make_app()
    kit = setup_observability(app)
    with TestClient(app) as client:
        with_id = "X-Correlation-ID" in client.get("/items/1").headers
    kit.undo()
    with TestClient(app) as client:
        answer = client.get("/items/1")
        page = client.get("/metrics").status_code
    return {
        "with": with_id,
        "without": "X-Correlation-ID" in answer.headers,
        "status": answer.status_code,
        "page": page,
        "logging": before == _logging_state(),
    }


def _logging_state() -> list[object]:
    names = ("uvicorn", "uvicorn.error", "uvicorn.access")
    loggers = [logging.getLogger(), *map(logging.getLogger, names)]
    return [[found.level, len(found.handlers), found.propagate, found.disabled] for found in loggers]


def flushed() -> dict[str, Any]:
    """
    The application asks for a flush within a second, ends the kit, and goes on all the same.
    """
    app = make_app()
    kit = setup_observability(app)

    async def run() -> dict[str, Any]:
        await call(app, path="/items/1")
        begun = time.monotonic()
        done = await kit.flush(1.0)
        seconds = time.monotonic() - begun
        ended = await kit.shutdown(1.0)
        again = (await call(app, path="/items/1")).status
        return {"flushed": done, "seconds": seconds, "ended": ended, "again": again}

    return asyncio.run(run())


def only_set_up() -> dict[str, Any]:
    """
    The application is imported, and that is all.
    """
    setup_observability(make_app())
    opened = map(_target, os.listdir("/proc/self/fd"))
    return {
        "threads": [thread.name for thread in threading.enumerate()],
        "sockets": sum(path.startswith("socket:") for path in opened),
    }


def _target(descriptor: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except FileNotFoundError:  # the one by which the directory was read
        return ""


def parent_that_logs() -> dict[str, Any]:
    """
    A process that logs while it imports the application, forks a worker, and waits for its end.
    """
    setup_observability(make_app())
    logger.info("shop.imported")
    child = os.fork()
    if child == 0:
        os._exit(0)
    # a clock that all processes share: whoever sees this one end knows how long its end took
    return {"status": os.waitpid(child, 0)[1], "until": time.monotonic()}


def forked() -> dict[str, Any]:
    """
    A process that has served forks a child, which serves, too, and ends in good order.
    """
    app = make_app()
    setup_observability(app)
    client = TestClient(app)
    client.get("/items/1")
    child = os.fork()
    if child == 0:
        client.get("/items/2")
        sys.exit(0)
    _, status = os.waitpid(child, 0)
    return {"status": status, "total": value_of("http_requests_total")}


SCENARIOS: dict[str, Callable[[], dict[str, Any]]] = {
    scenario.__name__: scenario
    for scenario in (
        test_client_twice,
        test_client_without_lifespan,
        plain_asgi,
        two_applications,
        set_up_twice,
        undone,
        flushed,
        only_set_up,
        parent_that_logs,
        forked,
    )
}

if __name__ == "__main__":
    print(json.dumps(SCENARIOS[sys.argv[1]]()), file=sys.stderr)
