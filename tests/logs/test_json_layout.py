"""
Items as JSON lines.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from typing import Any

import pytest

from otel_kit.layout import Field, LogLayout
from otel_kit.logs.exceptions import ExceptionText
from otel_kit.logs.item import LogItem, RequestItem
from otel_kit.logs.json_layout import JsonLayout
from otel_kit.profiles import BUILT_IN, load_profile
from otel_kit.profiles.goblin import PROFILE

GOBLIN = JsonLayout(PROFILE.layout)

HOSTILE = [
    "two\r\nlines",
    "\x1b[31mred",
    "\u2028\u2029\x85",
    "\x9b31m",
    "\u202eevil\u2066",
    "\x00\x7f",
    "\ud800 alone",
    '{"level": "forged"}\n{"level": "forged"}',
    "é 日本 🎉",
]


def item(message: str = "Message sent", **changes: Any) -> LogItem:
    """
    A record of an application.
    """
    made = LogItem(1764671445.123, logging.INFO, "INFO", "app.chat", message)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


@pytest.fixture
def request_item(a_request: Callable[..., Any]) -> RequestItem:
    """
    The line of a request.
    """
    return RequestItem(a_request(), 1764671445.123, logging.INFO, "INFO", "goblin_assistant", "request_completed")


def parsed(line: bytes) -> dict[str, Any]:
    """
    The one object that a line holds.
    """
    assert line.endswith(b"\n")
    assert 1 == len(line.decode().splitlines())
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


def test_writes_a_request_line(request_item: RequestItem) -> None:
    """
    The documented fields in the documented order, then the ids of the trace.
    """
    assert [
        ("timestamp", "2025-12-02T10:30:45.123Z"),
        ("level", "INFO"),
        ("logger", "goblin_assistant"),
        ("message", "request_completed"),
        ("correlation_id", "550e8400-e29b-41d4-a716-446655440000"),
        ("method", "POST"),
        ("path", "/chat/completions"),
        ("status_code", 200),
        ("duration_ms", 1234.56),
        ("trace_id", "0af7651916cd43dd8448eb211c80319c"),
        ("span_id", "b7ad6b7169203331"),
        ("log.class", "application"),
    ] == list(parsed(GOBLIN.line(request_item)).items())


def test_writes_an_application_line() -> None:
    """
    Outside a request there is neither correlation id nor trace.
    """
    assert {
        "timestamp": "2025-12-02T10:30:45.123Z",
        "level": "INFO",
        "logger": "app.chat",
        "message": "Message sent",
        "log.class": "application",
    } == parsed(GOBLIN.line(item()))


@pytest.mark.parametrize(
    ("expected", "created"),
    [
        ("1970-01-01T00:00:00.000Z", 0.0),
        ("2025-12-02T10:30:45.999Z", 1764671445.9999),
        ("2025-12-02T10:30:45.999Z", 1764671445.9999998),
        ("2025-12-02T10:30:46.000Z", 1764671446.0),
        ("2025-12-02T10:30:45.007Z", 1764671445.007),
    ],
)
def test_writes_the_time_in_milliseconds(expected: str, created: float) -> None:
    """
    Milliseconds always have three digits and are never rounded into the next second.
    """
    assert expected == parsed(GOBLIN.line(item(created=created)))["timestamp"]


@pytest.mark.parametrize("text", HOSTILE)
def test_one_record_is_one_line(text: str, request_item: RequestItem) -> None:
    """
    Hostile text in any place stays inside one line of JSON, every acting character escaped.
    """
    hostile = item(text, logger=text, extra={text: text, "deep": {text: [text]}}, correlation_id=text)
    hostile.exception = ExceptionText(text, text, text)
    request_item.path = request_item.method = text
    for line in (GOBLIN.line(hostile), GOBLIN.line(request_item)):
        parsed(line)
        assert not any(
            ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029\u202e\u2066" for c in line.decode()[:-1]
        )


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\ud800" not in text])
def test_loses_no_character(text: str) -> None:
    """
    A parser gets back exactly what was logged.
    """
    assert text == parsed(GOBLIN.line(item(text)))["message"]


def test_writes_what_others_may_have_put_on_an_item() -> None:
    """
    Values that JSON has no form for become text.
    """
    line = parsed(GOBLIN.line(item(extra={"big": 2**80, "odd": {1: object}, "nan": math.nan})))

    assert str(2**80) == line["big"]
    assert {"1": "<class 'object'>"} == line["odd"]


def test_extra_keeps_clear_of_the_fields() -> None:
    """
    A name of the line's own, taken or not, makes way.
    """
    extra = {"level": "mine", "trace_id": "mine", "correlation_id": "mine", "exception": "mine", "order": 7}
    line = parsed(GOBLIN.line(item(extra=extra)))

    assert "INFO" == line["level"]
    assert "correlation_id" not in line
    assert {f"extra.{name}": "mine" for name in ("level", "trace_id", "correlation_id", "exception")} == {
        name: value for name, value in line.items() if name.startswith("extra.")
    }
    assert 7 == line["order"]


def test_extra_may_use_names_of_other_lines() -> None:
    """
    `path` belongs to request lines; on any other line it is the caller's.
    """
    assert "/tmp/x" == parsed(GOBLIN.line(item(extra={"path": "/tmp/x"})))["path"]


def test_extra_that_collides_twice_is_kept() -> None:
    """
    Two names that lead to one key both arrive.
    """
    line = parsed(GOBLIN.line(item(extra={"extra.level": 1, "level": 2})))

    assert (1, 2) == (line["extra.level"], line["extra.extra.level"])


def test_writes_the_stack_once() -> None:
    """
    The exception's whole text is in one field.
    """
    line = parsed(GOBLIN.line(item(exception=ExceptionText("ValueError", "no", "Traceback\nValueError: no"))))

    assert "Traceback\nValueError: no" == line["exception"]


def test_a_request_without_an_answer_has_no_status(request_item: RequestItem) -> None:
    """
    Where nothing was sent, no number is made up.
    """
    request_item.status_code = None

    assert "status_code" not in parsed(GOBLIN.line(request_item))


TASKS = LogLayout(
    fields=(
        Field("timestamp", "timestamp"),
        Field("level", "level"),
        Field("message", "message"),
        Field("request_id", "correlation_id"),
        Field("user_id"),
        Field("endpoint", "route", on="request"),
        Field("response_time", "duration_ms", on="request"),
        Field("error", "error", caller=True),
    )
)
XIONIMUS = LogLayout(
    fields=(
        Field("timestamp", "timestamp"),
        Field("level", "level"),
        Field("logger", "logger"),
        Field("message", "message"),
        Field("module", "module"),
        Field("function", "function"),
        Field("line", "line"),
        Field("user_id"),
        Field("provider"),
        Field("model"),
        Field("duration_ms", "duration_ms", on="request", caller=True),
    ),
    timestamp="seconds",
)
PLATFORM = LogLayout(
    fields=(
        Field("level", "level"),
        Field("time", "timestamp"),
        Field("pid", "process_id"),
        Field("hostname", "hostname"),
        Field("version", "version"),
        Field("tenantId"),
        Field("userId"),
        Field("msg", "message"),
    ),
    level_names={"WARNING": "WARN", "CRITICAL": "FATAL"},
    exception_key="err",
    exception_form="object",
)


def test_carries_the_line_of_todo(request_item: RequestItem) -> None:
    """
    Other keys, the template in place of the path, and a caller's field in its place.
    """
    request_item.extra = {"user_id": "u-1"}
    line = parsed(JsonLayout(TASKS).line(request_item))

    assert ["timestamp", "level", "message", "request_id", "user_id", "endpoint", "response_time"] == list(line)[:7]
    assert ("u-1", "/chat/completions", 1234.56) == (line["user_id"], line["endpoint"], line["response_time"])


def test_fills_a_field_from_the_exception_or_the_caller() -> None:
    """
    `error` is the exception's text, or what the caller says where there is none.
    """
    layout = JsonLayout(TASKS)
    failed = item(exception=ExceptionText("ValueError", "no", "Traceback"))

    assert "ValueError: no" == parsed(layout.line(failed))["error"]
    assert "said" == parsed(layout.line(item(extra={"error": "said"})))["error"]


def test_carries_the_line_of_xionimus() -> None:
    """
    Seconds in the time, the place of the call, and the caller's fields in order.
    """
    sent = item(module="chat", function="send_message", line=342)
    sent.extra = {"duration_ms": 1234, "model": "gpt-4.1", "provider": "openai", "user_id": "user123"}

    assert {
        "timestamp": "2025-12-02T10:30:45Z",
        "level": "INFO",
        "logger": "app.chat",
        "message": "Message sent",
        "module": "chat",
        "function": "send_message",
        "line": 342,
        "user_id": "user123",
        "provider": "openai",
        "model": "gpt-4.1",
        "duration_ms": 1234,
        "log.class": "application",
    } == parsed(JsonLayout(XIONIMUS).line(sent))


def test_carries_the_line_of_platform() -> None:
    """
    pino's words and keys, process and host, the exception as an object.
    """
    failed = item("Database query failed", levelname="WARNING", extra={"tenantId": "t", "table": "users"})
    failed.exception = ExceptionText("OSError", "gone", "Traceback")
    line = parsed(JsonLayout(PLATFORM, {"hostname": "web-1", "version": "1.2.3"}).line(failed))

    assert ["level", "time", "pid", "hostname", "version", "tenantId", "msg"] == list(line)[:7]
    assert ("WARN", "web-1", "1.2.3") == (line["level"], line["hostname"], line["version"])
    assert {"type": "OSError", "message": "gone", "stack": "Traceback"} == line["err"]
    assert "users" == line["table"]


@pytest.mark.parametrize(
    "layout",
    [
        *(load_profile(name).layout for name in BUILT_IN),
        LogLayout(
            (
                Field("100%", "message"),
                Field("when", "timestamp"),
                Field("who", "client"),
                Field("took %b", "duration_seconds", on="request"),
                Field("process", "process_id"),
                Field("host", "hostname"),
                Field("route", "route", on="request"),
                Field("path", "path", on="request"),
                Field("user", None),
            ),
            timestamp="seconds",
        ),
        LogLayout((Field("twice", "path"), Field("twice", "client"), Field("trace_id", "method"))),
    ],
)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"path": "/else?", "duration_seconds": 0.00001},
        *({"path": text} for text in HOSTILE),
        *({"correlation_id": text} for text in HOSTILE),
        *({"route": text, "message": f"100% {text} %b %(x)s"} for text in HOSTILE),
        {"client": None},
        {"user": "u-1"},
        {"user": "u-1", "client": None},
        {"user": "50%", "correlation_id": None, "trace_id": None, "span_id": None},
        {"trace_id": None, "span_id": None},
        {"span_id": None},
        {"status_code": None, "route": None},
        {"extra": {"user": "u-1", "path": "/mine"}},
        {"exception": ExceptionText("ValueError", "bad", "Traceback")},
    ],
)
def test_templates_change_no_byte(request_item: RequestItem, layout: LogLayout, changes: dict[str, Any]) -> None:
    """
    A request's line is the same whether it is made from its fields or from the text that its kind shares.
    """
    with_templates, without = JsonLayout(layout, {"hostname": "50%"}), JsonLayout(layout, {"hostname": "50%"})
    without._has_templates = False
    with_templates.line(request_item)
    for name, value in changes.items():
        setattr(request_item, name, value)

    assert [without.line(request_item)] * 2 == [with_templates.line(request_item) for _ in range(2)]


@pytest.mark.parametrize("profile", BUILT_IN)
def test_a_request_without_a_user_has_a_template(profile: str, request_item: RequestItem) -> None:
    """
    Most requests have none, whatever the layout: their lines are made the short way too.
    """
    layout = JsonLayout(load_profile(profile).layout)
    layout.line(request_item)

    assert 1 == len(layout._templates)


def test_templates_are_bounded(request_item: RequestItem) -> None:
    """
    Ever new routes do not grow the cache beyond its bound.
    """
    layout = JsonLayout(PROFILE.layout)
    for number in range(3_000):
        request_item.route = f"/route/{number}"
        layout.line(request_item)

    assert 1_024 >= len(layout._templates)
