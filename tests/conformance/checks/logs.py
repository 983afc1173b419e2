"""
Log lines: field by field, with their forms, as the live service writes them.

What an application says is said to the service as log records, those of the documents among them; what the kit says of
a request is its line.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from tests.conformance.claims import check, under, words
from tests.conformance.forms import TIMESTAMPS, has_form, same_form
from tests.conformance.lines import Node
from tests.conformance.mutants import ill_formed
from tests.conformance.system import System
from tests.servers.serving import wait_until

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
PERSON = {"user_id": "u17", "userId": "u17", "tenantId": "t4"}
CORRELATION = "conformance-lines"

EXAMPLE = "goblin.logs.request_line.example"

Line = dict[str, Any]


@cache
def said(system: System) -> list[Line]:
    """
    The lines of one request: one for each level, one with an exception, and those of the documents.
    """
    levels = [{"level": level, "msg": f"level {level}"} for level in LEVELS]
    failure = {"level": "ERROR", "msg": "it failed", "raises": "ValueError", **PERSON}
    system.tell("lines", [*levels, failure, *documented(system)], X_Correlation_ID=CORRELATION)
    system.line(**{"correlation_id": CORRELATION, system.key_of("path"): "/puppet/lines"})
    return system.lines(correlation_id=CORRELATION)


def documented(system: System) -> list[Line]:
    """
    The examples of application lines, as the records that they come from.
    """
    logs = system.contract["logs"]
    return [_record(system, line) for line in logs.get("examples", [logs["example"]] if "example" in logs else [])]


def _record(system: System, line: Line) -> Line:
    names = {"message": "msg", "timestamp": "created", "line": "lineno", "function": "funcName", "err": "raises"}
    record = {names.get(key, key): value for key, value in line.items()}
    if "module" in record:
        record["pathname"] = f"{record.pop('module')}.py"
    if "raises" in record:
        record["raises"] = "ConnectionError"
    return record


def the_line(system: System, message: str) -> Line:
    """
    The line with this message.
    """
    key = system.key_of("message")
    return next(line for line in said(system) if line[key] == message)


def request_line(system: System) -> Line:
    """
    The line of the request in which all the others were said.
    """
    return next(line for line in said(system) if line.get(system.key_of("path")) == "/puppet/lines")


@cache
def documented_request(system: System) -> Line:
    """
    The line of the request that the documents show, with its correlation id.
    """
    example = system.contract["logs"]["request_line"]["example"]
    given = {"X-Correlation-ID": example["correlation_id"]}
    system.service.ask(example["method"], example["path"], {}, given, client="127.0.4.1")
    return system.line(correlation_id=example["correlation_id"], path=example["path"])


# -- every line -----------------------------------------------------------------------------------


@check("goblin.logs.format", "goblin.logs.stream", "todo.stack.logs")
def output_is_json_lines(node: Node, system: System) -> None:
    """
    Whatever is on standard output, from the start-up on, is one JSON object a line.
    """
    words(node.value, "one JSON object a line|stdout, nothing else on it|structured JSON")
    assert len(said(system)) < len(system.service.lines())
    loggers = {line["logger"].split(".")[0] for line in system.service.lines()}
    assert {"uvicorn", "puppet", "otel_kit"} <= loggers


@check("goblin.logs.check")
def the_documented_pipe_parses_every_line(node: Node, system: System) -> None:
    """
    The command is the one by which the example was started.
    """
    command, field = words(node.value, r"`(.+) \| jq` parses every line; request lines have (\w+)")
    assert command == node.document["serve"]["command"]
    lines = request_lines_of_the_example(system)
    assert lines
    assert [] == [line for line in lines if not line.get(field)]


@cache
def request_lines_of_the_example(system: System) -> list[Line]:
    """
    Among all that it wrote, which has to be JSON.
    """
    given = system.example.ask("GET", "/models").headers["x-correlation-id"]

    def lines() -> list[Line]:
        return [line for line in system.example.lines() if line["message"] == "request_completed"]

    wait_until(lambda: given in [line.get("correlation_id") for line in lines()], 10.0, "the request's line")
    return lines()


@check("goblin.logs.timestamp", "xionimus.logs.timestamp", "platform.logs.pino_keys.time")
def times_have_their_form(node: Node, system: System) -> None:
    """
    On every line.
    """
    key = system.key_of("timestamp")
    assert node.value in TIMESTAMPS
    assert [] == [line[key] for line in system.service.lines() if not has_form(node.value, line[key])]


@check("goblin.logs.errors")
def an_error_has_its_stack(node: Node, system: System) -> None:
    """
    And the id of its request.
    """
    field = words(node.value, r"stack trace included, same (correlation_id)")[0]
    line = the_line(system, "it failed")
    assert re.match(r"Traceback \(most recent call last\):\n(.|\n)+ValueError: it went wrong", line["exception"])
    assert request_line(system)[field] == line[field]


# -- goblin's request line ------------------------------------------------------------------------


@check("goblin.logs.request_line.message")
def a_request_ends_with_its_line(node: Node, system: System) -> None:
    """
    One, with this message.
    """
    assert 1 == len([line for line in said(system) if line["message"] == node.value])


@check("goblin.logs.request_line.fields", "xionimus.logs.fields")
def fields_stand_in_their_order(node: Node, system: System) -> None:
    """
    At the head of the line.
    """
    line = documented_request(system) if node.system == "goblin" else the_line(system, "Message sent")
    assert node.value == list(line)[: len(node.value)]


@check("goblin.logs.request_line.logger_example")
def the_logger_is_the_service(node: Node, system: System) -> None:
    """
    By its name.
    """
    assert node.value == documented_request(system)["logger"] == system.setting("CONFORMANCE_SERVICE")


@check("goblin.logs.request_line.types")
def fields_have_their_types(node: Node, system: System) -> None:
    """
    Each field its own, or that of the others.
    """
    line = documented_request(system)
    for name in node.document["logs"]["request_line"]["fields"]:
        assert has_form(node.value.get(name, node.value["others"]), line[name]), name
    assert {*node.value} - {"others"} <= set(line)


@check(*under(EXAMPLE, "level", "logger", "message", "correlation_id", "method", "path", "status_code"))
def the_example_is_written_again(node: Node, system: System) -> None:
    """
    The same request has the same line.
    """
    assert node.value == documented_request(system)[str(node.key)]


@check(*under(EXAMPLE, "timestamp", "duration_ms"), mutants=ill_formed)
def moments_have_the_example_s_form(node: Node, system: System) -> None:
    """
    Its time is another one, in the same form.
    """
    assert same_form(node.value, documented_request(system)[str(node.key)])


@check("goblin.log_aggregation.elk.query_in_kibana_by")
def a_request_can_be_searched(node: Node, system: System) -> None:
    """
    By fields at the top of its line.
    """
    line = documented_request(system)
    assert [] == [name for name in node.value if not isinstance(line.get(name), str)]
