"""
Documented variables: names, defaults and values, as the kit reads them and as they were set for the live service.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any
from unittest.mock import patch

from otel_kit import Settings
from otel_kit.cli.doctor.safety import judge_safety
from otel_kit.cli.doctor.sources import Sources
from otel_kit.cli.doctor.values import judge_values
from tests.conformance.claims import check, words
from tests.conformance.lines import Node
from tests.conformance.script import run_script
from tests.conformance.system import System

ONE_LINE = """
logging.getLogger("app").warning("hello")
asyncio.run(kit.shutdown(2))
"""


def setting(variable: str, value: str = "") -> Any:
    """
    What the kit reads where the variable has that value; an empty one is as good as none.
    """
    with patch.dict(os.environ, {variable: value}):
        return getattr(Settings(_env_file=None), variable.lower())


def spelt(word: str) -> set[str]:
    """
    In every case.
    """
    return {word, word.lower(), word.upper(), word.capitalize()}


@check("goblin.environment.*.default")
def a_variable_has_its_default(node: Node, system: System) -> None:
    """
    The profile says it, and the kit reads the same from it as where nothing is set.
    """
    name = node.path.split(".")[2]
    assert node.value == system.profile.environment[name]
    assert setting(name) == setting(name, node.value)


@check("platform.logs.environment.*")
def a_variable_s_default_stands_on_the_lines(node: Node, system: System) -> None:
    """
    The profile says it; where nothing is set, the kit's lines have it.
    """
    name = str(node.key)
    assert node.value == system.profile.environment[name]
    assert setting(name) == setting(name, node.value)
    if name != "LOG_LEVEL":
        source = {"HOSTNAME": "hostname", "APP_VERSION": "version"}[name]
        assert {node.value} == {line[system.key_of(source)] for line in system.service.lines()}


@check("goblin.environment.LOG_LEVEL.values")
def a_level_is_read_in_any_case(node: Node, system: System) -> None:
    """
    As the level of that name.
    """
    for value in node.value:
        assert {value} == {setting("LOG_LEVEL", each) for each in spelt(value)}


@check("platform.logs.log_level_values")
def pino_s_levels_are_read_in_any_case(node: Node, system: System) -> None:
    """
    As the level whose label they are; those of Python are read beside them.
    """
    by_label = {label: name for name, label in node.document["logs"]["level_names"].items()}
    for value in node.value:
        named = by_label.get(value.upper(), "TRACE")
        assert {named} == {setting("LOG_LEVEL", each) for each in spelt(value)}
        assert {named} == {setting("LOG_LEVEL", each) for each in spelt(named)}
    assert "trace" == node.value[0]


@check("goblin.environment.LOG_LEVEL.in_production")
def a_level_may_be_set_in_production(node: Node, system: System) -> None:
    """
    `otel-kit doctor` has no word on it, and has one on each that says more.
    """
    levels = node.document["environment"]["LOG_LEVEL"]["values"]
    assert node.value == [each for each in levels if each in node.value]
    assert levels[: levels.index(node.value[0])] == [each for each in levels if is_doubted(each)]


def is_doubted(level: str) -> bool:
    """
    Whether the level is said to be too low for production.
    """
    sources = Sources({"ENVIRONMENT": "production", "LOG_LEVEL": level}, {})
    judged = judge_values(sources)
    assert judged.settings
    return any("LOG_LEVEL" in str(each) for each in judge_safety(judged.settings, judged.otel, sources))


@check("goblin.environment.CORS_ORIGINS.form", "goblin.environment.CORS_ORIGINS.example")
def listed_origins_may_read(node: Node, system: System) -> None:
    """
    Each of those in the example, by which the service was started, and no other.
    """
    (mark,) = words(node.beside("form"), r"(\w+)-separated origins")
    origins = node.beside("example").split({"comma": ","}[mark])
    answers = {
        each: system.service.ask("GET", "/items/7", headers={"Origin": each}) for each in (*origins, "http://x.y")
    }
    allowed = [each for each in answers if answers[each].headers.get("access-control-allow-origin") == each]
    assert origins == allowed
    assert len(system.setting("CORS_ORIGINS").split(",")) == len(origins)


@check("goblin.environment.RATELIMIT_ENABLED.optional")
def a_service_starts_without_the_variable(node: Node, system: System) -> None:
    """
    As this one did, and limits hold there.
    """
    assert node.value is (system.setting("RATELIMIT_ENABLED") == "")
    assert system.line(message="otel_kit.started")["report"]["limits"]["enabled"]


@check("xionimus.sentry.environment.SENTRY_DSN")
def sentry_is_off_when_nothing_is_set(node: Node, system: System) -> None:
    """
    An empty text is as good as none.
    """
    words(node.value, "off when empty")
    assert "" == system.profile.environment[str(node.key)]
    assert setting(str(node.key)) is None


@check("xionimus.sentry.environment.ENVIRONMENT")
def the_environment_has_its_default(node: Node, system: System) -> None:
    """
    The profile's and the kit's.
    """
    (default,) = words(node.value, r"(\w+) unless set")
    assert default == system.profile.environment[str(node.key)] == setting(str(node.key))


@check("xionimus.sentry.examples.ENVIRONMENT")
def the_environment_is_said(node: Node, system: System) -> None:
    """
    By a service that was started with the example.
    """
    assert node.value == system.line(message="otel_kit.started")["report"]["service"]["environment"]


@check("xionimus.logs.switch")
def json_lines_can_be_switched(node: Node, system: System) -> None:
    """
    True gives them, false does not.
    """
    assert not written(node.value, "false").startswith("{")
    assert written(node.value, "true").startswith("{")
    assert node.value in system.profile.environment


@cache
def written(switch: str, value: str) -> str:
    """
    What a script prints that logs one line.
    """
    return run_script("xionimus", ONE_LINE, **{switch: value}).output
