"""
Items for a person at a terminal.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from otel_kit.logs.console_layout import ConsoleLayout, wants_colour
from otel_kit.logs.exceptions import ExceptionText
from otel_kit.logs.item import LogItem, RequestItem

PLAIN = ConsoleLayout()


def item(message: str) -> LogItem:
    """
    A record of an application inside a request.
    """
    made = LogItem(1764671445.123, logging.INFO, "INFO", "app.chat", message)
    made.correlation_id = "550e8400-e29b-41d4-a716-446655440000"
    return made


def test_hangs_records_on_their_request(a_request: Callable[..., Any]) -> None:
    """
    What happens inside a request is a branch, the request's own line closes it.
    """
    last = RequestItem(a_request(), 1764671445.2, logging.INFO, "INFO", "goblin", "request_completed")

    assert re.fullmatch(r"\d\d:\d\d:\d\d\.123 INFO +├─ 550e8400 app\.chat sent\n", PLAIN.line(item("sent")).decode())
    assert PLAIN.line(last).decode().endswith("└─ 550e8400 POST /chat/completions 200 1234.56 ms\n")


def test_a_line_outside_requests_has_no_branch() -> None:
    """
    Start-up lines stand by themselves.
    """
    alone = item("started")
    alone.correlation_id = None

    assert PLAIN.line(alone).decode().endswith("INFO     app.chat started\n")


def test_shows_extra_and_class() -> None:
    """
    The caller's fields stand behind the message.
    """
    audited = item("login")
    audited.extra = {"user": "u-1", "tries": 3}
    audited.log_class = "audit"

    assert PLAIN.line(audited).decode().endswith("login [audit] user=u-1 tries=3\n")


def test_sets_the_stack_below() -> None:
    """
    Each line of a stack trace is a line of its own.
    """
    failed = item("failed")
    failed.exception = ExceptionText("ValueError", "no", "Traceback\nValueError: no")

    assert ["│ Traceback", "│ ValueError: no"] == [row.strip() for row in PLAIN.line(failed).decode().splitlines()[1:]]


@pytest.mark.parametrize("text", ["\x1b[31m", "a\nb", "\r", "\x9b", "\u2028", "\u202e", "\ud800", "\x00"])
def test_lets_no_control_character_out(text: str) -> None:
    """
    A record can't move the cursor, colour the screen or forge a line.
    """
    hostile = item(text)
    hostile.logger = hostile.correlation_id = text
    hostile.extra = {text: text, "deep": [text]}
    shown = PLAIN.line(hostile).decode()

    assert 1 == len(shown.splitlines())
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e]", shown[:-1])


def test_colours_only_when_asked() -> None:
    """
    Escape sequences are the layout's own, or there are none.
    """
    assert b"\x1b[32m" in ConsoleLayout(colour=True).line(item("x"))
    assert b"\x1b" not in PLAIN.line(item("x"))


@pytest.mark.parametrize(
    ("expected", "environ", "terminal"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": ""}, True),
        (False, {"NO_COLOR": "1"}, True),
        (False, {"TERM": "dumb"}, True),
        (False, {}, False),
    ],
)
def test_wants_colour(expected: bool, environ: dict[str, str], terminal: bool) -> None:
    """
    Colour is for terminals whose user hasn't declined it.
    """
    assert expected == bool(wants_colour(environ, terminal))


def test_sets_the_start_up_block_below() -> None:
    """
    What is on and what is off stands in rows of its own, not as a mapping on the line.
    """
    started = item("otel_kit.started")
    started.logger, started.correlation_id = "otel_kit", None
    started.extra = {"report": {"profile": "shop", "off": {"cors": "no origins\x1b[2J\nforged"}}}
    first, *below = PLAIN.line(started).decode().splitlines()

    assert first.endswith("INFO     otel_kit otel_kit.started")
    assert ["│ profile       shop", "│ off           cors: no origins\\x1b[2J forged"] == [row.strip() for row in below]


def test_a_mapping_of_the_callers_stays_on_its_line() -> None:
    """
    Only the kit's own record is a block.
    """
    other = item("otel_kit.started")
    other.extra = {"report": {"profile": "shop"}}

    assert PLAIN.line(other).decode().endswith("report={'profile': 'shop'}\n")


def test_sets_stack_info_below() -> None:
    """
    The stack of a call stands as that of an exception does, and before it.
    """
    made = item("here")
    made.extra = {"n": 1, "stack_info": "Stack\n  File \x1b[2J"}
    made.exception = ExceptionText("ValueError", "no", "ValueError: no")
    first, *below = PLAIN.line(made).decode().splitlines()

    assert first.endswith("app.chat here n=1")
    assert ["│ Stack", "│   File \\x1b[2J", "│ ValueError: no"] == [row.strip() for row in below]
