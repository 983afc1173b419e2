"""
Which system it is, its correlation id, and the example that the repository has of goblin.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from functools import cache
from typing import Any

from otel_kit.profiles import load_profile
from tests.conformance.checks.logs import documented_request
from tests.conformance.claims import check, words
from tests.conformance.lines import Node
from tests.conformance.states import states
from tests.conformance.system import EXAMPLES, System

QUESTION = {"model": "gpt-4", "messages": [{"role": "user", "content": "Who are you?"}]}
BODIES: dict[str, Any] = {
    "/chat/completions": QUESTION,
    "/auth/login": {"email": "test@example.com", "password": "test"},
}


@check("*.system")
def the_profile_has_the_system_s_name(node: Node, system: System) -> None:
    """
    And the live service has that profile.
    """
    assert node.value == load_profile(system.name).name == started(system)["profile"]


@check("goblin.profile_is_default")
def the_profile_is_the_default_one(node: Node, system: System) -> None:
    """
    Of a service that names none.
    """
    assert node.value is (system.setting("CONFORMANCE_PROFILE") == "" and started(system)["profile"] == system.name)


def started(system: System) -> Any:
    """
    What the service said of itself when it began to serve.
    """
    return system.line(**{system.key_of("message"): "otel_kit.started"})["report"]


@check("todo.stack.collection")
def the_metrics_are_prometheus_text(node: Node, system: System) -> None:
    """
    Of the version that every Prometheus reads.
    """
    words(node.value, "Prometheus")
    answer = system.service.ask("GET", system.profile.metrics_path)
    assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["content-type"]


# -- correlation ----------------------------------------------------------------------------------


@check("goblin.correlation.header")
def the_header_carries_the_id(node: Node, system: System) -> None:
    """
    One that comes is returned, and where none comes one is made; errors have it too.
    """
    name = node.value.lower()
    for path in ("/items/7", "/nowhere", "/raise/KeyError"):
        assert "an-id" == system.service.ask("GET", path, headers={node.value: "an-id"}).headers[name]
        assert re.fullmatch(r"[0-9a-f-]{36}", system.service.ask("GET", path).headers[name])


@check("goblin.correlation.log_field", "goblin.correlation.example")
def the_line_has_the_id(node: Node, system: System) -> None:
    """
    Under its key; the example's form is one that is taken as it is.
    """
    correlation = node.document["correlation"]
    assert correlation["example"] == documented_request(system)[correlation["log_field"]]


@check("goblin.self_monitoring[0]", "goblin.self_monitoring[2]")
def the_kit_watches_itself(node: Node, system: System) -> None:
    """
    By a metric of its time, one of its failures, and a check's word on every declared service.
    """
    words(node.value, "the middleware's own time and failures are metrics|health checks cover every declared service")
    assert system.page.sum("otel_kit_middleware_duration_seconds_count") > 0
    assert "counter" == system.page.types["otel_kit_internal_errors_total"]
    declared = system.setting("CONFORMANCE_CHECKS").split(",")
    assert declared == list(states(system)["well"].answers["/health/all"].json["services"])


# -- goblin's example -----------------------------------------------------------------------------


@check("goblin.serve.cwd", "goblin.serve.command")
def the_example_is_served_by_its_command(node: Node, system: System) -> None:
    """
    Given in its directory: so it was started, but for the port.
    """
    assert (EXAMPLES / system.name / node.beside("cwd") / "main.py").is_file()
    assert shlex.split(node.beside("command")) == system.example.command
    assert 200 == system.example.ask("GET", "/health").status


@check("goblin.serve.base_url")
def the_example_is_where_it_is_documented(node: Node, system: System) -> None:
    """
    The address is that of the command's port.
    """
    (port,) = words(node.value, r"http://localhost:(\d+)")
    assert port == system.example.command[-1]


@check("goblin.endpoints_of_the_example[*]")
def the_example_has_its_endpoints(node: Node, system: System) -> None:
    """
    Each is there, by its method.
    """
    method, path = node.value.split(" ")
    answer = system.example.ask(method, path, BODIES.get(path), client="127.0.3.1")
    assert answer.status in ((200,) if path != "/auth/login" else (200, 401))


@check("goblin.files[backend/main.py]")
def everything_is_wired_by_one_line(node: Node, system: System) -> None:
    """
    In the documented file.
    """
    count, call = words(node.value, r"all of it wired, here by (\w+) (\w+)\(app\)")
    found = (EXAMPLES / system.name / str(node.key)).read_text(encoding="utf-8")
    assert ["one"] * found.count(f"{call}(app") == [count]


@check("goblin.verification_script.lines[*]")
def the_verification_prints_its_lines(node: Node, system: System) -> None:
    """
    `otel-kit verify` against the example, marks and all.
    """
    assert node.value in verified(system)


@cache
def verified(system: System) -> list[str]:
    """
    What is printed; it can't read the log.
    """
    origin = system.contract["environment"]["CORS_ORIGINS"]["example"].split(",")[0]
    command = ["-m", "otel_kit", "verify", f"http://127.0.0.1:{system.example.port}", "--origin", origin]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.splitlines()
