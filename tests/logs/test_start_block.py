"""
The start-up block as rows for a person.
"""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI

from otel_kit import Settings, setup_observability
from otel_kit.logs.start_block import start_rows


def rows_of(**settings: Any) -> str:
    """
    The block of a small application.
    """
    kit = setup_observability(FastAPI(), settings=Settings(**settings), checks={"database": lambda: True})
    try:
        return "\n".join(start_rows(kit.report()))
    finally:
        kit.undo()


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_says_where_a_signal_goes(signal: str) -> None:
    """
    Its address and protocol, or why it goes nowhere.
    """
    on = {"on": True, "to": ["http://collector:4318", "standard output"], "protocol": "http/protobuf"}

    assert [f"{signal:14}to http://collector:4318, standard output; http/protobuf"] == start_rows({signal: on})
    assert [f"{signal:14}off: no exporter"] == start_rows({signal: {"on": False, "why": "no exporter"}})


def test_says_what_is_off_and_why_at_the_end() -> None:
    """
    One row each, below one word.
    """
    shown = start_rows({"off": {"cors": "no origins", "client keys": "none"}, "profile": "shop"})

    assert ["profile       shop", "off           cors: no origins", "              client keys: none"] == shown


def test_tells_limits_and_checks_of_an_application() -> None:
    """
    Rates by prefix, and what health asks.
    """
    shown = rows_of(ratelimit_enabled=True)

    assert "limits        / 100 per 1 minute, /auth 10 per 1 minute" in shown
    assert "checks: database" in shown
    assert "rate limits: RATELIMIT_ENABLED=false" in rows_of(ratelimit_enabled=False)


def test_its_rows_fit_a_terminal() -> None:
    """
    With the clock before them, none is wider than a hundred columns, and there are a screenful at most.
    """
    shown = rows_of(ratelimit_enabled=True).splitlines()

    assert [] == [row for row in shown if len(row) > 76]
    assert 10 < len(shown) < 40


def test_what_it_does_not_know_has_a_row_by_its_name() -> None:
    """
    A report that has grown loses nothing.
    """
    assert ["new part      first 1, second yes"] == start_rows({"new_part": {"first": 1, "second": True}})


@pytest.mark.parametrize("odd", [None, 5, "...", [], ["..."], {}, {"...": "cut"}, {"rules": "..."}, [{"x": None}]])
def test_takes_a_report_that_was_cut(odd: object) -> None:
    """
    Whatever stands where a part should be, there is a block.
    """
    names = ["service", "traces", "limits", "health", "trace_context", "off", "clients", "max_body_bytes"]

    assert "profile       shop" in start_rows({"profile": "shop", **dict.fromkeys(names, odd)})
