"""
Decisions: rule, identity, cost and answer of one request after the other.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.requests import HTTPConnection

from otel_kit import ConfigurationError, faults
from otel_kit.identity import Identities
from otel_kit.ratelimit import Limit, Limiter, build_rules
from otel_kit.ratelimit.memory import MemoryWindows
from otel_kit.ratelimit.storage import StorageAway
from otel_kit.settings import ApiKey
from tests.ratelimit.asking import AwayStorage, SlowStorage, ask, ask_later, limiter_of, outcomes, request, share

PREFLIGHT = [(b"origin", b"https://example.com"), (b"access-control-request-method", b"POST")]


@pytest.fixture(autouse=True)
def no_faults_but_expected(request: pytest.FixtureRequest) -> Iterator[None]:
    """
    A test in which the kit fails somewhere says so.
    """
    before = faults.counts()
    yield
    after = faults.counts()
    said = {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name, 0)}
    expected = request.node.get_closest_marker("usefixtures")
    assert bool(said) == (expected is not None and "a_fault" in expected.args)


@pytest.fixture
def a_fault() -> None:
    """
    Says that the kit counts a fault in this test.
    """


def test_ten_of_fifteen_pass() -> None:
    """
    The contract's own check: the eleventh login within a minute is refused.
    """
    limiter = limiter_of({"/auth": "10/minute", "/": "100/minute"})
    statuses = [429 if ask(limiter, "/auth/login", method="POST") else 200 for _ in range(15)]

    assert [200] * 10 + [429] * 5 == statuses


def test_the_answer_says_when_to_come_again() -> None:
    """
    Body and three headers name the limit that was hit and the same moment.
    """
    limiter = limiter_of({"/auth": "1/minute"})
    ask(limiter, "/auth")
    refusal = ask(limiter, "/auth")

    assert refusal is not None
    assert (429, "rate_limit_exceeded", "Rate limit exceeded: 1 per 1 minute", {"retry_after": 60}) == (
        refusal.status,
        refusal.error,
        refusal.message,
        refusal.fields,
    )
    assert {b"retry-after": b"60", b"ratelimit-policy": b'"/auth";q=1;w=60', b"ratelimit": b'"/auth";r=0;t=60'} == dict(
        refusal.headers
    )


def test_all_paths_and_methods_below_a_prefix_share_one_bucket() -> None:
    """
    A client's requests count together whatever path, method or kind they have.
    """
    limiter = limiter_of({"/auth": "3/minute"})
    asked = [
        ("/auth", "GET", "http"),
        ("/auth/a", "POST", "http"),
        ("/auth/b", "GET", "websocket"),
        ("/auth/", "PUT", "http"),
    ]

    assert [True, True, True, False] == [
        ask(limiter, path, method=method, kind=kind) is None for path, method, kind in asked
    ]


def test_clients_do_not_share() -> None:
    """
    Each address has a bucket of its own.
    """
    limiter = limiter_of({"/": "1/minute"})

    assert [None] * 5 == [ask(limiter, client=f"192.0.2.{number}") for number in range(5)]


def test_rules_do_not_share() -> None:
    """
    A client that has used up one prefix's limit is admitted under another's.
    """
    limiter = limiter_of({"/a": "1/minute", "/b": "1/minute"})
    ask(limiter, "/a")

    assert ask(limiter, "/a") is not None
    assert ask(limiter, "/b") is None


def test_a_path_under_no_prefix_is_unlimited() -> None:
    """
    Where no rule holds nothing is counted.
    """
    limiter = limiter_of({"/a": "1/minute"})

    assert [None] * 5 == [ask(limiter, "/b") for _ in range(5)]


def test_the_server_s_prefix_does_not_matter() -> None:
    """
    Paths are judged below the server's own root path.
    """
    limiter = limiter_of({"/auth": "1/minute"})
    ask(limiter, "/api/auth/login", root_path="/api")

    assert ask(limiter, "/auth/login") is not None


def test_the_star_holds_in_addition() -> None:
    """
    The rule for all paths counts beside the longest prefix, and whichever is full refuses.
    """
    limiter = limiter_of({"*": "3/minute", "/a": "2/minute"})
    answers = [ask(limiter, path) for path in ("/a", "/a", "/a", "/b", "/b")]

    assert [None, None, "Rate limit exceeded: 2 per 1 minute", None, "Rate limit exceeded: 3 per 1 minute"] == [
        answer and answer.message for answer in answers
    ]


@pytest.mark.parametrize("enabled", [True, False])
def test_what_the_kit_exempts_itself_is_not_counted(enabled: bool) -> None:
    """
    A prober's questions are no requests that bypassed a limit, also where limits are off.
    """
    limiter = limiter_of({"/": "100/minute"}, exempt=["/ready-uncounted"], enabled=enabled)
    for _ in range(3):
        assert ask(limiter, "/ready-uncounted") is None

    assert {} == outcomes("/ready-uncounted")


def test_an_exempt_path_is_exempt_from_the_star_too() -> None:
    """
    A rule without a rate frees its paths from all limits, and says so on the metric.
    """
    limiter = limiter_of({"*": "1/minute", "/free": None}, exempt=["/metrics"])
    before = outcomes("*")

    assert [None] * 6 == [ask(limiter, path) for path in ("/free", "/free/x", "/metrics") * 2]
    assert {"exempt": 4} == outcomes("/free")
    assert before == outcomes("*")


def test_preflights_do_not_count() -> None:
    """
    What a browser asks before a request takes nothing; another OPTIONS request does.
    """
    limiter = limiter_of({"/": "1/minute"})
    asked = [PREFLIGHT, PREFLIGHT, [], PREFLIGHT, [], PREFLIGHT[:1]]

    assert [True, True, True, True, False, False] == [
        ask(limiter, method="OPTIONS", headers=headers) is None for headers in asked
    ]


def test_a_post_with_a_preflight_s_headers_counts() -> None:
    """
    Only OPTIONS is a preflight.
    """
    limiter = limiter_of({"/": "1/minute"})
    ask(limiter, method="POST", headers=PREFLIGHT)

    assert ask(limiter, method="POST", headers=PREFLIGHT) is not None


def test_decisions_are_counted_by_policy() -> None:
    """
    Admitted and refused requests stand on the metric under the prefix.
    """
    limiter = limiter_of({"/counted": "2/minute"})
    for _ in range(5):
        ask(limiter, "/counted")

    assert {"admitted": 2, "refused": 3} == outcomes("/counted")


def test_shadow_counts_and_refuses_nobody() -> None:
    """
    A rule in shadow mode says what it would have refused.
    """
    limiter = limiter_of({"/shadow-counted": Limit("2/minute", shadow=True)})

    assert [None] * 5 == [ask(limiter, "/shadow-counted") for _ in range(5)]
    assert {"admitted": 2, "shadow": 3} == outcomes("/shadow-counted")


def test_a_rule_in_shadow_takes_nothing_from_another() -> None:
    """
    A shadow rule that is full leaves the decision to the others, which go on counting.
    """
    limiter = limiter_of({"*": Limit("1/minute", shadow=True), "/both": "3/minute"})

    assert [True, True, True, False] == [ask(limiter, "/both") is None for _ in range(4)]


def test_switched_off_limits_count_what_passes_by() -> None:
    """
    With limits off everything passes and is counted as off.
    """
    limiter = limiter_of({"/off": "1/minute"}, enabled=False)

    assert [None] * 3 == [ask(limiter, "/off") for _ in range(3)]
    assert {"off": 3} == outcomes("/off")
    assert (False, "RATELIMIT_ENABLED=false", "off") == tuple(
        limiter.report()[name] for name in ("enabled", "why", "state")
    )


def test_a_tier_comes_from_the_key() -> None:
    """
    A client with a key has the limits of its key's tier, and another bucket than its address.
    """
    keys = [ApiKey(tier, tier, hashlib.sha256(tier.encode()).hexdigest()) for tier in ("paid", "gold")]
    limiter = limiter_of({"/": Limit("1/minute", tiers={"paid": "2/minute"})}, api_keys=keys)

    def passed(headers: list[tuple[bytes, bytes]]) -> int:
        return sum(ask(limiter, headers=headers) is None for _ in range(5))

    assert (1, 2, 1, 0) == (
        passed([]),
        passed([(b"x-api-key", b"paid")]),
        passed([(b"x-api-key", b"gold")]),
        passed([(b"x-api-key", b"unknown")]),
    )


def test_an_unlimited_tier_is_exempt() -> None:
    """
    A tier without a rate passes, and is counted as exempt.
    """
    limiter = limiter_of({"/staff": Limit("1/minute", tiers={"staff": None})}, identify=lambda _: ("ann", "staff"))

    assert [None] * 3 == [ask(limiter, "/staff") for _ in range(3)]
    assert {"exempt": 3} == outcomes("/staff")


def test_an_unlimited_tier_is_exempt_from_the_star_too() -> None:
    """
    None says the same for a tier as for a path; that of `*` itself frees from `*` alone.
    """
    rules = {"*": Limit("2/minute", tiers={"crew": None}), "/ship": Limit(None, tiers={"crew": "3/minute"})}
    stranger, crew = limiter_of(rules), limiter_of(rules, identify=lambda _: ("ann", "crew"))

    assert [None] * 5 == [ask(stranger, "/ship") for _ in range(5)]
    assert [True, True, True, False] == [ask(crew, "/ship") is None for _ in range(4)]
    assert [None] * 5 == [ask(crew, "/land") for _ in range(5)]


def test_burst_refuses_before_the_rate_does() -> None:
    """
    A burst window stops a burst, and its own limit is named.
    """
    limiter = limiter_of({"/hook": Limit("100/minute", burst="5/10 seconds")})
    answers = [ask(limiter, "/hook") for _ in range(6)]

    assert [None] * 5 == answers[:5]
    assert answers[5] is not None
    assert "Rate limit exceeded: 5 per 10 second" == answers[5].message


def test_a_request_may_cost_more() -> None:
    """
    A cost is taken from each window, and never more than the amount.
    """
    limiter = limiter_of({"/chat": Limit("10/minute;3/second", cost=lambda connection: 4)})

    assert [True, False] == [ask(limiter, "/chat") is None for _ in range(2)]


@pytest.mark.usefixtures("a_fault")
@pytest.mark.parametrize("said", [0, -1, True, 1.5, "2", None, [], ValueError("broken")])
def test_a_cost_that_is_none_counts_as_one(said: Any) -> None:
    """
    A cost function that fails or talks nonsense is a fault, and the request costs 1.
    """

    def cost(connection: HTTPConnection) -> int:
        if isinstance(said, Exception):
            raise said
        return said  # type: ignore[no-any-return]

    limiter = limiter_of({"/": Limit("2/minute", cost=cost)})

    assert [True, True, False] == [ask(limiter) is None for _ in range(3)]


@pytest.mark.usefixtures("a_fault")
def test_an_asynchronous_cost_counts_as_one() -> None:
    """
    A cost that would have to be awaited is none.
    """

    async def cost(connection: HTTPConnection) -> int:
        return 2

    limiter = limiter_of({"/": Limit("2/minute", cost=cost)})  # type: ignore[arg-type]

    assert [True, True, False] == [ask(limiter) is None for _ in range(3)]


def test_whose_request_it_was_is_kept_with_it() -> None:
    """
    The identity that was counted is there for whoever asks later in the same request.
    """
    limiter = limiter_of({"/": "1/minute"}, identify=lambda _: ("ann", "paid"))
    record, scope = request()
    limiter.judge(record, scope)

    assert ("custom", "ann", "paid") == record.identity


def test_the_user_s_function_names_the_client() -> None:
    """
    What `identify` says counts, whatever the address; None leaves it to the built-in order.
    """

    def tenant(connection: HTTPConnection) -> str | None:
        return connection.headers.get("x-tenant")

    limiter = limiter_of({"/": "1/minute"}, identify=tenant)
    asked = [("a", "192.0.2.1"), ("a", "192.0.2.2"), ("b", "192.0.2.1"), (None, "192.0.2.1"), (None, "192.0.2.1")]

    assert [True, False, True, True, False] == [
        ask(limiter, client=client, headers=[(b"x-tenant", name.encode())] if name else []) is None
        for name, client in asked
    ]


async def test_the_user_s_function_may_be_asynchronous() -> None:
    """
    An identity that has to be awaited is.
    """

    async def tenant(connection: HTTPConnection) -> tuple[str, str]:
        return "acme", "paid"

    limiter = limiter_of({"/": Limit("1/minute", tiers={"paid": "2/minute"})}, identify=tenant)

    assert [True, True, False] == [await ask_later(limiter) is None for _ in range(3)]


@pytest.mark.usefixtures("a_fault")
@pytest.mark.parametrize(
    "said", [5, "", b"acme", ("acme", 5), ("acme", ""), ("a", "b", "c"), "a" * 5000, KeyError("x")]
)
@pytest.mark.parametrize("later", [True, False])
async def test_an_identity_that_is_none_leaves_it_to_the_built_in_order(said: Any, later: bool) -> None:
    """
    An `identify` that fails or talks nonsense is a fault, and the address counts.
    """

    def at_once(connection: HTTPConnection) -> Any:
        if isinstance(said, Exception):
            raise said
        return said

    async def in_time(connection: HTTPConnection) -> Any:
        return at_once(connection)

    limiter = limiter_of({"/": "1/minute"}, identify=in_time if later else at_once)
    clients = ["192.0.2.1", "192.0.2.1", "192.0.2.2"]

    assert [True, False, True] == [await ask_later(limiter, client=client) is None for client in clients]


@pytest.mark.usefixtures("a_fault")
def test_a_failing_limiter_lets_pass() -> None:
    """
    A fault of the limiter itself never refuses and never raises.
    """
    limiter = limiter_of({"/": "1/minute"})
    limiter._identities = None  # type: ignore[assignment]

    assert [None, None] == [ask(limiter), ask(limiter)]


async def test_a_shared_storage_is_awaited_once_for_all_rules() -> None:
    """
    Several rules of one request are one question, and the answer is the usual one.
    """
    storage = SlowStorage(MemoryWindows())
    limiter = share(limiter_of({"*": "5/minute", "/a": "2/minute;1/second"}), storage)
    first = await ask_later(limiter, "/a")
    second = await ask_later(limiter, "/a")

    assert first is None
    assert second is not None
    assert [3, 3] == [len(windows) for windows in storage.calls]
    assert 1 == len({window.key[: window.key.index("}")] for windows in storage.calls for window in windows})


async def test_keys_say_nothing_of_the_client() -> None:
    """
    A key in a shared storage is short, and holds no address.
    """
    storage = SlowStorage(MemoryWindows())
    await ask_later(share(limiter_of({"/": "5/minute"}), storage), client="192.0.2.77")
    ((window,),) = storage.calls

    assert window.key.startswith("otel-kit:1:{")
    assert "192.0.2.77" not in window.key
    assert 80 >= len(window.key)


@pytest.mark.parametrize("at_once", [True, False])
async def test_local_limits_hold_while_the_storage_is_away(at_once: bool) -> None:
    """
    Without the shared storage this process counts by itself, with the ordinary outcomes.
    """
    away = AwayStorage(StorageAway(), at_once=at_once)
    limiter = share(limiter_of({f"/local{at_once}": "2/minute"}), away)

    assert [True, True, False] == [await ask_later(limiter, f"/local{at_once}") is None for _ in range(3)]
    assert {"admitted": 2, "refused": 1} == outcomes(f"/local{at_once}")
    assert "local" == limiter.storage_state()


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(("choice", "passes"), [("deny", False), ("allow", True)])
async def test_a_rule_may_deny_or_allow_while_the_storage_is_away(choice: Any, passes: bool, at_once: bool) -> None:
    """
    A rule says for itself what holds when nobody counts; it is counted as failed.
    """
    name = f"/{choice}{at_once}"
    away = AwayStorage(StorageAway(), at_once=at_once)
    limiter = share(limiter_of({name: Limit("5/minute", on_storage_failure=choice)}), away)

    assert [passes] * 3 == [await ask_later(limiter, name) is None for _ in range(3)]
    assert {"failed": 3} == outcomes(name)


async def test_who_is_denied_is_told_the_truth_and_is_a_limit_hit(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The answer speaks of no limit that was exceeded; like every 429 it is an event, but not where it only watches.
    """
    events: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(
        "otel_kit.ratelimit.limiter.event_of_request", lambda _, name, **fields: events.append((name, fields))
    )
    away = AwayStorage(StorageAway(), at_once=True)
    limits = {
        "/denied": Limit("1000/minute", on_storage_failure="deny"),
        "/watched": Limit("1000/minute", on_storage_failure="deny", shadow=True),
    }
    limiter = share(limiter_of(limits), away)
    refused, watched = [await ask_later(limiter, path) for path in ("/denied", "/watched")]

    assert watched is None
    assert refused is not None
    assert (429, "Rate limits can't be counted at the moment") == (refused.status, refused.message)
    assert [("limit_hit", {"policy": "/denied", "reason": "storage_away"})] == events


async def test_rules_of_one_request_may_choose_differently() -> None:
    """
    While the storage is away a rule that counts locally refuses, also beside one that allows.
    """
    away = AwayStorage(StorageAway(), at_once=True)
    limits = {"*": Limit("1/minute", on_storage_failure="allow"), "/mixed": Limit("2/minute")}
    limiter = share(limiter_of(limits), away)

    assert [True, True, False] == [await ask_later(limiter, "/mixed") is None for _ in range(3)]


async def test_a_rule_that_allows_takes_nothing_locally() -> None:
    """
    While the storage is away only rules that say so are counted in this process, each by its own rate.
    """
    away = AwayStorage(StorageAway(), at_once=True)
    limits = {"*": Limit("3/minute"), "/lax": Limit("1/minute;1/second", on_storage_failure="allow")}
    limiter = share(limiter_of(limits), away)

    assert [True, True, True, False] == [await ask_later(limiter, "/lax") is None for _ in range(4)]


@pytest.mark.usefixtures("a_fault")
async def test_a_broken_storage_is_as_one_that_is_away() -> None:
    """
    An error that no storage should raise is a fault, and local limits hold.
    """
    away = AwayStorage(RuntimeError("bug"), at_once=False)
    limiter = share(limiter_of({"/": "1/minute"}), away)

    assert [True, False] == [await ask_later(limiter) is None for _ in range(2)]


async def test_a_shadow_rule_on_a_shared_storage_counts_apart() -> None:
    """
    What only watches is asked after what may refuse has let pass.
    """
    storage = SlowStorage(MemoryWindows())
    limiter = share(limiter_of({"*": Limit("1/minute", shadow=True), "/late": "2/minute"}), storage)

    assert [True, True, False] == [await ask_later(limiter, "/late") is None for _ in range(3)]
    assert 5 == len(storage.calls)


async def test_what_memory_holds_outlives_a_lifespan() -> None:
    """
    Stopping and starting again frees nobody.
    """
    limiter = limiter_of({"/": "1/minute"})
    await limiter.start()
    ask(limiter)
    await limiter.close()
    await limiter.start()

    assert ask(limiter) is not None


def test_the_report_masks_the_storage() -> None:
    """
    What is shown of the storage has no password, and the state is memory.
    """
    limiter = limiter_of({"/": "1/minute"})

    assert {
        "enabled": True,
        "rules": [{"prefix": "/", "rate": "1 per 1 minute"}],
        "storage": "memory://",
        "holds": "in each process by itself: unfit for several instances, which need a Redis in "
        "OTEL_KIT_RATELIMIT_STORAGE_URL",
        "state": "memory",
        "identity": "built-in",
    } == limiter.report()


def test_a_secret_in_the_url_is_not_shown() -> None:
    """
    User, password and options of a storage's URL stay out of the report, also with limits off.
    """
    limiter = Limiter(
        build_rules({}),
        identities=Identities((), None, ()),
        identify=None,
        enabled=False,
        storage_url=SecretStr("rediss://ann:s3cret@redis:6379/0?password=hidden"),
    )

    assert "rediss://REDACTED@redis:6379/0" == limiter.report()["storage"]


def test_a_storage_that_can_not_be_used_is_an_error_at_set_up() -> None:
    """
    A wrong URL is found before anybody serves.
    """
    with pytest.raises(ConfigurationError):
        Limiter(
            build_rules({"/": "1/minute"}),
            identities=Identities((), None, ()),
            identify=None,
            enabled=True,
            storage_url=SecretStr("redis+sentinel://nobody"),
        )


@pytest.mark.parametrize("library", ["limits", "redis"])
def test_set_up_loads_no_library(library: str) -> None:
    """
    A limiter in memory is built without the libraries that take long to import.
    """
    program = (
        "import sys; from tests.ratelimit.asking import limiter_of; limiter_of({'/': '1/minute'});"
        f"sys.exit({library!r} in sys.modules)"
    )

    assert 0 == subprocess.run([sys.executable, "-W", "ignore", "-c", program], timeout=60).returncode
