"""
How a service answers for its health while all is well, while its checks fail, and without what it can do without.

What is asked is what the contract documents: every health route, and every `curl` of one as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count

from tests.conformance.lines import leaves
from tests.conformance.page import Page
from tests.conformance.service import Answer
from tests.conformance.system import System
from tests.curl import run_curl
from tests.servers.serving import wait_until

__all__ = ["STATES", "Seen", "curls_in", "states"]

# the service stays as it is in the last one, in which its checks pass
STATES: Mapping[str, Mapping[str, bool]] = {
    "well": {"failing": False, "configured": True},
    "failing": {"failing": True, "configured": True},
    "limited": {"failing": False, "configured": False},
}
"""Whether the checks fail, and whether the providers are configured."""


@dataclass(frozen=True)
class Seen:
    """
    What was seen in one state.
    """

    answers: Mapping[str, Answer]
    """By path."""
    exits: Mapping[str, int]
    """By documented command: the status with which it ended."""
    printed: Mapping[str, str]
    """By documented command: its standard output."""
    page: Page


@cache
def states(system: System) -> Mapping[str, Seen]:
    """
    Put the service into one state after the other.
    """
    return {state: _in_state(system, state) for state in STATES}


def curls_in(text: str) -> list[str]:
    """
    The commands that a line of a contract has.
    """
    return re.findall(r"curl (?:-\w+ )*https?://[^\s:]+(?::\d+)?/[\w./-]*", text)


def _in_state(system: System, state: str) -> Seen:
    _order(system, state)
    routes = [route.path for route in system.profile.health.routes if "{" not in route.path]
    each = [f"/health/{name}" for name in _checks(system)] if system.name == "goblin" else []
    answers = {path: system.service.ask("GET", path, client="127.0.0.8") for path in (*routes, *each)}
    ended = {command: run_curl(system.service.at_this_port(command)) for command in _commands(system)}
    return Seen(
        answers,
        {command: done.returncode for command, done in ended.items()},
        {command: done.stdout for command, done in ended.items()},
        system.scrape(),
    )


def _checks(system: System) -> list[str]:
    return [name for name in system.setting("CONFORMANCE_CHECKS").split(",") if name]


def _order(system: System, state: str) -> None:
    """
    Returns as soon as an answer can be none of before.
    """
    wanted = STATES[state]
    failing = _checks(system) if wanted["failing"] else []
    configured = system.setting("CONFORMANCE_PROVIDERS").split(",")[:1] if wanted["configured"] else []
    number = system.tell("orders", {"failing": failing, "configured": configured})
    whole = next(route.path for route in system.profile.health.routes if route.kind in ("all", "ready"))

    # each time as another client: this must not use up anybody's limit
    clients = (f"127.0.6.{host}" for host in count(1))

    def is_followed() -> bool:
        client = next(clients)
        system.service.ask("GET", whole, client=client)
        return bool(system.service.ask("GET", "/puppet/seen", client=client).json == number)

    wait_until(is_followed, 10.0, f"the checks of {system.name} have run since the order")


def _commands(system: System) -> Iterator[str]:
    for leaf in leaves(system.name):
        yield from (command for command in curls_in(str(leaf.value)) if "/auth/" not in command)
