"""
Fields of the lines that applications write: those that callers give, those of an exception, and pino's keys.
"""

from __future__ import annotations

import re

from tests.conformance.checks.logs import PERSON, documented, request_line, said, the_line
from tests.conformance.claims import check, words
from tests.conformance.forms import has_form
from tests.conformance.lines import Node
from tests.conformance.system import System


@check("todo.logs.fields")
def fields_are_there_when_they_have_a_value(node: Node, system: System) -> None:
    """
    In this order on the line of a request and on that of an error; user and error only where there is one.
    """
    request, failure, plain = request_line(system), the_line(system, "it failed"), the_line(system, "level INFO")
    assert node.value == [key for key in node.value if key in {*request, *failure}]
    for line in (request, failure, plain):
        assert [key for key in node.value if key in line] == [key for key in line if key in node.value]
    assert {"user_id", "error"} == {key for key in node.value if key in failure and key not in plain}


@check("todo.logs.errors")
def an_error_has_its_context(node: Node, system: System) -> None:
    """
    Each thing that is named, under its name.
    """
    (named,) = words(node.value, r"with context \((.+)\)")
    line = the_line(system, "it failed")
    assert [] == [name for name in named.split(", ") if not line.get(name.replace(" ", "_"))]


@check("xionimus.logs.extra_fields_kept", "platform.logs.caller_fields")
def what_the_caller_gives_is_kept(node: Node, system: System) -> None:
    """
    At the top of the line, as it was given.
    """
    given = {**PERSON, **documented(system)[0]}
    line = {**the_line(system, "it failed"), **the_line(system, documented(system)[0]["msg"])}
    assert [given[name] for name in node.value] == [line[name] for name in node.value]


@check("xionimus.logs.example", "platform.logs.examples[0]")
def a_documented_line_is_written(node: Node, system: System) -> None:
    """
    To the letter, from the record that it shows.
    """
    line = the_line(system, documented(system)[0]["msg"])
    assert node.value == {key: line[key] for key in node.value}


@check("platform.logs.examples[1]")
def a_documented_error_is_written(node: Node, system: System) -> None:
    """
    With the exception under its key.
    """
    words(node.value["err"], "the exception")
    line = the_line(system, documented(system)[1]["msg"])
    assert "ConnectionError" == line["err"]["type"]
    assert (node.value["level"], node.value["msg"]) == (line["level"], line["msg"])


@check("platform.logs.base_fields")
def base_fields_come_first(node: Node, system: System) -> None:
    """
    On every line, in this order and form.
    """
    named = [words(text, r"(\w+)(?: (in capitals|ISO 8601))?") for text in node.value]
    for line in said(system):
        assert [name for name, _ in named] == list(line)[: len(named)]
        for name, form in named:
            assert form != "in capitals" or line[name].isupper()
            assert form != "ISO 8601" or has_form(form, line[name])
        assert isinstance(line["pid"], int)


@check("platform.logs.level_names.*")
def levels_have_their_words(node: Node, system: System) -> None:
    """
    Python's name is what was logged, the other what stands on the line.
    """
    assert node.value == the_line(system, f"level {node.key}")["level"]


@check("platform.logs.pino_keys.msg")
def the_message_has_its_key(node: Node, system: System) -> None:
    """
    And no line has it under Python's.
    """
    words(node.value, "the message")
    assert "it failed" == the_line(system, "it failed")[str(node.key)]
    assert [] == [line for line in said(system) if "message" in line]


@check("platform.logs.pino_keys.err")
def an_exception_is_an_object(node: Node, system: System) -> None:
    """
    Its class, its message and its stack.
    """
    found = the_line(system, "it failed")[str(node.key)]
    assert list(node.value) == list(found)
    shown = {"class": r"\w+", "text": r"(.|\n)+"}
    assert [] == [name for name, form in node.value.items() if not re.fullmatch(shown[form], found[name])]
    assert ("ValueError", "it went wrong") == (found["type"], found["message"])
