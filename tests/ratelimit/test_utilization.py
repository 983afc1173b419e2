"""
The share of a limit in use: that of the client who has most of it, by policy.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI

from otel_kit import setup_observability
from otel_kit.ledger import ledger
from otel_kit.ratelimit import Limit, Limiter
from otel_kit.ratelimit.memory import MemoryWindows
from otel_kit.ratelimit.rules import build_policy
from otel_kit.ratelimit.storage import Outcome, Window
from otel_kit.ratelimit.utilization import Utilization, _members, utilization_ratio
from otel_kit.ratelimit.windows import Windows
from tests.asgi_client import call
from tests.ratelimit.asking import SlowStorage, ask, ask_later, limiter_of, share

Start = Callable[[Limiter], Limiter]


@pytest.fixture
def shown() -> Iterator[Start]:
    """
    Has a limiter's utilization shown until the test ends.
    """
    limiters: list[Limiter] = []

    def start(limiter: Limiter) -> Limiter:
        limiter.utilization.start()
        limiters.append(limiter)
        return limiter

    yield start
    for limiter in limiters:
        limiter.utilization.stop()


def in_use(policy: str) -> float | None:
    """
    What a snapshot shows of this policy; None without a series.
    """
    for family in ledger.snapshot(own=True):
        if family.declaration.name == "otel_kit_ratelimit_utilization_ratio":
            return next((one.values[0] for one in family.series if ("policy", policy) in tuple(one.labels)), None)
    return None


def hooks() -> int:
    """
    How many hooks of ours the ledger calls.
    """
    return ledger._hooks.count(_members.refresh)


def test_a_policy_with_a_rate_stands_with_zero_from_set_up() -> None:
    """
    Before anything is asked; one without any rate has no share of it.
    """
    limiter_of({"/stands": "10/minute", "/tiers": Limit(None, tiers={"paid": "5/minute"}), "/free": None})

    assert [0.0, 0.0, None] == [in_use(policy) for policy in ("/stands", "/tiers", "/free")]


@pytest.mark.parametrize(
    "limit", [Limit("20/minute"), Limit("20/minute", strategy="moving-window"), Limit("40/hour", cost=2)]
)
def test_the_client_who_has_most_in_use_counts(shown: Start, limit: Limit) -> None:
    """
    Not the sum over clients, nor the last that came; the same on the short way and on the long.
    """
    limiter = shown(limiter_of({"/most": limit}))
    for client in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.1", "192.0.2.3"):
        ask(limiter, "/most", client=client)

    assert 3 / 20 == in_use("/most")


def test_a_refused_client_is_at_the_limit(shown: Start) -> None:
    """
    Also one whose request was too dear for what was left.
    """
    limiter = shown(limiter_of({"/cheap": "3/minute", "/dear": Limit("10/minute", cost=6)}))
    for path in ("/cheap",) * 5 + ("/dear",) * 2:
        ask(limiter, path)

    assert (1.0, 1.0) == (in_use("/cheap"), in_use("/dear"))


def test_of_several_rates_the_fullest_counts(shown: Start) -> None:
    """
    A burst may be nearly used up while the hour has hardly begun.
    """
    limiter = shown(limiter_of({"/several": Limit("100/hour", burst="4/minute")}))
    for _ in range(3):
        ask(limiter, "/several")

    assert 3 / 4 == in_use("/several")


def test_two_policies_of_one_request_have_shares_of_their_own(shown: Start) -> None:
    """
    Where one refuses, the other shows what the client still has in use of it.
    """
    limiter = shown(limiter_of({"/both": "10/minute", "*": "2/minute"}))
    for _ in range(5):
        ask(limiter, "/both")

    assert (0.2, 1.0) == (in_use("/both"), in_use("*"))


def test_a_refusal_by_another_policy_keeps_the_share(shown: Start) -> None:
    """
    Who is held back by `*` alone still has his part of the other limit.
    """
    moment = [1000.0]
    limiter = shown(limiter_of({"/held": "10/day", "*": "2/hour"}))
    limiter._memory = MemoryWindows(Windows(clock=lambda: moment[0]))
    limiter.utilization.windows = limiter._memory.windows
    limiter._storage = limiter._memory
    ask(limiter, "/held")
    ask(limiter, "/held")
    moment[0] += 300.0
    before = in_use("/held")
    ask(limiter, "/held")

    assert (0.0, 0.2) == (before, in_use("/held"))


def test_a_shadow_counts_as_well(shown: Start) -> None:
    """
    A limit is tried in shadow mode to see how near clients come to it.
    """
    limiter = shown(limiter_of({"/shadow": Limit("2/minute", shadow=True)}))
    ask(limiter, "/shadow")
    first = in_use("/shadow")
    for _ in range(3):
        ask(limiter, "/shadow")

    assert (0.5, 1.0) == (first, in_use("/shadow"))


def test_falls_to_zero_when_nothing_happens(shown: Start) -> None:
    """
    A little more than a minute after the last decision, though windows may last longer.
    """
    moment = [1000.0]
    limiter = shown(limiter_of({"/quiet": "4/day"}))
    limiter._memory = MemoryWindows(Windows(clock=lambda: moment[0]))
    limiter.utilization.windows = limiter._memory.windows
    for _ in range(2):
        ask(limiter, "/quiet")
    values = []
    for seconds in (0.0, 60.0, 16.0):
        moment[0] += seconds
        values.append(in_use("/quiet"))

    assert [0.5, 0.5, 0.0] == values


def test_of_two_applications_the_larger_counts(shown: Start) -> None:
    """
    Policies of one name in one process; when one leaves, the other's share stays.
    """
    little, much = (shown(limiter_of({"/twice": "10/minute"})) for _ in range(2))
    ask(little, "/twice")
    for _ in range(7):
        ask(much, "/twice")
    together = in_use("/twice")
    much.utilization.stop()

    assert (0.7, 0.1) == (together, in_use("/twice"))


def test_who_leaves_takes_the_hook_along() -> None:
    """
    The last one at least; its policies stand with zero, and it may begin again.
    """
    before = hooks()
    limiter = limiter_of({"/leaves": "2/minute"})
    ask(limiter, "/leaves")
    limiter.utilization.start()
    limiter.utilization.start()
    values = [in_use("/leaves")]
    limiter.utilization.stop()
    limiter.utilization.stop()
    values.append(in_use("/leaves"))

    assert ([0.5, 0.0], before) == (values, hooks())


async def test_an_application_shows_it_until_the_kit_is_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Through the whole stack: from the first request on, and no more after `undo`.
    """
    monkeypatch.setenv("RATELIMIT_ENABLED", "true")
    app = FastAPI()
    before = hooks()
    kit = setup_observability(app, limits={"/whole": "4/minute"})
    try:
        stands = in_use("/whole")
        await call(app, path="/whole")
        serves = in_use("/whole")
    finally:
        kit.undo()

    assert (0.0, 0.25, 0.0, before) == (stands, serves, in_use("/whole"), hooks())


def test_a_route_of_its_own_is_shown_from_its_first_request(shown: Start) -> None:
    """
    Two limits of one name are one policy to whoever reads the metric.
    """
    limiter = shown(limiter_of({}))
    policies = [build_policy("export", Limit(rate), bucket=rate) for rate in ("4/minute", "8/minute")]
    for policy in policies:
        limiter.utilization.add(policy)
        limiter._load().acquire([Window(8, 60, policy.strategy, f"client:{policy.quotas[0].suffix}", 2)])

    assert 0.5 == in_use("export")


class TellingStorage(SlowStorage):
    """
    A shared storage that says what is in use, as Redis does.
    """

    def __init__(self, *used: tuple[int, ...]) -> None:
        super().__init__(None)
        self.used = list(used)

    async def acquire(self, windows: object) -> Outcome:
        """
        The next of what is in use.
        """
        return Outcome(None, 0.0, 0, self.used.pop(0))


def share_out(limiter: Limiter, storage: TellingStorage) -> None:
    """
    From now on the limiter counts there, and on no short way.
    """
    share(limiter, storage)._quick = None


async def test_what_a_shared_storage_says_counts(shown: Start) -> None:
    """
    By policy and rate, in the order of the windows.
    """
    limiter = shown(limiter_of({"/told": Limit("100/hour", burst="10/second"), "*": "50/minute"}))
    share_out(limiter, TellingStorage((30, 9, 10), (31, 2, 11)))
    for _ in range(2):
        await ask_later(limiter, "/told")

    assert (0.9, 0.22) == (in_use("/told"), in_use("*"))


async def test_limits_that_hold_locally_count_while_the_storage_is_away(shown: Start) -> None:
    """
    Of what both say the larger.
    """
    limiter = shown(limiter_of({"/away": "10/minute"}))
    for _ in range(4):
        ask(limiter, "/away")
    share_out(limiter, TellingStorage((3,), (6,)))
    values = []
    for _ in range(2):
        await ask_later(limiter, "/away")
        values.append(in_use("/away"))

    assert [0.4, 0.6] == values


def test_a_forked_child_starts_at_zero(shown: Start) -> None:
    """
    It has decided nothing; what it decides itself is shown.
    """
    limiter = shown(limiter_of({"/forked": "10/minute", "/forked/redis": "10/minute"}))
    ask(limiter, "/forked")
    ask(limiter, "/forked")
    share_out(limiter, TellingStorage((5,)))
    asyncio.run(_asked(limiter, "/forked/redis"))
    parent = in_use("/forked"), in_use("/forked/redis")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            limiter._storage = limiter._memory
            zero = in_use("/forked"), in_use("/forked/redis")
            ask(limiter, "/forked", client="192.0.2.9")
            code = 0 if ((0.0, 0.0), 0.1) == (zero, in_use("/forked")) else 2
        finally:
            os._exit(code)

    assert ((0.2, 0.5), 0) == (parent, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


async def _asked(limiter: Limiter, path: str) -> None:
    await ask_later(limiter, path)


def test_of_several_processes_the_largest_share_counts() -> None:
    """
    They are no parts of one whole: their sum would be nobody's share.
    """
    assert "max" == utilization_ratio.declaration.merge


def test_a_policy_is_shown_once() -> None:
    """
    However often it is added, as by routes that are asked again.
    """
    utilization = Utilization([])
    for _ in range(3):
        utilization.add(build_policy("/once", Limit("2/minute")))

    assert [("/once", 0.0)] == list(utilization.shares())
