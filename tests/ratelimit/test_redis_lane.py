"""
What is said of Redis belongs to no request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry import context as otel_context

from otel_kit.context import bound_correlation_id, correlation_id
from otel_kit.ratelimit import redis_lane
from otel_kit.ratelimit.redis_breaker import Breaker
from otel_kit.ratelimit.redis_lane import Lane
from otel_kit.ratelimit.storage import StorageAway, Window

WINDOW = Window(5, 60, "sliding-window-counter", "otel-kit:1:{a}:b")


class FailingClient:
    """
    A client of a Redis that is away until it `is_back`, or that never answers.
    """

    is_cluster = False

    def __init__(self, *, hangs: bool) -> None:
        self.is_back = False
        self.hangs = hangs

    async def run(self, script: object, rows: Sequence[object]) -> list[Any]:
        """
        An answer that admits one request, or the failure.
        """
        if self.is_back:
            return [b"-1 0 1"]
        if self.hangs:
            await asyncio.sleep(60.0)
        raise ConnectionResetError

    async def drop_idle(self) -> None:
        """
        Nothing.
        """

    async def close(self) -> None:
        """
        Nothing.
        """


class Told(logging.Handler):
    """
    Keeps each message with the id, and with what instrumentations are told, of the context it was written in.
    """

    def __init__(self) -> None:
        super().__init__()
        self.records: list[tuple[str, str | None, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """
        Take the record.
        """
        self.records.append((record.msg, correlation_id(), otel_context.get_value("suppress_instrumentation")))


@pytest.mark.parametrize("hangs", [False, True])
async def test_records_bear_no_id_of_a_request(hangs: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Neither when Redis is given up, within a request or by the clock, nor when the probe finds it again.
    """
    monkeypatch.setattr(redis_lane, "PROBE_EVERY_SECONDS", 0.01)
    logger, told = logging.getLogger("otel_kit.ratelimit"), Told()
    monkeypatch.setattr(logger, "handlers", [told])
    monkeypatch.setattr(logger, "level", logging.INFO)
    client, breaker = FailingClient(hangs=hangs), Breaker()
    lane = Lane(client, breaker)  # type: ignore[arg-type]
    with bound_correlation_id("of-a-request"):
        for _ in range(3):
            with pytest.raises(StorageAway):
                await lane.ask([WINDOW])
    client.is_back = True
    probing = lane._probing
    assert probing is not None
    await asyncio.wait_for(probing, 10.0)
    await lane.close()

    assert [
        ("rate_limit.storage_failed", None, True),
        ("rate_limit.storage_recovered", None, True),
    ] == told.records
