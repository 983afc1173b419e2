"""
Health: documents, statuses and times, while all is well, while checks fail, and by curl as documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from tests.conformance.claims import check, under, words
from tests.conformance.forms import has_form
from tests.conformance.lines import Node
from tests.conformance.mutants import tighter
from tests.conformance.script import run_script
from tests.conformance.service import Answer
from tests.conformance.states import curls_in, states
from tests.conformance.system import System


def answer(system: System, state: str, path: str) -> Answer:
    """
    What the service said there in that state.
    """
    return states(system)[state].answers[path]


def shaped(form: Any, document: Any) -> bool:
    """
    Whether a document has the keys of a form, in their order, and everywhere values of the form that is named.
    """
    if isinstance(form, Mapping):
        same = isinstance(document, Mapping) and list(form) == list(document)
        return same and all(shaped(form[key], document[key]) for key in form)
    return has_form(form, document)


# -- todo -----------------------------------------------------------------------------------------


@check("todo.health[*].path", "todo.health[*].status")
def a_probe_is_answered(node: Node, system: System) -> None:
    """
    With its status while all is well.
    """
    assert node.beside("status") == answer(system, "well", node.beside("path")).status


@check("todo.health[*].body")
def a_probe_says_how_it_is(node: Node, system: System) -> None:
    """
    By these keys and values, and no others.
    """
    assert shaped(node.value, answer(system, "well", node.beside("path")).json)


@check("todo.health[*].probe")
def a_probe_is_of_its_kind(node: Node, system: System) -> None:
    """
    Liveness answers as ever while checks fail, readiness does not.
    """
    bodies = [answer(system, state, node.beside("path")).json["status"] for state in ("well", "failing")]
    assert {"liveness": ["healthy", "healthy"], "readiness": ["ready", "not_ready"]}[node.value] == bodies


@check("todo.health[1].not_ready_status")
def a_service_that_is_not_ready_says_so(node: Node, system: System) -> None:
    """
    By its status, and by which service is not there.
    """
    found = answer(system, "failing", node.beside("path"))
    assert node.value == found.status
    assert {"database": False, "auth": False} == found.json["services"]


@check("todo.health[*].timeout_s", mutants=tighter)
def a_probe_is_answered_in_its_time(node: Node, system: System) -> None:
    """
    In each state.
    """
    assert max(answer(system, state, node.beside("path")).seconds for state in ("well", "failing")) < node.value


# -- xionimus -------------------------------------------------------------------------------------


@check("xionimus.health.path", "xionimus.health.method")
def the_document_is_served(node: Node, system: System) -> None:
    """
    By this method at this path.
    """
    assert 200 == system.service.ask(node.beside("method"), node.beside("path")).status


@check(*under("xionimus.health.probe_setup", "method", "url", "expected_status"))
def an_external_probe_is_answered(node: Node, system: System) -> None:
    """
    As it is set up, at this service in place of the public one.
    """
    (path,) = words(node.beside("url"), r"https://your-domain\.com(/.*)")
    assert node.beside("expected_status") == system.service.ask(node.beside("method"), path).status


@check("xionimus.health.body.status")
def the_document_has_one_of_its_states(node: Node, system: System) -> None:
    """
    Each of them when it should.
    """
    path = node.document["health"]["path"]
    assert node.value == [answer(system, state, path).json["status"] for state in ("well", "failing", "limited")]


@check("xionimus.health.body.services.database.status")
def the_database_is_connected_or_not(node: Node, system: System) -> None:
    """
    As its check says.
    """
    assert node.value == [database(node, system, state)["status"] for state in ("well", "failing")]


@check("xionimus.health.body.services.database.type")
def the_database_has_its_type(node: Node, system: System) -> None:
    """
    That of the engine in use.
    """
    assert node.value == database(node, system, "well")["type"] == system.setting("CONFORMANCE_TYPE")


@check("xionimus.health.body.services.database.error")
def the_database_says_what_is_wrong(node: Node, system: System) -> None:
    """
    Only when something is.
    """
    assert [True, True] == [has_form(node.value, database(node, system, state)["error"]) for state in DATABASE]
    assert (None, True) == (database(node, system, "well")["error"], bool(database(node, system, "failing")["error"]))


DATABASE = ("well", "failing")


def database(node: Node, system: System, state: str) -> Any:
    """
    What the document says of it.
    """
    return answer(system, state, node.document["health"]["path"]).json["services"]["database"]


@check(
    *under("xionimus.health.body", "version", "platform", "timestamp", "uptime_seconds", "system", "environment"),
    "xionimus.health.body.services.ai_providers",
)
def a_part_of_the_document_has_its_shape(node: Node, system: System) -> None:
    """
    In every state; the example's count of providers is that of the limited one.
    """
    parts = node.path.removeprefix("xionimus.health.body.").split(".")
    for state in ("well", "failing", "limited") if parts[-1] != "ai_providers" else ("limited",):
        found = answer(system, state, node.document["health"]["path"]).json
        assert list(found) == list(node.document["health"]["body"])
        for part in parts:
            found = found[part]
        assert shaped(node.value, found)


@check("xionimus.health.http_status.healthy", "xionimus.health.http_status.limited")
def a_state_has_its_status(node: Node, system: System) -> None:
    """
    Over HTTP.
    """
    state = {"healthy": "well", "limited": "limited"}[str(node.key)]
    assert node.value == answer(system, state, node.document["health"]["path"]).status


@check("xionimus.health.http_status.degraded")
def a_degraded_service_has_the_status_that_was_set(node: Node, system: System) -> None:
    """
    The first without a setting; either by it.
    """
    default, other = map(int, words(node.value, r"(\d+) or (\d+) by setting"))
    path = node.document["health"]["path"]
    assert default == answer(system, "failing", path).status
    assert [default, other] == [degraded_status(path, setting) for setting in (default, other)]


@cache
def degraded_status(path: str, setting: int) -> int:
    """
    Of a service whose database is away, under this setting.
    """
    script = f"""
from tests.asgi_client import call
kit.checks.add("database", lambda: False)
sys.stderr.write(str(asyncio.run(call(app, path="{path}")).status))
"""
    return int(run_script("xionimus", script, OTEL_KIT_HEALTH_DEGRADED_STATUS=str(setting)).errors)


@check("xionimus.health.counts")
def providers_are_counted(node: Node, system: System) -> None:
    """
    Those that are configured, and all that are declared.
    """
    names = words(
        node.value, r"(configured) is the number of true in (status), (total) the number of declared providers"
    )
    for state, configured in (("well", 1), ("limited", 0)):
        found = answer(system, state, node.document["health"]["path"]).json["services"]["ai_providers"]
        configured_key, status, total = (found[name] for name in names)
        assert (configured, configured, 3, 3) == (configured_key, sum(status.values()), total, len(status))


@check("xionimus.health_test")
def curl_gets_the_whole_document(node: Node, system: System) -> None:
    """
    By the command as it is written.
    """
    status, _ = words(node.value, r"curl http://localhost:8001/api/health: (\d+) and (every field of the body)")
    (command,) = curls_in(node.value)
    seen = states(system)["well"]
    assert (0, int(status)) == (seen.exits[command], seen.answers[node.document["health"]["path"]].status)
    assert all(f'"{key}"' in seen.printed[command] for key in node.document["health"]["body"])
