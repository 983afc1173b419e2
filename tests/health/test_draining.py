"""
SIGTERM put off.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from otel_kit.health.draining import Draining


class ServerSignals:
    """
    A server's handler of SIGTERM, and whether it was called.
    """

    def __init__(self) -> None:
        self.heard = asyncio.Event()
        self.numbers: list[int] = []

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.numbers.append(number)
        self.heard.set()


@pytest.fixture
def server() -> Iterator[ServerSignals]:
    """
    Installed as long as the test lasts.
    """
    handler = ServerSignals()
    before = signal.signal(signal.SIGTERM, handler)
    yield handler
    signal.signal(signal.SIGTERM, before)


async def test_the_server_hears_of_it_later(server: ServerSignals) -> None:
    """
    First the service is told that it drains; the server's handler is called with the same signal afterwards.
    """
    begun: list[str] = []
    draining = Draining(0.05, lambda: begun.append("draining"))
    draining.hook()
    signal.raise_signal(signal.SIGTERM)
    at_once = (list(begun), list(server.numbers))
    await asyncio.wait_for(server.heard.wait(), 5)
    draining.unhook()

    assert (["draining"], []) == at_once
    assert [signal.SIGTERM] == server.numbers


async def test_a_second_one_goes_through_at_once(server: ServerSignals) -> None:
    """
    The timer is off then: the server hears of it once.
    """
    draining = Draining(0.5, lambda: None)
    draining.hook()
    signal.raise_signal(signal.SIGTERM)
    await asyncio.sleep(0)
    signal.raise_signal(signal.SIGTERM)
    at_once = list(server.numbers)
    await asyncio.sleep(0.6)
    draining.unhook()

    assert ([signal.SIGTERM], [signal.SIGTERM]) == (at_once, server.numbers)


async def test_two_applications_drain_at_the_same_time(server: ServerSignals) -> None:
    """
    One signal tells both, and their times don't add up.
    """
    told: list[int] = []
    both = [Draining(0.05, lambda: told.append(1)), Draining(60.0, lambda: told.append(2))]
    for draining in reversed(both):
        draining.hook()
    signal.raise_signal(signal.SIGTERM)
    await asyncio.wait_for(server.heard.wait(), 5)
    for draining in both:
        draining.unhook()

    assert [1, 2] == sorted(told)


async def test_the_handler_is_given_back(server: ServerSignals) -> None:
    """
    After the end SIGTERM is the server's again; taking it twice changes nothing.
    """
    draining = Draining(1.0, lambda: None)
    draining.hook()
    draining.hook()
    hooked = signal.getsignal(signal.SIGTERM)
    draining.unhook()

    assert server is not hooked
    assert server is signal.getsignal(signal.SIGTERM)


async def test_a_handler_above_is_left_alone(server: ServerSignals) -> None:
    """
    Somebody has taken SIGTERM over since: theirs stays, and what it passes on goes through at once.
    """
    draining = Draining(60.0, lambda: None)
    draining.hook()
    ours: Any = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda number, frame: ours(number, frame))
    draining.unhook()
    signal.raise_signal(signal.SIGTERM)

    assert [signal.SIGTERM] == server.numbers


async def test_without_a_time_readiness_goes_first_all_the_same(server: ServerSignals) -> None:
    """
    With 0 seconds the service is told, and the server's handler is called within the same signal.
    """
    heard_before: list[list[int]] = []
    draining = Draining(0.0, lambda: heard_before.append(list(server.numbers)))
    draining.hook()
    signal.raise_signal(signal.SIGTERM)
    draining.unhook()

    assert [[]] == heard_before
    assert [signal.SIGTERM] == server.numbers
    assert server is signal.getsignal(signal.SIGTERM)


async def test_an_ignored_signal_stays_ignored() -> None:
    """
    Who ignores SIGTERM has nobody to hear of it later.
    """
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        Draining(1.0, lambda: None).hook()

        assert signal.SIG_IGN == signal.getsignal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_nothing_is_hooked_outside_of_the_main_thread() -> None:
    """
    A server in another thread has no signals.
    """
    before = signal.getsignal(signal.SIGTERM)

    async def serve() -> None:
        Draining(1.0, lambda: None).hook()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    thread.join(10)

    assert before is signal.getsignal(signal.SIGTERM)
