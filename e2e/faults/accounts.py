"""
A service of ours that is kept busy, and its own account of what became of its telemetry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from e2e.faults.stores import SignalName
from e2e.process import wait_for
from e2e.samples import Samples
from e2e.services.serving import Service, serve

__all__ = ["Account", "account", "ask", "busy_service", "settled"]


class Account(NamedTuple):
    """
    Of one signal, as the service's `/metrics` has it.
    """

    accepted: int
    delivered: int
    dropped: int
    queued: int


@contextmanager
def busy_service(
    collector_url: str, directory: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """
    A service that makes one span and two log records for each request.
    """
    with serve("e2e.services.models:app", "models", collector_url, directory, environment) as service:
        yield service


def ask(service: Service, requests: int) -> None:
    """
    So many requests, one after the other; each is answered by 200.
    """
    statuses = [service.ask("GET", "/generate/brisk").status for _ in range(requests)]
    assert [200] * requests == statuses


def account(service: Service, signal: SignalName) -> Account:
    """
    The books of this moment.
    """
    page = Samples(service.page())
    names = ("accepted_total", "delivered_total", "dropped_total", "queued")
    return Account(*(int(page.sum(f"otel_kit_items_{name}", signal=signal)) for name in names))


def settled(service: Service, signal: SignalName, timeout: float = 30.0) -> Account:
    """
    The books once nothing waits any more.
    """
    wait_for(lambda: account(service, signal).queued == 0, f"an empty queue of {signal}", timeout)
    return account(service, signal)
