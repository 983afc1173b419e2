"""
What a rate limit costs on a request that it lets pass: the kit's beside slowapi's three ways and fastapi-limiter's.

Owns the variants. Each is the bare application with one limit that is never met, so what a variant costs over
`bare` is its limiter; the kit's own is the difference between itself with limits and without, everything else on.

With redis-server installed the same is measured over Redis on loopback, one server for all.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import Depends, FastAPI, Request

from benchmarks import in_process
from benchmarks.apps import UNREACHABLE_LIMIT, Built, log_to_null_device, nothing_to_flush
from benchmarks.bars import KIT
from benchmarks.processes import Sink

REDIS_VARIABLE = "BENCHMARK_REDIS_URL"
KIT_WITHOUT = "otel_kit_without_limits"
KIT_REDIS = "otel_kit_redis"


def add_items(app: FastAPI, **options: Any) -> None:
    """
    The one route, as the other measures have it.
    """

    @app.get("/items", **options)
    async def read_items() -> dict[str, Any]:
        return {"items": ["one", "two", "three"], "count": 3}


def build_slowapi_decorator(storage: str | None = None) -> Built:
    """
    slowapi as its documentation begins: a decorator on the handler, which must take the request.
    """
    from slowapi import Limiter
    from slowapi.util import get_remote_address

    log_to_null_device()
    app = FastAPI()
    limiter = app.state.limiter = Limiter(key_func=get_remote_address, storage_uri=storage)

    async def read_items(request: Request) -> dict[str, Any]:
        return {"items": ["one", "two", "three"], "count": 3}

    app.add_api_route("/items", limiter.limit(UNREACHABLE_LIMIT)(read_items))
    return Built(app, nothing_to_flush)


def build_slowapi_middleware(name: str) -> Callable[[], Built]:
    """
    slowapi with a default limit, judged by the middleware of this name.
    """

    def build() -> Built:
        from slowapi import Limiter, middleware
        from slowapi.util import get_remote_address

        log_to_null_device()
        app = FastAPI()
        add_items(app)
        app.state.limiter = Limiter(key_func=get_remote_address, default_limits=[UNREACHABLE_LIMIT])
        app.add_middleware(getattr(middleware, name))
        return Built(app, nothing_to_flush)

    return build


def build_fastapi_limiter() -> Built:
    """
    fastapi-limiter as a dependency; its memory bucket keeps every request of the window, so the window is short.
    """
    from fastapi_limiter.depends import RateLimiter
    from pyrate_limiter import Duration, Limiter, Rate

    log_to_null_device()
    app = FastAPI()
    limiter = Limiter(Rate(1_000_000, Duration.SECOND))
    add_items(app, dependencies=[Depends(RateLimiter(limiter=limiter))])
    return Built(app, nothing_to_flush)


def build_kit(enabled: bool, storage: str | None = None) -> Built:
    """
    The kit with everything on.
    """
    from otel_kit import Settings, setup_observability

    app = FastAPI()
    add_items(app)
    chosen: dict[str, Any] = {"ratelimit_storage_url": storage} if storage else {}
    settings = Settings(ratelimit_enabled=enabled, **chosen)
    kit = setup_observability(app, limits={"/": UNREACHABLE_LIMIT}, settings=settings)

    async def flush() -> None:
        if not await kit.flush(10.0):
            raise TimeoutError("the kit did not flush within 10 seconds")

    return Built(app, flush)


def _redis() -> str:
    return os.environ[REDIS_VARIABLE]


MEMORY: dict[str, Callable[[], Built]] = {
    "slowapi_decorator": build_slowapi_decorator,
    "slowapi_middleware": build_slowapi_middleware("SlowAPIMiddleware"),
    "slowapi_asgi_middleware": build_slowapi_middleware("SlowAPIASGIMiddleware"),
    "fastapi_limiter_dependency": build_fastapi_limiter,
    KIT_WITHOUT: lambda: build_kit(enabled=False),
}
REDIS: dict[str, Callable[[], Built]] = {
    "slowapi_decorator_redis": lambda: build_slowapi_decorator(_redis()),
    KIT_REDIS: lambda: build_kit(enabled=True, storage=_redis()),
}
VARIANTS = MEMORY | REDIS


# --- the driver -----------------------------------------------------------------------------------------------


def measure(sink: Sink, generations: int, rounds: int) -> dict[str, float]:
    """
    Microseconds of a GET that each limiter adds, by variant: medians over the rounds.
    """
    with running_redis() as url:
        variants = ["bare", KIT, *MEMORY, *(REDIS if url else ())]
        measured = in_process.measure(variants, sink, generations, rounds, kinds=("GET",))
    added = {variant: statistics.median(kinds["GET"].added) for variant, kinds in measured.items()}
    without = added.pop(KIT_WITHOUT)
    return {
        variant: value - without if variant.startswith(KIT) else value
        for variant, value in added.items()
        if variant != "bare"
    }


@contextmanager
def running_redis() -> Iterator[str | None]:
    """
    A Redis for the length of the block, named in the environment; None where redis-server is not installed.
    """
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", directory]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        os.environ[REDIS_VARIABLE] = f"redis://127.0.0.1:{port}"
        try:
            wait_for(port)
            yield os.environ[REDIS_VARIABLE]
        finally:
            del os.environ[REDIS_VARIABLE]
            server.terminate()
            server.wait(timeout=10)


def wait_for(port: int, seconds: float = 10.0) -> None:
    """
    Until something listens.

    Raises:
        TimeoutError: Nothing does.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    raise TimeoutError("redis-server did not start to listen")
