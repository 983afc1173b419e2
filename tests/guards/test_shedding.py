"""
The cap on requests in flight.
"""

from __future__ import annotations

import asyncio

import orjson
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from otel_kit.guards import Guard
from tests.counting import value_of
from tests.guards.uploads import STALLS, Upload, guarded


class Held:
    """
    An application that answers when it is told to, behind a guard with a cap.
    """

    def __init__(self, cap: int) -> None:
        self.go_on = asyncio.Event()
        self.running = 0
        self.guard: Guard = guarded(self, max_in_flight=cap, never_shed=lambda path: path == "/health")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.running += 1
        await self.go_on.wait()
        if scope.get("path") == "/broken":
            raise LookupError
        if scope["type"] == "http":
            await PlainTextResponse("done")(scope, receive, send)

    async def filled(self, count: int, path: str = "/") -> list[asyncio.Task[object]]:
        """
        So many requests that have reached the application.
        """
        tasks: list[asyncio.Task[object]] = [
            asyncio.create_task(Upload(method="GET", path=path).to(self.guard)) for _ in range(count)
        ]
        await asyncio.sleep(0)
        assert count == self.running
        return tasks

    async def status(self, path: str = "/") -> int:
        """
        Of one more request, once all may answer.
        """
        task = asyncio.create_task(Upload(method="GET", path=path).to(self.guard))
        await asyncio.sleep(0)
        self.go_on.set()
        return (await task).status


async def test_one_more_than_may_be_is_refused() -> None:
    """
    At once, with a time to come back; the others are answered.
    """
    held = Held(2)
    tasks = await held.filled(2)
    refused = await Upload(method="GET").to(held.guard)
    held.go_on.set()

    assert [200, 200] == [(await task).status for task in tasks]
    assert (503, "1") == (refused.status, refused.header("retry-after"))
    assert {"error": "overloaded", "retry_after": 1}.items() <= orjson.loads(refused.body).items()


async def test_a_place_is_free_again_when_a_request_ends() -> None:
    """
    Also one that ends by an exception.
    """
    held = Held(1)
    (task,) = await held.filled(1, "/broken")
    held.go_on.set()
    with pytest.raises(LookupError):
        await task

    assert 200 == await held.status()


async def test_health_is_never_shed() -> None:
    """
    A probe is answered however many requests there are.
    """
    held = Held(1)
    tasks = await held.filled(1)

    assert 200 == await held.status("/health")
    assert [200] == [(await task).status for task in tasks]


async def test_the_servers_prefix_is_not_part_of_the_path() -> None:
    """
    The rule is asked for the path that the application knows.
    """
    held = Held(0)
    held.go_on.set()
    upload = Upload(method="GET", path="/api/health", root_path="/api")

    assert 200 == (await upload.to(held.guard)).status


async def test_refusals_are_counted() -> None:
    """
    Each one.
    """
    before = value_of("otel_kit_requests_shed_total")
    for _ in range(3):
        await Upload(method="GET").to(Held(0).guard)

    assert 3 == value_of("otel_kit_requests_shed_total") - before


async def test_a_shed_upload_is_not_read() -> None:
    """
    It costs nothing but the answer.
    """
    upload = Upload([b"x" * 10], headers={"content-length": "10"})

    assert (503, 0) == ((await upload.to(Held(0).guard)).status, upload.taken)


@pytest.mark.parametrize("cap", [0, 1])
async def test_a_body_that_is_too_large_is_refused_under_any_load(cap: int) -> None:
    """
    To try again later would not help.
    """
    upload = Upload([b"x" * 100], headers={"content-length": "100"})

    assert 413 == (await upload.to(Held(cap).guard)).status


async def test_a_client_that_is_seen_off_takes_no_place() -> None:
    """
    It goes on sending what nobody reads, while others are served.
    """
    held = Held(1)
    held.go_on.set()
    upload = Upload([b"x" * 100, STALLS], headers={"content-length": "100"})
    leaving = asyncio.create_task(upload.to(held.guard))
    await asyncio.sleep(0)
    status = await held.status()
    leaving.cancel()

    assert (200, 413) == (status, upload.sent[0]["status"])


async def test_an_open_websocket_takes_no_place() -> None:
    """
    It is idle most of its time.
    """
    held = Held(1)
    upload = Upload(method="GET")
    socket = asyncio.create_task(held.guard({**upload.scope, "type": "websocket"}, upload.receive, upload.send))
    await asyncio.sleep(0)

    assert 200 == await held.status()
    await socket
    assert 2 == held.running


async def test_a_handshake_is_refused_like_a_request() -> None:
    """
    By HTTP where the server can.
    """
    held = Held(0)
    upload = Upload(method="GET")
    scope = {**upload.scope, "type": "websocket", "extensions": {"websocket.http.response": {}}}
    await held.guard(scope, upload.receive, upload.send)

    assert ("websocket.http.response.start", 503) == (upload.sent[0]["type"], upload.sent[0]["status"])
    assert 0 == held.running


async def test_the_lifespan_is_never_shed() -> None:
    """
    A service that takes no request may start all the same.
    """
    held = Held(0)
    held.go_on.set()
    upload = Upload()
    await held.guard({"type": "lifespan"}, upload.receive, upload.send)

    assert 1 == held.running


async def test_without_a_cap_there_is_no_shedding() -> None:
    """
    Nothing is counted then.
    """
    held = Held(1)
    held.guard = guarded(held)
    tasks = await held.filled(50)
    held.go_on.set()

    assert {200} == {(await task).status for task in tasks}
