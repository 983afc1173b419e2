"""
Items and their one redaction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from otel_kit.logs.exceptions import ExceptionText
from otel_kit.logs.item import LogItem, RequestItem
from otel_kit.redaction import MASK, Policy

SECRET = "XQ-4711-SECRET"
POLICY = Policy(patterns=[SECRET])


def test_takes_secrets_out_everywhere() -> None:
    """
    Message, logger, extra and the exception are clean.
    """
    item = LogItem(0.0, logging.INFO, "INFO", f"app.{SECRET}", f"got {SECRET}")
    item.extra = {"seen": f"a {SECRET}", "password": "hunter2hunter2"}
    item.exception = ExceptionText("ValueError", SECRET, f"ValueError: {SECRET}")
    item.clean(POLICY)

    assert (f"app.{MASK}", f"got {MASK}") == (item.logger, item.message)
    assert {"seen": f"a {MASK}", "password": MASK} == item.extra
    assert (MASK, f"ValueError: {MASK}") == (item.exception.message, item.exception.stack)


def test_cleans_once() -> None:
    """
    The second exit finds the item clean and looks at nothing.
    """
    item = LogItem(0.0, logging.INFO, "INFO", "app", "text")
    item.clean(POLICY)
    item.message = SECRET
    item.clean(POLICY)

    assert SECRET == item.message


def test_a_request_keeps_its_own_fields(a_request: Callable[..., Any]) -> None:
    """
    The ring has cleaned path and id at the source; the exception has not been seen before.
    """
    item = RequestItem(a_request(), 0.0, logging.ERROR, "ERROR", "goblin", "request_completed")
    item.exception = ExceptionText("ValueError", SECRET, SECRET)
    item.extra = {"tenant": SECRET}
    item.clean(POLICY)

    assert "/chat/completions" == item.path
    assert MASK == item.exception.stack
    assert {"tenant": MASK} == item.extra


def test_leaves_clean_values_as_they_are() -> None:
    """
    A clean item isn't copied.
    """
    extra = {"order": 7, "note": "tea"}
    item = LogItem(0.0, logging.INFO, "INFO", "app", "text")
    item.extra = extra
    item.clean(POLICY)

    assert extra is item.extra
