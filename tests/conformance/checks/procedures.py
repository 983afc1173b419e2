"""
Platform's health: four procedures of tRPC over HTTP, their times, and the probes that call them by curl.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from tests.conformance.checks.health import answer, shaped
from tests.conformance.claims import check, words
from tests.conformance.forms import has_form
from tests.conformance.lines import Node
from tests.conformance.mutants import tighter
from tests.conformance.states import curls_in, states
from tests.conformance.system import System

COMPLAINT = 22
"""curl's exit status for an answer from 400, when `-f` is given."""

CALLS = 200
METRICS = "/trpc/health.metrics"


def data(system: System, state: str, path: str) -> Any:
    """
    What a procedure answers, out of its envelope; of an error what was found out.
    """
    document = answer(system, state, path).json
    return document["result"]["data"] if "result" in document else document["error"]["data"]


@check(*(f"platform.health[{number}].path" for number in range(4)))
def a_procedure_answers_by_trpc(node: Node, system: System) -> None:
    """
    With its data in the envelope.
    """
    found = answer(system, "well", node.value)
    assert (200, ["result"], ["data"]) == (found.status, list(found.json), list(found.json["result"]))


PURPOSES: Mapping[str, Callable[[System, str], bool]] = {
    "whole system": lambda system, path: list(data(system, "well", path)["checks"]) == ["database"],
    "process alive": lambda system, path: [200, 200] == statuses(system, path),
    "ready to serve": lambda system, path: [200, 503] == statuses(system, path),
    "collected metrics": lambda system, path: (
        set(data(system, "well", path)) >= {m.name for m in system.profile.metrics}
    ),
}
"""What shows that a procedure serves its purpose."""


def statuses(system: System, path: str) -> list[int]:
    """
    While all is well, and while the checks fail.
    """
    return [answer(system, state, path).status for state in ("well", "failing")]


@check("platform.health[*].purpose")
def a_procedure_serves_its_purpose(node: Node, system: System) -> None:
    """
    As it shows in what it answers.
    """
    assert PURPOSES[node.value](system, node.beside("path"))


@check("platform.health[*].within_ms", mutants=tighter)
def a_procedure_is_fast_enough(node: Node, system: System) -> None:
    """
    95 of a hundred calls, one after the other; the best of three rounds, since other programs run beside this one.
    """
    rounds = (p95_ms(system, node.beside("path"), number) for number in range(3))
    assert any(measured < node.value for measured in rounds)


@cache
def p95_ms(system: System, path: str, number: int) -> float:
    """
    Of calls over one connection, in this round.
    """
    times = sorted(answer.seconds for answer in system.service.ask_often(path, CALLS))
    return 1000 * times[int(CALLS * 0.95)]


@check("platform.health[4].probe")
def a_probe_fails_when_the_service_is_unhealthy(node: Node, system: System) -> None:
    """
    By its exit status.
    """
    start, procedure = words(node.value, r"(curl -f) on (\S+) exits non-zero when unhealthy")
    (command,) = curls_in(node.document["probes"]["cron"])
    assert command.startswith(f"{start} ")
    assert command.endswith(f"/trpc/{procedure}")
    assert [0, COMPLAINT] == [states(system)[state].exits[command] for state in ("well", "failing")]


@check("platform.probes.cron")
def the_documented_probe_alerts_when_it_should(node: Node, system: System) -> None:
    """
    What stands behind `||` runs when the service is unhealthy, and not before.
    """
    (command,) = words(
        node.value, r'\*/5 \* \* \* \* (curl -f \S+) \|\| /usr/local/bin/alert-team "API Health Check Failed"'
    )
    assert [0, COMPLAINT] == [states(system)[state].exits[command] for state in ("well", "failing")]


@check("platform.health_metrics_data.counter_or_gauge")
def a_value_is_told_with_its_type(node: Node, system: System) -> None:
    """
    Every counter and gauge of the profile, by one number.
    """
    kinds = node.value["type"].split(" or ")
    assert ["counter", "gauge"] == kinds
    told = [measured(system)[name] for name in names_of(system, *kinds)]
    assert [] == [one for one in told if one["type"] not in kinds or not has_form(node.value["value"], one["value"])]
    assert [] == [one for one in told if list(node.value) != list(one)]


@check("platform.health_metrics_data.histogram")
def a_histogram_is_told_by_its_statistics(node: Node, system: System) -> None:
    """
    Once something was observed; raw values are not served.
    """
    kind = node.value["type"]
    told = {name: measured(system)[name] for name in names_of(system, kind)}
    assert told
    assert [] == [name for name, one in told.items() if kind != one["type"] or not shaped(node.value, one)]


def names_of(system: System, *kinds: str) -> set[str]:
    """
    The profile's metrics of these types.
    """
    return {one.name for one in system.profile.metrics if one.declaration.kind in kinds}


@cache
def measured(system: System) -> Any:
    """
    What `health.metrics` answers once everything was fed.
    """
    assert system.page
    return system.service.ask("GET", METRICS).json["result"]["data"]


@check("platform.from_typescript[0].here")
def the_page_is_served(node: Node, system: System) -> None:
    """
    By this method at this path.
    """
    method, path = words(node.value, r"(\w+) (\S+) by the kit")
    assert 200 == system.service.ask(method, path).status
    assert path == node.document["metrics_endpoint"]


@check("platform.from_typescript[1].here")
def all_metrics_are_told_at_once(node: Node, system: System) -> None:
    """
    By the procedure that is named.
    """
    (procedure,) = words(node.value, r"(health\.\w+), and the kit's snapshot of its metrics")
    assert METRICS == f"/trpc/{procedure}"
    assert {one.name for one in system.profile.metrics} <= set(measured(system))
