"""
Goblin's rate limits: who is refused, when, and in which words. Each question is asked from an address of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from tests.conformance.claims import check, words
from tests.conformance.forms import has_form
from tests.conformance.lines import Node
from tests.conformance.mutants import ill_formed
from tests.conformance.service import Answer
from tests.conformance.system import System
from tests.curl import run_curl

REFUSED = 429
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
LOGIN = {"email": "test@example.com", "password": "test"}


@cache
def asked(system: System) -> Mapping[str, list[Answer]]:
    """
    By prefix: the answers to one client that asks there once more than it may.
    """
    rules = system.contract["rate_limits"]["rules"]
    found = {}
    for number, rule in enumerate(rules, 1):
        path, times = rule["prefix"], int(rule["limit"].partition("/")[0]) + 1
        found[path] = system.service.ask_often(path, times, client=f"127.0.1.{number}")
    return found


def client_of(system: System, prefix: str) -> str:
    """
    The address whose limit there is used up.
    """
    return f"127.0.1.{list(asked(system)).index(prefix) + 1}"


def status_for(system: System, path: str, used_up: str) -> int:
    """
    What a client hears at a path when its limit under that prefix is used up.
    """
    return system.service.ask("GET", path, client=client_of(system, used_up)).status


@check("goblin.rate_limits.rules[*]")
def a_limit_refuses_who_exceeds_it(node: Node, system: System) -> None:
    """
    The profile has it, so many requests pass, and the next is refused in its words.
    """
    prefix, limit = node.value["prefix"], node.value["limit"]
    amount, unit = words(limit, r"(\d+)/(\w+)")
    assert limit == system.profile.limits[prefix]
    *passed, refused = asked(system)[prefix]
    assert int(amount) == len(passed)
    assert REFUSED not in {each.status for each in passed}
    assert (REFUSED, f"Rate limit exceeded: {amount} per 1 {unit}") == (refused.status, refused.json["message"])
    assert list(node.value) == ["prefix", "limit"]


@check("goblin.rate_limits.prefix_means")
def a_prefix_is_whole_segments(node: Node, system: System) -> None:
    """
    The limit of one counts at both of the paths that it means, and not at the third.
    """
    prefix, below, beside = words(node.value, r"whole segments: (\S+) and (\S+)/…, not (\S+)")
    assert prefix == below
    assert [REFUSED] * 2 == [status_for(system, path, used_up=prefix) for path in (prefix, f"{below}/x")]
    assert REFUSED != status_for(system, beside, used_up=prefix)
    assert beside.startswith(prefix)


@check("goblin.rate_limits.exempt")
def an_exempt_path_is_never_refused(node: Node, system: System) -> None:
    """
    To a client that is refused everywhere else.
    """
    assert REFUSED == status_for(system, "/items/7", used_up="/")
    assert [200] * len(node.value) == [status_for(system, path, used_up="/") for path in node.value]


@check("goblin.rate_limits.default_identity")
def a_client_is_its_address(node: Node, system: System) -> None:
    """
    Where one is refused, another is not.
    """
    words(node.value, "client IP")
    assert REFUSED == status_for(system, "/auth/x", used_up="/auth")
    assert REFUSED != system.service.ask("GET", "/auth/x", client="127.0.2.1").status


@check("goblin.rate_limits.refused.status")
def a_refusal_has_its_status(node: Node, system: System) -> None:
    """
    At every limit.
    """
    assert {node.value} == {answers[-1].status for answers in asked(system).values()}


@check("goblin.rate_limits.refused.body.error", "goblin.rate_limits.refused.body.message")
def a_refusal_is_worded_as_documented(node: Node, system: System) -> None:
    """
    The document is that of the first rule; it has its keys in their order.
    """
    found = asked(system)["/auth"][-1].json
    assert list(node.document["rate_limits"]["refused"]["body"]) == list(found)
    assert node.value == found[str(node.key)]


@check("goblin.rate_limits.refused.body.retry_after", mutants=ill_formed)
def the_time_to_wait_is_a_number(node: Node, system: System) -> None:
    """
    Of the example's kind, within the window.
    """
    found = asked(system)["/auth"][-1].json["retry_after"]
    assert has_form("integer", node.value)
    assert has_form("integer", found)
    assert 0 < found <= 60


@check("goblin.rate_limits.refused.retry_after")
def the_time_to_wait_is_told(node: Node, system: System) -> None:
    """
    The same in the header; it grows no longer while the client waits.
    """
    words(node.value, "whole seconds until a request passes again")
    first = asked(system)["/auth"][-1]
    again = system.service.ask("GET", "/auth", client=client_of(system, "/auth"))
    assert str(first.json["retry_after"]) == first.headers["retry-after"]
    assert again.json["retry_after"] <= first.json["retry_after"]


@check("goblin.rate_limits.refused.message_form")
def every_message_has_the_form(node: Node, system: System) -> None:
    """
    With the figures of the limit that was hit.
    """
    parts = re.split(r"\{(\w+)\}", node.value)
    assert ["n", "k", "unit"] == parts[1::2]
    for prefix, answers in asked(system).items():
        amount, unit = system.profile.limits[prefix].split("/")
        assert node.value.format(n=amount, k=1, unit=unit) == answers[-1].json["message"]


@check("goblin.rate_limits.development.storage")
def memory_is_said_to_be_unfit_for_several_instances(node: Node, system: System) -> None:
    """
    In the start-up block of a service for which nothing else was set.
    """
    words(node.value, "in memory, no service needed; said at start-up to be unfit for several instances")
    report = system.line(message="otel_kit.started")["report"]
    assert "memory" in str(report["limits"]["storage"])
    assert "instance" in str(report["limits"])


@check("goblin.rate_limits.checks[0]")
def the_documented_request_is_refused(node: Node, system: System) -> None:
    """
    The one after those that pass.
    """
    number, method, path, unit, status = words(
        node.value, r"(\d+)th (\w+) (\S+) within a (\w+) from one client answers (\d+)"
    )
    statuses = [answer.status for answer in logins(system, method, path)]
    assert int(status) == statuses[int(number) - 1]
    assert int(status) not in statuses[: int(number) - 1]
    assert unit in logins(system, method, path)[-1].json["message"]


@cache
def logins(system: System, method: str, path: str) -> list[Answer]:
    """
    Some too many from one client.
    """
    return [system.service.ask(method, path, LOGIN, client="127.0.2.2") for _ in range(12)]


@check("goblin.rate_limits.checks[1]")
def the_documented_command_is_refused(node: Node, system: System) -> None:
    """
    Run as it is written, without the pauses: a minute holds them either way.
    """
    times, command, passed = words(node.value, COMMAND)
    answers = run(system)[command]
    assert int(times) == len(answers)
    assert list(range(1, int(passed) + 1)) == [answer["count"] for answer in answers if "count" in answer]
    assert int(times) - int(passed) == len([answer for answer in answers if "error" in answer])


COMMAND = r"(\d+) times, 1 s apart: (curl .+): (\d+) reach the handler, the rest are 429"


@cache
def run(system: System) -> Mapping[str, list[Any]]:
    """
    What the documented command printed each time; a login that reaches the handler says how many did.
    """
    times, command, _ = words(system.contract["rate_limits"]["checks"][1], COMMAND)
    here = system.service.at_this_port(command)
    before = logins_so_far(system)
    printed = [json.loads(run_curl(here).stdout) for _ in range(int(times))]
    return {command: [{**one, "count": one["count"] - before} if "count" in one else one for one in printed]}


def logins_so_far(system: System) -> int:
    """
    How many have reached the handler, this one not counted.
    """
    return int(system.service.ask("POST", "/auth/login", LOGIN, client="127.0.2.3").json["count"])
