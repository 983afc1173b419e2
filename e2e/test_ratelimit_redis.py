"""
Windows in a real Redis: exact counts whoever asks, one round trip, and keys that always go.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from e2e.binaries import ROOT
from e2e.process import clean_environment
from e2e.redis_hits import ask, window
from e2e.redis_server import RedisServer, redis_server
from otel_kit.ratelimit.redis_storage import RedisWindows
from otel_kit.ratelimit.storage import Outcome, Strategy, Window

STRATEGIES: tuple[Strategy, ...] = ("sliding-window-counter", "moving-window")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """
    One Redis for all tests here.
    """
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest_asyncio.fixture
async def storage(server: RedisServer) -> AsyncIterator[RedisWindows]:
    """
    A storage on an empty Redis, its first connection open and its script known.
    """
    server.ask("FLUSHALL")
    windows = RedisWindows(server.url)
    await windows.start()
    # the start waits for 50 ms at most, and what it asks may come later on a busy machine
    if windows._lane is not None and windows._lane._beginning is not None:
        await windows._lane._beginning
    server.ask("FLUSHDB")
    server.ask("CONFIG", "RESETSTAT")
    yield windows
    await windows.close()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_four_processes_let_exactly_the_amount_pass(server: RedisServer, tmp_path: Path, strategy: Strategy) -> None:
    """
    Of 1000 requests at once, 250 from each of four processes, 100 pass.
    """
    server.ask("FLUSHALL")
    command = [sys.executable, "-m", "e2e.redis_hits", server.url, "100", strategy, "250"]
    environment = clean_environment(tmp_path, {"PYTHONPATH": str(ROOT)})
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=environment) for _ in range(4)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert "ready\n" == process.stdout.readline()
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        answers: Counter[str] = Counter()
        for process in processes:
            answers.update(json.loads(process.communicate(timeout=30)[0]))
    finally:
        for process in processes:
            process.kill()
            process.communicate()

    assert {"passed": 100, "refused": 900} == dict(answers)


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_thousand_at_once_in_one_process(storage: RedisWindows, strategy: Strategy) -> None:
    """
    A burst far beyond the number of connections is counted in Redis to the last request.
    """
    answers = Counter(await asyncio.gather(*(ask(storage, [window(strategy=strategy)]) for _ in range(1000))))

    assert {"passed": 100, "refused": 900} == dict(answers)


async def test_a_thousand_clients_at_once_over_few_connections(storage: RedisWindows, server: RedisServer) -> None:
    """
    They all pass, over no more connections than a process may open.
    """
    answers = Counter(await asyncio.gather(*(ask(storage, [window(f"client-{n}")]) for n in range(1000))))

    assert {"passed": 1000} == dict(answers)
    # one is the asking connection's own
    assert 8 >= len(server.ask("CLIENT", "LIST").splitlines()) - 1


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_one_round_trip_for_each_request(storage: RedisWindows, server: RedisServer, strategy: Strategy) -> None:
    """
    One call of the script for an admitted and for a refused request alike, wait time included.
    """
    for _ in range(20):
        await ask(storage, [window(amount=10, strategy=strategy)])

    assert (20, 0) == (server.calls("evalsha"), server.calls("eval"))


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_the_same_round_trip_says_what_is_in_use(
    storage: RedisWindows, server: RedisServer, strategy: Strategy
) -> None:
    """
    After an admitted request as after a refused one, which has all of it in use.
    """
    both = [
        window(amount=6, strategy=strategy, rate="narrow", cost=2),
        window(amount=100, strategy=strategy, rate="wide"),
    ]
    outcomes = [await storage.acquire(both) for _ in range(5)]

    assert [(2, 1), (4, 2), (6, 3), (6, 3), (6, 3)] == [outcome.used for outcome in outcomes]
    assert (5, 0) == (server.calls("evalsha"), server.calls("eval"))


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_what_is_over_is_in_use_no_more(storage: RedisWindows, strategy: Strategy) -> None:
    """
    Though a list of times may still hold it, since its client has come again meanwhile.
    """
    short = [window(amount=50, seconds=1, strategy=strategy, cost=20)]
    await storage.acquire(short)
    await asyncio.sleep(0.6)
    both: Outcome = await storage.acquire([short[0]._replace(cost=3)])
    await asyncio.sleep(0.6)
    later: Outcome = await storage.acquire([short[0]._replace(cost=1)])

    assert ((23,), (4,)) == (both.used, later.used)


async def test_several_rules_are_one_call(storage: RedisWindows, server: RedisServer) -> None:
    """
    Three windows of one request are judged by one run of the script.
    """
    await storage.acquire([window(rate=rate, strategy=strategy) for rate in "ab" for strategy in STRATEGIES])

    assert (1, 4) == (server.calls("evalsha"), server.ask("DBSIZE"))


async def test_a_refused_request_takes_from_no_window(storage: RedisWindows) -> None:
    """
    What the second rule refuses is not counted by the first.
    """
    wide, narrow = window(amount=3, rate="wide"), window(amount=1, rate="narrow")
    await storage.acquire([wide, narrow])
    refused = [await ask(storage, [wide, narrow]) for _ in range(5)]
    left = [await ask(storage, [wide]) for _ in range(3)]

    assert (["refused"] * 5, ["passed", "passed", "refused"]) == (refused, left)


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_refusal_says_when_and_what_is_left(storage: RedisWindows, strategy: Strategy) -> None:
    """
    The window that takes longest refuses; the wait is within it, and what is left is told.
    """
    short = window(amount=1, seconds=10, strategy=strategy, rate="short")
    long = window(amount=5, seconds=100, strategy=strategy, rate="long", cost=3)
    assert None is (await storage.acquire([short, long])).refused
    outcome: Outcome = await storage.acquire([short, long])

    assert (1, 2) == (outcome.refused, outcome.remaining)
    assert 99.0 < outcome.reset_after <= 100.0


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_waiting_as_long_as_told_is_enough(storage: RedisWindows, strategy: Strategy) -> None:
    """
    A client that comes back after `reset_after` passes, and the window was full until then.
    """
    narrow = [window(amount=2, seconds=1, strategy=strategy)]
    for _ in range(2):
        await storage.acquire(narrow)
    await asyncio.sleep(0.3)
    outcome: Outcome = await storage.acquire(narrow)
    assert 0 == outcome.refused
    await asyncio.sleep(outcome.reset_after)

    assert None is (await storage.acquire(narrow)).refused


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_no_window_of_that_length_holds_more(storage: RedisWindows, strategy: Strategy) -> None:
    """
    Asked without pause over several windows, no stretch of a second saw more than the amount pass.
    """
    loop = asyncio.get_running_loop()
    passed: list[float] = []
    end = loop.time() + 3.5
    while loop.time() < end:
        before = loop.time()
        if "passed" == await ask(storage, [window(amount=20, seconds=1, strategy=strategy)]):
            passed.append(before)
        await asyncio.sleep(0.004)

    # the time of asking is a little earlier than Redis' own
    assert all(later - earlier > 0.95 for earlier, later in zip(passed, passed[20:], strict=False))
    assert 40 <= len(passed) <= 80


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_every_key_goes_by_itself(storage: RedisWindows, server: RedisServer, strategy: Strategy) -> None:
    """
    Whatever was counted has no longer to live than its window.
    """
    for cost in (1, 5, 50):
        await storage.acquire([window(f"client-{cost}", strategy=strategy, cost=cost)])
    lives = server.lives()

    assert 3 == len(lives)
    assert all(0 < milliseconds <= 60_000 for milliseconds in lives.values())


async def test_a_user_who_may_not_set_an_expiry_leaves_no_key(storage: RedisWindows, server: RedisServer) -> None:
    """
    A script that fails half-way has written nothing that stays for ever.
    """
    server.ask("ACL", "SETUSER", "bound", "on", ">secret", "~*", "+@all", "-pexpire")
    bound = RedisWindows(server.url.replace("redis://", "redis://bound:secret@"))
    answer = await ask(bound, [window(strategy="moving-window")])
    await bound.close()

    assert ("away", {}) == (answer, server.lives())


async def test_the_list_of_a_moving_window_is_bounded(storage: RedisWindows, server: RedisServer) -> None:
    """
    It holds as many times as may pass and no more, whatever is asked and whatever it costs.
    """
    exact = window(amount=7, seconds=1, strategy="moving-window")
    for _ in range(3):
        await storage.acquire([exact._replace(cost=3)])
        await storage.acquire([exact._replace(cost=2)])
        await asyncio.sleep(0.6)

    assert 7 >= server.ask("LLEN", exact.key)


async def test_the_counter_is_short_whatever_the_amount(storage: RedisWindows, server: RedisServer) -> None:
    """
    Times within a tenth of the window are one, so that a client costs some hundred bytes.
    """
    wide = window(amount=100_000, seconds=1)
    for _ in range(300):
        await storage.acquire([wide])
        await asyncio.sleep(0.004)

    assert 12 * 42 >= server.ask("STRLEN", wide.key)


@pytest.mark.parametrize(("command", "strategy"), [("RPUSH", STRATEGIES[0]), ("SET", STRATEGIES[1])])
async def test_a_key_of_another_kind_is_begun_anew(
    storage: RedisWindows, server: RedisServer, command: str, strategy: Strategy
) -> None:
    """
    A key under our name that holds something else refuses nobody for ever: the limit is exact on it.
    """
    narrow = window(amount=2, strategy=strategy)
    server.ask(command, narrow.key, "something else")
    answers = [await ask(storage, [narrow]) for _ in range(3)]

    assert (["passed", "passed", "refused"], "shared") == (answers, storage.state())


async def test_text_that_is_none_of_ours_is_overwritten(storage: RedisWindows, server: RedisServer) -> None:
    """
    A string that can't be read as counts is none.
    """
    narrow = window(amount=1)
    server.ask("SET", narrow.key, "not a number in sight")

    assert ["passed", "refused"] == [await ask(storage, [narrow]) for _ in range(2)]


@pytest.mark.parametrize("texts", [["junk"] * 5, ["nan"], ["inf"], ["-1"], [""], [str(10**30)]])
async def test_a_list_that_is_none_of_ours_is_begun_anew(
    storage: RedisWindows, server: RedisServer, texts: list[str]
) -> None:
    """
    A list that holds no times, and would stay for ever, is no failure of Redis: the limit is exact on it, and ends.
    """
    narrow = window(amount=2, strategy="moving-window")
    server.ask("RPUSH", narrow.key, *texts)
    answers = [await ask(storage, [narrow]) for _ in range(3)]

    assert (["passed", "passed", "refused"], "shared") == (answers, storage.state())
    assert 0 < server.lives()[narrow.key]


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_clock_that_was_set_back_locks_nobody_out(
    storage: RedisWindows, server: RedisServer, strategy: Strategy
) -> None:
    """
    Times that lie further ahead than the window are forgotten.
    """
    narrow = window(amount=1, strategy=strategy)
    seconds, microseconds = server.ask("TIME")
    ahead = int(seconds) * 1_000_000 + int(microseconds) + 3600 * 1_000_000
    if strategy == "moving-window":
        server.ask("LPUSH", narrow.key, ahead)
    else:
        server.ask("SET", narrow.key, f"{ahead} {ahead} 1")

    assert ["passed", "refused"] == [await ask(storage, [narrow]) for _ in range(2)]


async def test_a_flushed_script_is_loaded_again(storage: RedisWindows, server: RedisServer) -> None:
    """
    One more call brings it back; the count goes on where it was.
    """
    narrow = [window(amount=2)]
    await storage.acquire(narrow)
    server.ask("SCRIPT", "FLUSH")
    answers = [await ask(storage, narrow) for _ in range(2)]

    assert (["passed", "refused"], 1) == (answers, server.calls("eval"))


async def test_flushed_keys_start_again(storage: RedisWindows, server: RedisServer) -> None:
    """
    After FLUSHALL the amount may pass once more, and no more than that.
    """
    narrow = [window(amount=3)]
    before = [await ask(storage, narrow) for _ in range(4)]
    server.ask("FLUSHALL")
    after = [await ask(storage, narrow) for _ in range(4)]

    assert before == after == ["passed", "passed", "passed", "refused"]


def test_one_storage_serves_loop_after_loop(server: RedisServer) -> None:
    """
    A second event loop, after the first was closed without a word, counts on in the same windows.
    """
    server.ask("FLUSHALL")
    storage = RedisWindows(server.url)

    async def once() -> str:
        return await ask(storage, [window(amount=2)])

    assert ["passed", "passed", "refused"] == [asyncio.run(once()) for _ in range(3)]


async def test_a_caller_who_leaves_takes_nobody_with_him(storage: RedisWindows) -> None:
    """
    A cancelled request ends alone; others of the same call get their answers.
    """
    wide: list[Window] = [window()]
    tasks = [asyncio.ensure_future(ask(storage, wide)) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert ["passed"] * 10 == answers[1::2]
    assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[::2])
