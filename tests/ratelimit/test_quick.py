"""
The short way: whom it admits, and that it says no more.
"""

from __future__ import annotations

import pytest

from otel_kit.context import RequestRecord
from otel_kit.ratelimit.limit import Limit
from otel_kit.ratelimit.memory import MemoryWindows
from otel_kit.ratelimit.quick import QuickWay, is_simple
from otel_kit.ratelimit.rules import Policy, build_policy
from otel_kit.ratelimit.storage import Strategy
from otel_kit.refusals import Refusal
from tests.ratelimit.asking import ask, limiter_of


def record_of(client: str | None, method: str = "GET") -> RequestRecord:
    """
    A request from this address.
    """
    record = RequestRecord({"type": "http", "path": "/", "headers": []}, "id")
    record.client, record.method = client, method
    return record


def policy_of(limit: Limit) -> Policy:
    """
    Ready for use.
    """
    return build_policy("/", limit)


@pytest.fixture
def quick() -> QuickWay:
    """
    With windows of its own.
    """
    return QuickWay(MemoryWindows())


def test_it_admits_the_amount_and_no_more(quick: QuickWay) -> None:
    """
    Each client up to the rate; what comes after is left to the long way.
    """
    policy = policy_of(Limit("3/minute"))

    passed = {client: sum(quick.admits(policy, record_of(client)) for _ in range(5)) for client in ("10.0.0.1", None)}

    assert {"10.0.0.1": 3, None: 3} == passed


def test_clients_of_one_ipv6_network_are_one(quick: QuickWay) -> None:
    """
    As on the long way.
    """
    policy = policy_of(Limit("1/minute"))

    assert [True, False] == [quick.admits(policy, record_of(client)) for client in ("2001:db8::1", "2001:db8::2")]


@pytest.mark.parametrize(
    "limit",
    [
        Limit("5/minute; 9/hour"),
        Limit("5/minute", burst="1/second"),
        Limit("5/minute", cost=2),
        Limit("5/minute", shadow=True),
    ],
)
def test_what_is_not_simple_goes_the_long_way(quick: QuickWay, limit: Limit) -> None:
    """
    Several windows, a cost or a shadow.
    """
    policy = policy_of(limit)

    assert (False, False) == (is_simple(policy), quick.admits(policy, record_of("10.0.0.1")))


def test_options_go_the_long_way(quick: QuickWay) -> None:
    """
    A preflight does not count, and only the long way reads headers.
    """
    policy = policy_of(Limit("5/minute"))
    quick.admits(policy, record_of("10.0.0.1"))

    assert not quick.admits(policy, record_of("10.0.0.1", "OPTIONS"))


@pytest.mark.parametrize("client", [None, "10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", "testclient", "x" * 200])
@pytest.mark.parametrize("strategy", ["sliding-window-counter", "moving-window"])
def test_both_ways_count_in_one_window(client: str | None, strategy: Strategy) -> None:
    """
    What the short way has admitted, the long way knows of.
    """
    limiter = limiter_of({"/": Limit("3/minute", strategy=strategy)})
    path = {"GET": "short", "OPTIONS": "long"}
    decisions = [(path[method], ask(limiter, client=client, method=method)) for method in ("GET", "OPTIONS") * 2]

    assert [("short", None), ("long", None), ("short", None)] == decisions[:3]
    assert isinstance(decisions[3][1], Refusal)
