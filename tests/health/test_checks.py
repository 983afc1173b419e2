"""
Declared checks: what may be declared, what counts as healthy, and what many who ask at once cost.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.context import get_value

from otel_kit.context import bound_correlation_id, correlation_id
from otel_kit.errors import ConfigurationError
from otel_kit.health.checks import Checks, ask
from otel_kit.health_layout import CheckReport


def checks_of(function: Callable[[], Any], **options: Any) -> Checks:
    """
    One check, called `one`.
    """
    checks = Checks(timeout_seconds=10.0)
    checks.add("one", function, **options)
    return checks


def hurried(function: Callable[[], Any]) -> Checks:
    """
    The same for a check that hangs: it may take a tenth of a second.
    """
    return checks_of(function, timeout_seconds=0.1)


async def answer_of(checks: Checks) -> CheckReport:
    """
    The answer of the first check.
    """
    return (await ask(checks))[0]


class AsyncObject:
    """
    Callable, and asynchronous without being a function.
    """

    async def __call__(self) -> bool:
        return False


async def good() -> None:
    """
    Healthy.
    """


async def bad() -> bool:
    """
    Not healthy.
    """
    return False


async def raising(error: BaseException) -> None:
    """
    Not healthy, in whichever way.
    """
    raise error


def raising_plainly(error: BaseException) -> None:
    """
    The same in a thread.
    """
    raise error


@pytest.mark.parametrize("value", [True, None, "PONG", 0, [], 7])
async def test_any_value_but_false_is_healthy(value: object) -> None:
    """
    True, None and a value are healthy, an empty one too.
    """
    assert (await answer_of(checks_of(lambda: value))).healthy


@pytest.mark.parametrize(
    "function", [bad, lambda: False, AsyncObject(), functools.partial(raising, ValueError("no")), lambda: bad()]
)
async def test_false_and_exceptions_are_not_healthy(function: Callable[[], Any]) -> None:
    """
    Whatever kind of callable it is, and also where a plain one returns a coroutine.
    """
    assert not (await answer_of(checks_of(function))).healthy


@pytest.mark.parametrize("run", [raising, raising_plainly])
@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()])
async def test_nothing_that_a_check_raises_gets_out(run: Callable[..., Any], error: BaseException) -> None:
    """
    Not even what would end a server: it is an answer like any other, and says its kind.
    """
    answer = await answer_of(checks_of(functools.partial(run, error)))

    assert (False, True) == (answer.healthy, str(answer.error).startswith(type(error).__name__))


async def test_an_error_whose_text_fails() -> None:
    """
    An exception that can't be put into words is named by its kind.
    """

    class Silent(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert "Silent" == (await answer_of(checks_of(functools.partial(raising, Silent())))).error


@pytest.mark.parametrize("function", [lambda: asyncio.sleep(60), lambda: threading.Event().wait(3)])
async def test_a_hanging_check_costs_its_time(function: Callable[[], Any]) -> None:
    """
    It times out when its time is over, and not later.
    """
    begun = time.monotonic()
    answer = await answer_of(hurried(function))

    assert (False, "timed out after 0.1 s") == (answer.healthy, answer.error)
    assert 0.1 <= time.monotonic() - begun < 2.0


async def test_a_check_has_its_own_time() -> None:
    """
    What a check names goes before the default.
    """
    assert (
        "timed out after 0.02 s" == (await answer_of(checks_of(lambda: asyncio.sleep(60), timeout_seconds=0.02))).error
    )


async def test_many_at_once_cost_one_run() -> None:
    """
    A hundred that ask while it runs get the answer of the one run.
    """
    runs: list[int] = []

    async def slow() -> None:
        runs.append(1)
        await asyncio.sleep(0.02)

    checks = checks_of(slow)
    answers = await asyncio.gather(*(answer_of(checks) for _ in range(100)))

    assert (1, {True}) == (len(runs), {answer.healthy for answer in answers})


async def test_an_answer_is_kept_for_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Who asks within the second gets the last answer, whoever comes later a new one.
    """
    now = [time.monotonic()]
    # the module's own clock: the loop and other threads go on by the real one
    monkeypatch.setattr("otel_kit.health.check.time", SimpleNamespace(**{**vars(time), "monotonic": lambda: now[0]}))
    runs: list[int] = []
    checks = checks_of(lambda: runs.append(1))
    await ask(checks)
    await ask(checks)
    within = len(runs)
    now[0] += 1.0
    await ask(checks)

    assert (1, 2) == (within, len(runs))


async def test_one_who_goes_away_takes_the_answer_from_nobody() -> None:
    """
    A client that hangs up cancels its own waiting alone.
    """
    go_on = asyncio.Event()
    checks = checks_of(go_on.wait)
    first, second = (asyncio.ensure_future(answer_of(checks)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    go_on.set()

    assert (await second).healthy
    assert first.cancelled()


@pytest.mark.usefixtures("always_stale")
async def test_a_blocked_check_is_not_started_again() -> None:
    """
    While its thread is stuck the answer is a time-out at once; afterwards it runs again.
    """
    go_on, starts = threading.Event(), []

    def block() -> None:
        starts.append(threading.current_thread())
        go_on.wait(20)

    checks = hurried(block)
    await answer_of(checks)
    begun = time.monotonic()
    stuck = [await answer_of(checks) for _ in range(20)]
    seconds = time.monotonic() - begun
    go_on.set()
    starts[0].join(20)
    freed = await answer_of(checks)

    assert {"timed out after 0.1 s"} == {answer.error for answer in stuck}
    assert {100.0} == {answer.latency_ms for answer in stuck}, "the time it was given, not that of asking"
    assert seconds < 1.0
    assert (True, 2, True) == (freed.healthy, len(starts), starts[0].daemon)


@pytest.mark.usefixtures("always_stale")
async def test_a_check_that_takes_no_cancellation_is_not_started_again() -> None:
    """
    It neither holds up who asks, nor piles up.
    """
    go_on, starts = asyncio.Event(), []

    async def stubborn() -> None:
        starts.append(1)
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                continue

    checks = hurried(stubborn)
    answers = [await answer_of(checks) for _ in range(5)]
    go_on.set()
    await asyncio.wait(checks.get("one").stop())

    assert ({False}, 1) == ({answer.healthy for answer in answers}, len(starts))


def test_the_loop_ends_in_spite_of_a_check_that_takes_no_cancellation() -> None:
    """
    Nor does it hold up the end of the loop, which cancels all tasks and waits for them.
    """
    cancelled: list[int] = []

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.append(1)

    async def serve() -> CheckReport:
        checks = hurried(stubborn)
        await answer_of(checks)
        checks.get("one")._fresh_until = 0.0
        return await answer_of(checks)

    assert not asyncio.run(serve()).healthy
    assert 1 == len(cancelled)


def test_works_on_one_loop_after_another() -> None:
    """
    A loop that ended amid a run leaves nothing behind that the next one would wait for.
    """
    checks = hurried(lambda: asyncio.sleep(60))

    async def go_away() -> None:
        asking = asyncio.ensure_future(ask(checks))
        await asyncio.wait({asking}, timeout=0.01)

    asyncio.run(go_away())
    asyncio.run(go_away())

    assert "timed out after 0.1 s" == asyncio.run(answer_of(checks)).error


def test_two_loops_at_once_share_the_one_thread() -> None:
    """
    A plain check runs once, though two loops ask at the same time.
    """
    starts: list[int] = []
    both = threading.Barrier(2)

    def slow() -> None:
        starts.append(1)
        threading.Event().wait(0.05)

    checks = checks_of(slow)
    answers: list[bool] = []

    def serve() -> None:
        both.wait(10)
        answers.append(asyncio.run(answer_of(checks)).healthy)

    threads = [threading.Thread(target=serve) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert ([True, True], 1) == (answers, len(starts))


@pytest.mark.usefixtures("always_stale")
async def test_a_coroutine_that_blocks_the_loop_is_moved_to_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Once it has surely blocked the loop it runs elsewhere, and goes on being judged by what it returns.
    """
    monkeypatch.setattr("otel_kit.health.running.SURELY_BLOCKING_SECONDS", 0.02)
    monkeypatch.setattr("otel_kit.health.running.BLOCKING_SECONDS", 0.01)
    threads: list[threading.Thread] = []

    async def block() -> bool:
        threads.append(threading.current_thread())
        time.sleep(0.03)  # noqa: ASYNC251 - what it is about
        return len(threads) != 2

    checks = checks_of(block)
    answers = [await answer_of(checks) for _ in range(3)]

    assert [True, False, True] == [answer.healthy for answer in answers]
    assert [True, False, False] == [thread is threading.main_thread() for thread in threads]


@pytest.mark.usefixtures("always_stale")
async def test_a_check_bound_to_its_loop_goes_back_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A pause of the machine must not part a check from its connections: it returns with the first complaint.
    """
    monkeypatch.setattr("otel_kit.health.running.SURELY_BLOCKING_SECONDS", 0.02)
    pauses, pool = iter([0.03]), asyncio.get_running_loop()

    async def bound() -> None:
        time.sleep(next(pauses, 0))  # noqa: ASYNC251 - what it is about
        if asyncio.get_running_loop() is not pool:
            raise RuntimeError("got Future attached to a different loop")

    checks = checks_of(bound)

    assert [True, False, True, True] == [(await answer_of(checks)).healthy for _ in range(4)]


@pytest.mark.parametrize("plain", [True, False])
async def test_a_check_belongs_to_no_request(plain: bool) -> None:
    """
    It runs without the id of whoever asked first, and instrumented libraries make no spans of what it does.
    """
    seen: list[object] = []

    def look() -> None:
        seen.extend([correlation_id(), get_value("suppress_instrumentation")])

    async def look_on_the_loop() -> None:
        look()

    with bound_correlation_id("asked-by-someone"):
        await ask(checks_of(look if plain else look_on_the_loop))

    assert [None, True] == seen


@pytest.mark.parametrize("name", ["all", "", "a/b", "ä", "x" * 65, "a b", "..", 7])
def test_refuses_names_that_no_route_could_have(name: Any) -> None:
    """
    A name is a part of a path and a label.
    """
    with pytest.raises(ConfigurationError):
        Checks().add(name, good)


def test_refuses_the_same_name_twice() -> None:
    """
    The second would hide the first.
    """
    checks = checks_of(good)

    with pytest.raises(ConfigurationError, match="declared already"):
        checks.add("one", good)


@pytest.mark.parametrize("function", [None, "SELECT 1", good.__code__, lambda database: None])
def test_refuses_what_can_not_be_called_without_arguments(function: Any) -> None:
    """
    That comes out at set-up, and not at the first probe.
    """
    with pytest.raises(ConfigurationError, match="without arguments"):
        checks_of(function)


@pytest.mark.parametrize("kind", ["", "x" * 65, "SQL\nite", 7, ["SQLite"]])
def test_refuses_a_type_that_no_document_should_hold(kind: Any) -> None:
    """
    It is a short plain text.
    """
    with pytest.raises(ConfigurationError, match="type"):
        checks_of(good, type=kind)


def typed() -> None:
    """
    Says itself what it asks.
    """


typed.check_type = "PostgreSQL"


@pytest.mark.parametrize(
    ("function", "given", "kind"),
    [(good, "SQLite", "SQLite"), (good, None, None), (typed, None, "PostgreSQL"), (typed, "MySQL", "MySQL")],
)
async def test_what_a_check_asks(function: Callable[[], Any], given: str | None, kind: str | None) -> None:
    """
    What is given goes before what the function says itself.
    """
    assert kind == (await answer_of(checks_of(function, type=given))).type


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "2"])
def test_refuses_a_time_that_is_none(seconds: Any) -> None:
    """
    A check needs some time, and has an end.
    """
    with pytest.raises(ConfigurationError, match="above 0"):
        checks_of(good, timeout_seconds=seconds)


async def test_declares_by_decorator() -> None:
    """
    The function stays what it is.
    """
    checks = Checks()

    assert good is checks("one", critical=False, timeout_seconds=1.0)(good)
    assert (True, False) == ((await answer_of(checks)).healthy, (await answer_of(checks)).critical)
