"""
Declared providers: what may be declared, and what counts as configured.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from otel_kit.errors import ConfigurationError
from otel_kit.health import Checks, Health, Providers
from otel_kit.profiles.xionimus import HEALTH as XIONIMUS_HEALTH
from tests.health.asking import ask_route


def providers_of(declared: dict[str, Any], timeout_seconds: float = 5.0) -> Providers:
    """
    These, with time enough.
    """
    providers = Providers(timeout_seconds=timeout_seconds)
    providers.declare(declared)
    return providers


async def answer(value: object) -> object:
    """
    The same, asked on the loop.
    """
    return value


class Undecided:
    """
    Neither true nor false.
    """

    def __bool__(self) -> bool:
        raise ValueError


@pytest.mark.parametrize("value", [True, 1, "sk-secret", ["model"]])
@pytest.mark.parametrize(
    "declared", [lambda value: lambda: value, lambda value: lambda: answer(value), lambda value: bool(value)]
)
async def test_configured(declared: Callable[[Any], Any], value: object) -> None:
    """
    True, or a plain or async function whose answer is true in Python's sense.
    """
    assert {"openai": True} == await providers_of({"openai": declared(value)}).ask()


def raising() -> bool:
    """
    Fails.
    """
    raise KeyError("OPENAI_API_KEY")


def leaving() -> bool:
    """
    Would end a program.
    """
    raise SystemExit(1)


@pytest.mark.parametrize(
    "declared",
    [
        False,
        lambda: False,
        lambda: None,
        lambda: "",
        lambda: answer(None),
        raising,
        leaving,
        Undecided,
        lambda: answer(Undecided()),
    ],
)
async def test_not_configured(declared: Any) -> None:
    """
    False, nothing, an empty text, and whatever goes wrong.
    """
    assert {"openai": False} == await providers_of({"openai": declared}).ask()


@pytest.mark.parametrize("declared", [lambda: asyncio.sleep(60), lambda: threading.Event().wait(3)])
async def test_one_that_hangs_costs_its_time(declared: Any) -> None:
    """
    It is not configured; the others have their answers.
    """
    begun = time.monotonic()
    answers = await providers_of({"openai": declared, "anthropic": lambda: True}, 0.5).ask()

    assert {"openai": False, "anthropic": True} == answers
    assert time.monotonic() - begun < 2.0


async def test_many_who_ask_cost_one_run() -> None:
    """
    An answer is kept for a second.
    """
    runs: list[int] = []
    providers = providers_of({"openai": lambda: runs.append(1)})
    await asyncio.gather(*(providers.ask() for _ in range(20)))
    await providers.ask()

    assert 1 == len(runs)


async def test_declared_again() -> None:
    """
    A name that is there is replaced where it stands, others are added.
    """
    providers = providers_of({"openai": False, "anthropic": False})
    providers.declare({"perplexity": True, "openai": lambda: True})

    assert [("openai", True), ("anthropic", False), ("perplexity", True)] == [*(await providers.ask()).items()]


@pytest.mark.parametrize(
    ("declared", "named"),
    [
        (["openai"], "list"),
        (None, "NoneType"),
        ({"": True}, "letters"),
        ({"open ai": True}, "letters"),
        ({7: True}, "letters"),
        ({"openai": "sk-secret"}, "'openai'"),
        ({"openai": None}, "'openai'"),
        ({"openai": 1}, "'openai'"),
        ({"openai": lambda key: bool(key)}, "'openai'"),
        ({f"p{number}": True for number in range(101)}, "at most 100"),
    ],
)
def test_what_can_not_be_declared(declared: Any, named: str) -> None:
    """
    Said at set-up, without a value that may be a key; nothing of it is taken over.
    """
    providers = Providers()
    with pytest.raises(ConfigurationError, match=named) as error:
        providers.declare(declared)

    assert (0, False) == (len(providers), "sk-secret" in str(error.value))


async def test_what_goes_wrong_is_said_once(caplog: pytest.LogCaptureFixture, always_stale: None) -> None:
    """
    With the provider's name; a plain no is nothing to tell.
    """
    providers = providers_of({"openai": raising, "anthropic": lambda: False})
    health = Health(Checks(), XIONIMUS_HEALTH, providers=providers)
    with caplog.at_level(logging.INFO, "otel_kit.health"):
        for _ in range(3):
            await ask_route(health, "/api/health")
    await health.close()

    assert [("otel_kit.provider_not_known", "openai")] == [
        (record.message, record.__dict__["provider"]) for record in caplog.records
    ]


async def test_the_state_in_words() -> None:
    """
    What was last known of each, for the report.
    """
    providers = providers_of({"openai": True, "anthropic": False, "perplexity": lambda: True})
    before = providers.state()
    await providers.ask()

    assert ["configured", "not configured", "not asked yet"] == [one["state"] for one in before]
    assert {"name": "perplexity", "state": "configured"} == providers.state()[2]


async def test_closing_ends_what_is_asked() -> None:
    """
    Nothing is left on the loop.
    """
    before = asyncio.all_tasks()
    health = Health(Checks(), XIONIMUS_HEALTH, providers=providers_of({"openai": lambda: asyncio.sleep(60)}))
    asking = asyncio.ensure_future(ask_route(health, "/api/health"))
    await asyncio.wait({asking}, timeout=0.05)
    await health.close()
    await asking

    assert before == asyncio.all_tasks()
